// Completion for shells: scripts written from the table of commands. What only certd knows (lineages, their targets,
// hosts and versions, CAs) they ask for by `certctl completion names` and the like.
#pragma once

#include "ctl/commands.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace certd::ctl {

std::string bash_completion();
std::string zsh_completion();
std::string fish_completion();

// What `certctl completion WHAT [NAME]` knows, and of what.
struct CompletionTopic {
    std::string_view what;
    bool of_lineage = false;  // needs the name of one
};
const std::vector<CompletionTopic>& completion_topics();
// What may be the first argument of a command that takes no lineage there: "list" and the others of `account`.
std::vector<std::string_view> first_words(Names names);

// "-f,--follow" → {"-f", "--follow"}; the first is empty for a flag without a short form.
std::pair<std::string_view, std::string_view> short_and_long(const Flag& flag);
bool takes_value(const Flag& flag);
// All long names of flags that take a value, of every command and those of certctl itself.
std::vector<std::string_view> flags_with_value();
// 'text' with what is in it quoted for a shell: "it's" → 'it'\''s'.
std::string shell_quoted(std::string_view text);

}  // namespace certd::ctl
