// The reference page of all keys, written from the schema's rows.
#include "config/reference.hpp"

#include "config/load.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd::config {

namespace {

constexpr std::string_view introduction = R"(# Configuration reference

Generated from the schema (`config/schema.cpp`) by `certd --config-reference`; do not edit.

certd reads `/etc/certd/certd.yaml` (or the file given with `--config`) and then `conf.d/*.yaml` beside it, in order of
their names. `cas`, `targets` and `lineages` may be spread over the files; each name in them, and every other key, stands in
one file only. `certd --check-config` reports every mistake with its place. A sample: `config/certd.example.yaml`.

Neither the files nor `conf.d` may be writable by group or others, nor belong to anybody but root and certd's own user.

## How values are written

)";

constexpr std::string_view rules =
    R"(- **Durations** carry a unit: `250ms`, `30s`, `5m`, `1h 30m`, `7d`, `2w`. **Sizes** too: `500kB`, `10MB`, `64MiB`.
- **Modes** are octal digits, with or without quotation marks: `"0640"`, `0640` and `640` are the same.
- **Commands** are lists of words and run without a shell: `[nginx, -s, reload]`. `{ shell: "a | b" }` is the explicit exception.
- Where a **list** is expected a single value counts as a list of one. Commands are always lists.
- **Names** of CAs, targets and lineages match `[a-z0-9][a-z0-9._-]{0,63}` and do not end in `.`.
- A name for a certificate that begins with `*` needs quotation marks.
- The YAML is a subset: one document per file, no aliases, no tags, no key twice.
)";

constexpr std::string_view how_to_read = R"(
In the tables `*` stands for a name of your choice and `[]` for each item of a list. A lineage's own key replaces the one in
`defaults` as a whole.
)";

constexpr std::string_view hooks = "Hooks";
constexpr std::string_view hooks_doc =
    "Each of `targets.*.exec`, `pre_issue` and `post_issue` is a command, a mapping with the keys below, or a list of "
    "these.";

std::string cell(std::string_view text) {
    std::string result;
    for (char letter : text) {
        if (letter == '|') result += '\\';
        result += letter;
    }
    return result;
}

// As it would be typed: code, unless it is words.
std::string default_cell(const Row& row) {
    if (row.need == Need::required) return "required";
    if (row.default_text.empty()) return "";
    return default_is_words(row) ? cell(row.default_text) : fmt::format("`{}`", cell(row.default_text));
}

bool is_available(const Row& row) {
    return row.need == Need::optional || row.need == Need::required;
}

// The group a row stands in: its first key, or "General" for keys that are no section.
std::string_view group_of(const Row& row) {
    std::string_view path = row.path.substr(row.path.starts_with('{') ? 1 : 0);
    if (path.starts_with("targets.*.exec,")) return hooks;
    bool section = row.type == Type::section || row.type == Type::sections;
    std::size_t end = path.find_first_of(".,[");
    if (end == std::string_view::npos && !section) return "General";
    return path.substr(0, end);
}

std::string key_cell(const Row& row) {
    std::string keys;
    for (const std::string& key : shown_keys(row))
        keys += fmt::format("{}`{}`", keys.empty() ? "" : "<br>", key);
    return keys;
}

std::string table(const ReferenceGroup& group) {
    std::string text = fmt::format("## {}\n\n", group.title);
    if (!group.doc.empty()) text += fmt::format("{}\n\n", group.doc);
    text += "| key | type | default | meaning |\n|---|---|---|---|\n";
    for (const Row* row : group.rows) {
        text += fmt::format("| {} | {} | {} | {} |\n", key_cell(*row), cell(describe_type(*row)), default_cell(*row),
                            cell(row->doc));
    }
    return text;
}

std::string refused_keys(std::string_view title, Need need) {
    std::string text = fmt::format("## {}\n\n", title);
    for (const Row* row : rows_with(need))
        text += fmt::format("- {}: {}\n", key_cell(*row), row->doc);
    return text;
}

}  // namespace

std::vector<ReferenceGroup> reference_groups() {
    std::vector<ReferenceGroup> groups;
    for (const Row& row : rows()) {
        if (!is_available(row)) continue;
        std::string_view title = group_of(row);
        auto group = std::ranges::find(groups, title, &ReferenceGroup::title);
        if (group == groups.end()) {
            std::string_view doc = title == hooks ? hooks_doc : std::string_view();
            group = groups.insert(group, {title, doc, {}});
        }
        if (row.path == title) {
            group->doc = row.doc;
        } else {
            group->rows.push_back(&row);
        }
    }
    return groups;
}

std::vector<const Row*> rows_with(Need need) {
    std::vector<const Row*> result;
    for (const Row& row : rows()) {
        if (row.need == need) result.push_back(&row);
    }
    return result;
}

std::vector<std::string> shown_keys(const Row& row) {
    if (group_of(row) == hooks) return {fmt::format("….{}", row.path.substr(row.path.rfind('.') + 1))};
    return expand(row.path);
}

bool default_is_words(const Row& row) {
    bool words = row.default_text.find(' ') != std::string_view::npos || row.default_text == "none";
    return words && row.type != Type::choice;
}

std::string_view value_rules() {
    return rules;
}

std::string reference_page() {
    std::string page = fmt::format("{}{}{}", introduction, rules, how_to_read);
    for (const ReferenceGroup& group : reference_groups())
        page += "\n" + table(group);
    page += "\n" + refused_keys("Not available in this release", Need::later);
    page += "\n" + refused_keys("Refused, with what to write instead", Need::refused);
    return page;
}

}  // namespace certd::config
