// What the completion scripts of all shells are made of.
#include "ctl/completion.hpp"

#include <algorithm>
#include <iterator>

namespace certd::ctl {

const std::vector<CompletionTopic>& completion_topics() {
    static const std::vector<CompletionTopic> topics = {
        {"names"}, {"cas"}, {"targets", true}, {"hosts", true}, {"versions", true}};
    return topics;
}

std::vector<std::string_view> first_words(Names names) {
    std::vector<std::string_view> words;
    switch (names) {
        case Names::account:
            return {"list", "import", "orders", "rollover", "deactivate"};
        case Names::notify:
            return {"list", "test"};
        case Names::audit:
            return {"verify"};
        case Names::client:
            return {"certbot"};
        case Names::completion:
            words = {"bash", "zsh", "fish"};
            std::ranges::transform(completion_topics(), std::back_inserter(words), &CompletionTopic::what);
            return words;
        case Names::none:
        case Names::one:
        case Names::any:
        case Names::some:
            break;
    }
    return words;
}

std::pair<std::string_view, std::string_view> short_and_long(const Flag& flag) {
    std::size_t comma = flag.names.find(',');
    if (comma == std::string_view::npos) return {{}, flag.names};
    return {flag.names.substr(0, comma), flag.names.substr(comma + 1)};
}

bool takes_value(const Flag& flag) {
    return !std::holds_alternative<bool Options::*>(flag.member);
}

std::vector<std::string_view> flags_with_value() {
    std::vector<std::string_view> names;
    auto add = [&](const std::vector<Flag>& flags) {
        for (const Flag& flag : flags) {
            std::string_view name = short_and_long(flag).second;
            if (takes_value(flag) && std::ranges::find(names, name) == names.end()) names.push_back(name);
        }
    };
    add(global_flags());
    for (const Command& command : commands())
        add(command.flags);
    return names;
}

std::string shell_quoted(std::string_view text) {
    std::string quoted = "'";
    for (char letter : text)
        quoted += letter == '\'' ? "'\\''" : std::string(1, letter);
    return quoted + "'";
}

}  // namespace certd::ctl
