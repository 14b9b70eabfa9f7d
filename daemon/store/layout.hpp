// Paths and file names of the state directory, and nothing else (contrib/docs/STATE-DIRECTORY.md).
#pragma once

#include "libacme/base/file_system.hpp"
#include "libacme/base/ids.hpp"
#include "libacme/crypto/key.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace certd::layout {

constexpr int known_layout = 1;  // of the layout, in the file `layout`

constexpr std::array<std::string_view, 4> version_files{"privkey.pem", "cert.pem", "chain.pem", "fullchain.pem"};
constexpr std::string_view version_record = "version.json";
constexpr std::string_view temp_prefix = ".tmp-";
constexpr std::string_view damaged_suffix = ".damaged";

// Joined as text: appending to a path component by component costs five times as much, and a start makes 100,000 of
// them.
inline Path below(const Path& root, std::string_view rest) {
    return root.native() + std::string(rest);
}
inline Path below_lineage(const Path& root, const LineageName& name, std::string_view rest) {
    return root.native() + "/lineages/" + name.text() + std::string(rest);
}

inline Path number_file(const Path& root) {
    return below(root, "/layout");
}
inline Path burned_keys(const Path& root) {
    return below(root, "/burned-keys.json");
}
inline Path hook_rounds(const Path& root) {
    return below(root, "/hook-rounds.json");
}
inline Path notifications(const Path& root) {
    return below(root, "/notify.json");
}
inline Path accounts(const Path& root) {
    return below(root, "/accounts");
}
inline Path lineages(const Path& root) {
    return below(root, "/lineages");
}
inline Path live_links(const Path& root) {
    return below(root, "/live");
}
inline Path live_link(const Path& root, const LineageName& name) {
    return below(root, "/live/" + name.text());
}
inline Path rehearsal(const Path& root) {
    return below(root, "/rehearsal");
}
inline Path lock_file(const Path& root) {
    return below(root, "/lock");
}

inline Path lineage(const Path& root, const LineageName& name) {
    return below_lineage(root, name, "");
}
inline Path state_file(const Path& root, const LineageName& name) {
    return below_lineage(root, name, "/state.json");
}
inline Path order_directory(const Path& root, const LineageName& name) {
    return below_lineage(root, name, "/order");
}
inline Path order_file(const Path& root, const LineageName& name) {
    return below_lineage(root, name, "/order/order.json");
}
// Of a key that is not the first.
inline Path order_file(const Path& root, const LineageName& name, KeyType further) {
    return below_lineage(root, name, "/order/" + std::string(to_string(further)) + ".json");
}
// The key type in the name of such a file.
std::optional<KeyType> further_order(std::string_view file_name);
inline Path next_keys(const Path& root, const LineageName& name) {
    return below_lineage(root, name, "/next-keys.json");
}
inline Path versions(const Path& root, const LineageName& name) {
    return below_lineage(root, name, "/versions");
}
inline Path deploy(const Path& root, const LineageName& name) {
    return below_lineage(root, name, "/deploy");
}

// "0007"; more digits from 10000 on.
std::string version_name(VersionNumber number);
std::optional<VersionNumber> parse_version_name(std::string_view text);
// The number of a version's directory under whichever name: "0007", "0007.damaged".
std::optional<VersionNumber> number_taken_by(std::string_view text);

// What the symlink live/<name> holds: "../lineages/<name>/versions/0007".
std::string live_target(const LineageName& name, VersionNumber number);
std::optional<VersionNumber> parse_live_target(const LineageName& name, std::string_view target);

inline bool is_temp(std::string_view file_name) {
    return file_name.starts_with(temp_prefix);
}
// A CA's or target's name as a path component; the configuration allows only the grammar of lineage names.
Result<Path> component(const std::string& name);

}  // namespace certd::layout
