// The completion script for bash. It needs no other package and evaluates nothing that is typed or answered.
#include "ctl/completion.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace certd::ctl {

namespace {

// @…@ are replaced by what the table says.
constexpr std::string_view script = R"(# Completion of certctl for bash, written by `certctl completion bash`.

_certctl() {
    local program=$1 current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} IFS=$' \t\n'
    local word command='' candidates='' i
    local -a arguments=() ask=("$program") list=()
    COMPREPLY=()
    # bash makes --to=3 three words.
    [[ $current != = ]] || current=
    [[ $previous != = ]] || previous=${COMP_WORDS[COMP_CWORD - 2]}
    for ((i = 1; i < COMP_CWORD; ++i)); do
        word=${COMP_WORDS[i]}
        case $word in
        @value_flags@)
            [[ ${COMP_WORDS[i + 1]-} != = ]] || ((++i))
            ((++i))
            [[ $word != --socket ]] || ((i >= COMP_CWORD)) || ask+=(--socket "${COMP_WORDS[i]}")
            ;;
        -* | =) ;;
        *) if [[ -z $command ]]; then command=$word; else arguments+=("$word"); fi ;;
        esac
    done

    case $command:$previous in
@values@
    *)
        if [[ $current == -* ]]; then
            case $command in
@flags@
            esac
            candidates+=' @global_flags@ --help'
        else
            case $command:${#arguments[@]} in
@words@
            esac
        fi
        ;;
    esac

    if [[ $candidates == FILES ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
    fi
    read -r -d '' -a list <<<"$candidates"
    for word in "${list[@]}"; do
        [[ $word != "$current"* || " ${arguments[*]-} " == *" $word "* ]] || COMPREPLY+=("$word")
    done
}
complete -F _certctl certctl
)";

std::string ask(std::string_view topic, bool of_lineage) {
    return fmt::format(R"(candidates=$("${{ask[@]}}" completion {}{} 2>/dev/null))", topic,
                       of_lineage ? R"( "${arguments[0]-}")" : "");
}

// The candidates for what a flag's `values` says.
std::string candidates_for(std::string_view values) {
    for (const CompletionTopic& topic : completion_topics()) {
        if (values == topic.what) return ask(topic.what, topic.of_lineage);
    }
    if (values == "file") return "candidates=FILES";
    std::string words(values);
    std::ranges::replace(words, '|', ' ');
    return fmt::format("candidates='{}'", words);
}

std::string value_cases() {
    std::string text;
    auto add = [&](std::string_view command, const std::vector<Flag>& flags) {
        for (const Flag& flag : flags) {
            if (!takes_value(flag)) continue;
            text +=
                fmt::format("    {}:{}) {} ;;\n", command, short_and_long(flag).second, candidates_for(flag.values));
        }
    };
    for (const Command& command : commands())
        add(command.name, command.flags);
    add("*", global_flags());
    return text;
}

std::string names_of(const std::vector<Flag>& flags) {
    std::string text;
    for (const Flag& flag : flags) {
        auto [brief, full] = short_and_long(flag);
        for (std::string_view name : {brief, full}) {
            if (!name.empty()) text += fmt::format("{}{}", text.empty() ? "" : " ", name);
        }
    }
    return text;
}

std::string flag_cases() {
    std::string text;
    for (const Command& command : commands()) {
        if (!command.flags.empty())
            text += fmt::format("            {}) candidates='{}' ;;\n", command.name, names_of(command.flags));
    }
    return text;
}

std::string word_cases() {
    std::string names;
    for (const Command& command : commands())
        names += fmt::format("{}{}", names.empty() ? "" : " ", command.name);
    std::string text = fmt::format("            :0) candidates='{}' ;;\n", names);
    for (const Command& command : commands()) {
        auto add = [&](std::string_view count, const std::string& action) {
            text += fmt::format("            {}:{}) {} ;;\n", command.name, count, action);
        };
        if (auto words = first_words(command.names); !words.empty())
            add("0", fmt::format("candidates='{}'", fmt::join(words, " ")));
        switch (command.names) {
            case Names::one:
                add("0", ask("names", false));
                break;
            case Names::any:
            case Names::some:
                add("*", ask("names", false));
                break;
            case Names::account:
                add("1", ask("cas", false));
                break;
            case Names::completion:
                add("1", ask("names", false));
                break;
            case Names::none:
            case Names::notify:
            case Names::audit:
            case Names::client:
                break;
        }
    }
    return text;
}

void fill(std::string& text, std::string_view mark, std::string value) {
    if (value.ends_with('\n')) value.pop_back();
    text.replace(text.find(mark), mark.size(), value);
}

}  // namespace

std::string bash_completion() {
    std::string text(script);
    fill(text, "@value_flags@", fmt::format("{}", fmt::join(flags_with_value(), " | ")));
    fill(text, "@values@", value_cases());
    fill(text, "@flags@", flag_cases());
    fill(text, "@global_flags@", names_of(global_flags()));
    fill(text, "@words@", word_cases());
    return text;
}

}  // namespace certd::ctl
