// The completion script for fish, with descriptions.
#include "ctl/completion.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace certd::ctl {

namespace {

constexpr std::string_view head = R"(# Completion of certctl for fish, written by `certctl completion fish`.

# The command and its arguments, without options and their values.
function __certctl_words
    set -l skip no
    for word in (commandline -opc)[2..-1]
        if test $skip = yes
            set skip no
            continue
        end
        switch $word
            case @value_flags@
                set skip yes
            case '-*'
            case '*'
                echo $word
        end
    end
end

# __certctl_at COMMAND COUNT: the command is this one and has so many arguments; without COUNT, any number.
function __certctl_at
    set -l words (__certctl_words)
    test "$words[1]" = "$argv[1]"; or return 1
    test (count $argv) -lt 2; or test (count $words) -eq (math $argv[2] + 1)
end

# __certctl_ask TOPIC: what certd knows, of the lineage on the line where TOPIC needs one; nothing when it does not answer.
function __certctl_ask
    set -l words (commandline -opc)
    set -l at (contains -i -- --socket $words)
    and set -lx CERTD_SOCKET $words[(math $at + 1)]
    switch $argv[1]
        case @of_lineage@
            certctl completion $argv[1] (__certctl_words)[2] 2>/dev/null
        case '*'
            certctl completion $argv[1] 2>/dev/null
    end
end

complete -c certctl -f
complete -c certctl -l help -d 'Print help'
complete -c certctl -n 'test -z (__certctl_words | string collect; or echo)' -l version -d 'Print the version'
)";

// fish knows \' and \\ within quotes, and nothing else.
std::string fish_quoted(std::string_view text) {
    std::string result = "'";
    for (char letter : text) {
        if (letter == '\'' || letter == '\\') result += '\\';
        result += letter;
    }
    return result + "'";
}

std::string value_of(const Flag& flag) {
    if (!takes_value(flag)) return "";
    for (const CompletionTopic& topic : completion_topics()) {
        if (flag.values == topic.what) return fmt::format(" -x -a '(__certctl_ask {})'", topic.what);
    }
    if (flag.values == "file") return " -r -F";
    std::string words(flag.values);
    std::ranges::replace(words, '|', ' ');
    return fmt::format(" -x -a {}", fish_quoted(words));
}

std::string completion_of(std::string_view condition, const Flag& flag) {
    auto [brief, full] = short_and_long(flag);
    std::string text = "complete -c certctl";
    if (!condition.empty()) text += fmt::format(" -n '__certctl_at {}'", condition);
    if (!brief.empty()) text += fmt::format(" -s {}", brief.substr(1));
    return fmt::format("{} -l {}{} -d {}\n", text, full.substr(2), value_of(flag), fish_quoted(flag.help));
}

std::string arguments_of(const Command& command) {
    auto at = [&](std::string_view count, std::string_view candidates) {
        return fmt::format("complete -c certctl -n '__certctl_at {}{}' -a '{}'\n", command.name, count, candidates);
    };
    std::string words;
    if (auto first = first_words(command.names); !first.empty())
        words = at(" 0", fmt::format("{}", fmt::join(first, " ")));
    switch (command.names) {
        case Names::one:
            return at(" 0", "(__certctl_ask names)");
        case Names::any:
        case Names::some:
            return at("", "(__certctl_ask names)");
        case Names::account:
            return words + at(" 1", "(__certctl_ask cas)");
        case Names::completion:
            return words + at(" 1", "(__certctl_ask names)");
        case Names::none:
        case Names::notify:
        case Names::audit:
        case Names::client:
            break;
    }
    return words;
}

void fill(std::string& text, std::string_view mark, std::string_view value) {
    text.replace(text.find(mark), mark.size(), value);
}

}  // namespace

std::string fish_completion() {
    std::string text(head), of_lineage;
    for (const CompletionTopic& topic : completion_topics()) {
        if (topic.of_lineage) of_lineage += fmt::format("{}{}", of_lineage.empty() ? "" : " ", topic.what);
    }
    fill(text, "@value_flags@", fmt::format("{}", fmt::join(flags_with_value(), " ")));
    fill(text, "@of_lineage@", of_lineage);
    for (const Flag& flag : global_flags())
        text += completion_of("", flag);
    for (const Command& command : commands()) {
        text += fmt::format("\ncomplete -c certctl -n '__certctl_at \"\"' -a {} -d {}\n", command.name,
                            fish_quoted(command.summary));
        for (const Flag& flag : command.flags)
            text += completion_of(command.name, flag);
        text += arguments_of(command);
    }
    return text;
}

}  // namespace certd::ctl
