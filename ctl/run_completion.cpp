// completion: scripts for shells, and what they ask for. Whoever waits for it has pressed a key: it is quick, and
// silent when there is nothing to say.
#include "ctl/completion.hpp"

#include <algorithm>
#include <set>

namespace certd::ctl {

namespace {

constexpr ClientLimits patience = {.connect = seconds(1), .answer = seconds(2)};

// Names, host names and addresses; anything else could mean something to a shell.
bool is_plain(std::string_view word) {
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:[]-";
    return !word.empty() && !word.starts_with('-') && word.find_first_not_of(allowed) == std::string_view::npos;
}

// `member` of each object in `list` of what certd answers to `target`.
ExitCode print_words(Context context, const std::string& target, std::string_view list, std::string_view member) {
    Result<Json> answer = Client(context.options.socket, patience).get(target);
    if (!answer) return exit_code_for(answer.error());
    std::set<std::string> seen;
    std::string lines;
    const Json::Array* items = (*answer)[list].if_array();
    if (items == nullptr) return ExitCode::ok;
    for (const Json& item : *items) {
        const std::string* text = item[member].if_string();
        const std::int64_t* number = item[member].if_int();
        std::string word = text ? *text : number ? std::to_string(*number) : std::string();
        if (is_plain(word) && seen.insert(word).second) lines += word + "\n";
    }
    context.console.print(lines);
    return ExitCode::ok;
}

}  // namespace

ExitCode run_completion(Context context) {
    const std::vector<std::string>& words = context.options.names;
    const std::string& what = words.front();
    if (what == "names") return print_words(context, "/v1/lineages?view=table", "lineages", "name");
    if (what == "cas") return print_words(context, "/v1/accounts", "accounts", "ca");
    if (words.size() > 1) {
        std::string lineage = "/v1/lineages/" + percent_encode(words[1]);
        if (what == "versions") return print_words(context, lineage, "versions", "version");
        return print_words(context, lineage, "targets", what == "hosts" ? "host" : "target");
    }
    context.console.print(what == "bash" ? bash_completion() : what == "zsh" ? zsh_completion() : fish_completion());
    return ExitCode::ok;
}

}  // namespace certd::ctl
