// The completion script for zsh, with descriptions.
#include "ctl/completion.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace certd::ctl {

namespace {

constexpr std::string_view head = R"zsh(#compdef certctl
# Completion of certctl for zsh, written by `certctl completion zsh`.

# _certctl_ask TOPIC DESCRIPTION [NAME]: what certd knows; nothing when it does not answer.
_certctl_ask() {
    local -a ask found expl
    local from=${socket:-${(Q)${opt_args[--socket]-}}}
    ask=(certctl ${from:+--socket} ${from:+$from} completion $1 ${3-})
    found=(${(f)"$(_call_program $1 ${(q)ask} 2>/dev/null)"})
    _wanted $1 expl $2 compadd -a found
}

_certctl() {
    local context curcontext=$curcontext state line socket
    typeset -A opt_args
    local -a commands global
)zsh";

constexpr std::string_view middle =
    R"(    _arguments -C $global '(- 1 *)--version[Print the version]' '1:command:->command' '*::argument:->argument' && return 0

    case $state in
    command) _describe -t commands 'certctl command' commands ;;
    argument)
        socket=${(Q)${opt_args[--socket]-}}
        curcontext=${curcontext%:*:*}:certctl-$words[1]:
        case $words[1] in
)";

constexpr std::string_view tail = R"(        esac
        ;;
    esac
}

if [[ $funcstack[1] == _certctl ]]; then _certctl "$@"; else compdef _certctl certctl; fi
)";

// In a specification of _arguments and _describe these end a part.
std::string escaped(std::string_view text) {
    std::string result;
    for (char letter : text) {
        if (letter == ':' || letter == '[' || letter == ']' || letter == '\\') result += '\\';
        result += letter;
    }
    return result;
}

// Behind the space it is called as it stands; otherwise _arguments would put options for compadd before the topic.
std::string asking(std::string_view topic, bool of_lineage, std::string_view what) {
    return fmt::format("{}: _certctl_ask {} {}{}", what, topic, what, of_lineage ? " $line[1]" : "");
}

// ":what it is:how to complete it" of a flag that takes a value.
std::string value_of(const Flag& flag) {
    if (!takes_value(flag)) return "";
    for (const CompletionTopic& topic : completion_topics()) {
        if (flag.values == topic.what)
            return ":" + asking(topic.what, topic.of_lineage, topic.what.substr(0, topic.what.size() - 1));
    }
    if (flag.values == "file") return ":file:_files";
    std::string words(flag.values);
    std::ranges::replace(words, '|', ' ');
    return fmt::format(":value:({})", words);
}

std::string specification(const Flag& flag) {
    auto [brief, full] = short_and_long(flag);
    std::string rest = fmt::format("{}[{}]{}", takes_value(flag) ? "=" : "", escaped(flag.help), value_of(flag));
    if (brief.empty()) return shell_quoted(fmt::format("{}{}", full, rest));
    return fmt::format("'({} {})'{{{},{}}}{}", brief, full, brief, full, shell_quoted(rest));
}

std::string positionals(Names names) {
    std::string lineage = asking("names", false, "lineage");
    auto first = [&](std::string_view what) {
        return " " + shell_quoted(fmt::format("1:{}:({})", what, fmt::join(first_words(names), " ")));
    };
    switch (names) {
        case Names::none:
            return "";
        case Names::one:
            return " " + shell_quoted("1:" + lineage);
        case Names::any:
        case Names::some:
            return " " + shell_quoted("*:" + lineage);
        case Names::account:
            return first("action") + " " + shell_quoted("2:" + asking("cas", false, "ca"));
        case Names::notify:
        case Names::audit:
            return first("action");
        case Names::client:
            return first("client");
        case Names::completion:
            return first("shell") + " " + shell_quoted("2:" + lineage);
    }
    return "";
}

}  // namespace

std::string zsh_completion() {
    std::string text(head);
    text += "    global=(\n";
    for (const Flag& flag : global_flags())
        text += fmt::format("        {}\n", specification(flag));
    text += "        '(- *)--help[Print help]'\n    )\n    commands=(\n";
    for (const Command& command : commands()) {
        text += fmt::format("        {}\n", shell_quoted(fmt::format("{}:{}", command.name, escaped(command.summary))));
    }
    text += "    )\n";
    text += middle;
    for (const Command& command : commands()) {
        text += fmt::format("        {}) _arguments $global", command.name);
        for (const Flag& flag : command.flags)
            text += " " + specification(flag);
        text += positionals(command.names) + " ;;\n";
    }
    return text + std::string(tail);
}

}  // namespace certd::ctl
