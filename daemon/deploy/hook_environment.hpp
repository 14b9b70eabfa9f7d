// What a hook or exec step learns: certbot's two variables, ours with the prefix CERTD_, and the same as JSON on stdin.
// The environment is made from scratch, so nothing of certd's own (NOTIFY_SOCKET, LISTEN_*, LD_* …) gets through. Pure.
#pragma once

#include "daemon/lineage/lineage.hpp"
#include "daemon/store/store.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace certd {

struct HookFacts {
    std::string event;  // "pre-issue", "post-issue", "deploy", "restore"
    std::string lineage;
    std::string lineage_path;  // the live path, or a version's directory when `live` names another
    std::vector<Identifier> names;
    std::optional<VersionFacts> version;  // absent before the first issue
    std::string target, host;             // empty outside a deployment
    std::uint64_t job = 0;
};

// "NAME=value" entries. A value that somebody else chose cannot smuggle a line break or a control character.
std::vector<std::string> hook_environment(const HookFacts& facts);
// Of certbot's scripts in `pre`, and with the two lists of those in `post`; both are set, be they empty.
std::vector<std::string> round_environment(std::string_view event);
std::vector<std::string> round_environment(std::string_view event, const std::vector<std::string>& renewed,
                                           const std::vector<std::string>& failed);
std::string hook_input(const HookFacts& facts);  // one JSON object and a line feed
// The same with the texts of the version's files, the private key among them: for its reader's eyes only.
std::string bundle_input(const HookFacts& facts, const VersionFiles& files);

}  // namespace certd
