// The walk of a document beside the schema tree.
#include "config/validate.hpp"

#include "config/schema.hpp"
#include "config/values.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd::config {

namespace {

// The way from the root to a node, spelled only when a message needs it: "targets.web.install[2]".
struct Trail {
    const Trail* parent = nullptr;
    std::string_view key;
    std::size_t item = 0;  // from 1; 0: not an item

    std::string text() const {
        std::string before = parent ? parent->text() : "";
        if (item > 0) return fmt::format("{}[{}]", before, item);
        if (before.empty()) return std::string(key);
        return fmt::format("{}.{}", before, key);
    }
};

constexpr std::string_view argv_hint = "write a list: [nginx, -t]; { shell: \"…\" } runs a shell";

std::string shown(const Trail& trail) {
    return trail.text().size() <= 160 ? trail.text() : in_quotes(trail.text());
}

class Validator {
   public:
    explicit Validator(Report& report) : report_(report) {}

    // `place` is where a missing key is reported: the key that names the section, or the item.
    void section(TreeNode node, TreeNode place, const SchemaNode& schema, const Trail& trail) {
        if (node.is_scalar() || node.is_sequence()) {
            return report_.error(node.location(), fmt::format("{} must be a mapping", shown_or_file(trail)),
                                 keys_hint(schema));
        }
        for (std::size_t i = 0; i < node.size(); ++i)
            entry(node.key(i), node.value(i), schema, trail);
        for (const auto& [name, child] : schema.keys) {
            if (child.row && child.row->need == Need::required && !node.find(name)) {
                report_.error(place.location(), fmt::format("{} lacks '{}'", shown_or_file(trail), name),
                              std::string(child.row->doc));
            }
        }
    }

   private:
    static std::string shown_or_file(const Trail& trail) { return trail.parent ? shown(trail) : "The file"; }

    static std::string keys_hint(const SchemaNode& schema) {
        std::string keys;
        for (const auto& [name, child] : schema.keys) {
            if (child.row && (child.row->need == Need::later || child.row->need == Need::refused)) continue;
            keys += (keys.empty() ? "" : ", ") + name;
        }
        return keys.empty() ? "" : "known here: " + keys;
    }

    void unknown_key(TreeNode key, const SchemaNode& schema, const Trail& trail) {
        std::vector<std::string_view> candidates;
        for (const auto& [name, child] : schema.keys) {
            if (!child.row || child.row->need == Need::optional || child.row->need == Need::required)
                candidates.push_back(name);
        }
        auto near = did_you_mean(key.text(), candidates);
        std::string where = trail.parent ? " in " + shown(trail) : "";
        report_.error(key.location(), fmt::format("Unknown key {}{}", in_quotes(key.text()), where),
                      near ? fmt::format("did you mean '{}'?", *near) : keys_hint(schema));
    }

    void entry(TreeNode key, TreeNode value, const SchemaNode& schema, const Trail& trail) {
        auto found = schema.keys.find(key.text());
        if (found == schema.keys.end()) return unknown_key(key, schema, trail);
        const Row& row = *found->second.row;
        Trail here{&trail, key.text()};
        if (row.need == Need::later) {
            return report_.error(key.location(),
                                 fmt::format("{}: {} is not available in this release", key.text(), row.doc));
        }
        if (row.need == Need::refused) {
            return report_.error(key.location(), fmt::format("The key {} is not supported", in_quotes(key.text())),
                                 std::string(row.doc));
        }
        switch (row.type) {
            case Type::section:
                return section(value, key, found->second, here);
            case Type::sections:
                return sections(value, *found->second.any, here);
            case Type::by_name:
                return by_name(value, *found->second.any, here);
            case Type::steps:
                return steps(value, found->second, here);
            case Type::command:
                return command(value, here);
            case Type::hooks:
                return hooks(value, *found->second.any, here);
            case Type::reload:
                return reload(value, found->second, here);
            default:
                return row.many ? scalars(value, row, here) : scalar(value, row, here);
        }
    }

    void sections(TreeNode node, const SchemaNode& schema, const Trail& trail) {
        if (node.is_scalar() || node.is_sequence()) {
            return report_.error(node.location(),
                                 fmt::format("{} must be a mapping from names to mappings", shown(trail)));
        }
        for (std::size_t i = 0; i < node.size(); ++i) {
            section_name(node.key(i), trail);
            section(node.value(i), node.key(i), schema, Trail{&trail, node.key(i).text()});
        }
    }

    void by_name(TreeNode node, const SchemaNode& schema, const Trail& trail) {
        if (node.is_scalar() || node.is_sequence()) {
            return report_.error(node.location(),
                                 fmt::format("{} must be a mapping from names to challenges", shown(trail)),
                                 "write { \"www.example.com\": { http-01: {} } }");
        }
        for (std::size_t i = 0; i < node.size(); ++i)
            section(node.value(i), node.key(i), schema, Trail{&trail, node.key(i).text()});
    }

    void section_name(TreeNode key, const Trail& trail) {
        std::string_view name = key.text();
        if (is_name(name)) return;
        std::string lower = lower_ascii(name);
        std::string hint =
            "a name has at most 64 of a-z, 0-9, '.', '_' and '-', begins with a letter or digit and does not end in "
            "'.'";
        if (name.starts_with("*.")) {
            hint = fmt::format("call it e.g. 'wildcard.{}' and put \"{}\" into its names", clip(lower.substr(2)),
                               clip(lower));
        } else if (is_name(lower)) {
            hint = fmt::format("write '{}'", lower);
        }
        report_.error(key.location(), fmt::format("{} cannot be a name in {}", in_quotes(name), shown(trail)), hint);
    }

    static std::string clip(const std::string& text) { return text.substr(0, 64); }

    void steps(TreeNode node, const SchemaNode& schema, const Trail& trail) {
        if (!node.is_sequence()) {
            return report_.error(node.location(), fmt::format("{} must be a list of mappings", shown(trail)),
                                 node.is_map() ? "put '- ' before each of them" : "");
        }
        for (std::size_t i = 0; i < node.size(); ++i) {
            section(node.item(i), node.item(i), *schema.any, Trail{&trail, {}, i + 1});
        }
    }

    void scalar(TreeNode node, const Row& row, const Trail& trail) {
        if (node.is_scalar()) {
            if (auto wrong = complaint(row, node.text())) {
                report_.error(node.location(), fmt::format("{} {}", shown(trail), wrong->message), wrong->hint);
            }
            return;
        }
        if (row.path == "cas.*.limits" && node.is_map()) {
            return report_.error(node.location(), "limits: a budget model of your own is not available in this release",
                                 "write none or letsencrypt");
        }
        Row one = row;
        one.many = false;
        std::string found = node.kind() == TreeNode::Kind::null ? "but it has no value"
                            : node.is_map()                     ? "not a mapping"
                                                                : "not a list";
        report_.error(node.location(),
                      fmt::format("{} must be one value ({}), {}", shown(trail), describe_type(one), found));
    }

    void scalars(TreeNode node, const Row& row, const Trail& trail) {
        if (node.is_scalar()) return scalar(node, row, trail);
        if (!node.is_sequence()) {
            return report_.error(node.location(), fmt::format("{} must be a list", shown(trail)),
                                 node.is_map() ? "" : "write [] for an empty one");
        }
        for (std::size_t i = 0; i < node.size(); ++i)
            scalar(node.item(i), row, Trail{&trail, {}, i + 1});
    }

    static bool is_argv(TreeNode node) {
        if (!node.is_sequence() || node.size() == 0) return false;
        for (std::size_t i = 0; i < node.size(); ++i) {
            if (!node.item(i).is_scalar()) return false;
        }
        return true;
    }

    void command(TreeNode node, const Trail& trail) {
        if (is_argv(node)) return arguments(node, trail);
        if (node.is_sequence() && node.size() == 0) {
            return report_.error(node.location(), fmt::format("{} is an empty command", shown(trail)),
                                 "leave the key out");
        }
        if (node.is_sequence()) {
            return report_.error(node.location(), fmt::format("{} must be a list of words", shown(trail)),
                                 "put each argument in quotation marks");
        }
        if (!node.is_map()) {
            return report_.error(node.location(),
                                 fmt::format("{} must be a command as a list of its words", shown(trail)),
                                 std::string(argv_hint));
        }
        auto shell = node.find("shell");
        if (!shell || node.size() != 1) {
            return report_.error(
                node.location(),
                fmt::format("{} must be a command: a list of words or {{ shell: \"…\" }}", shown(trail)));
        }
        if (!shell->is_scalar() || trim(shell->text()).empty() || shell->text().find('\0') != std::string_view::npos) {
            report_.error(shell->location(), fmt::format("{}.shell must be a text for /bin/sh -c", shown(trail)));
        }
    }

    void arguments(TreeNode node, const Trail& trail) {
        for (std::size_t i = 0; i < node.size(); ++i) {
            if (node.item(i).text().find('\0') == std::string_view::npos) continue;
            report_.error(node.item(i).location(),
                          fmt::format("{}[{}] must not contain a NUL character", shown(trail), i + 1));
        }
        if (node.item(0).text().empty())
            report_.error(node.item(0).location(), fmt::format("{} begins with an empty word", shown(trail)));
    }

    void hooks(TreeNode node, const SchemaNode& schema, const Trail& trail) {
        if (!node.is_sequence() || is_argv(node)) return hook(node, schema, trail);
        for (std::size_t i = 0; i < node.size(); ++i)
            hook(node.item(i), schema, Trail{&trail, {}, i + 1});
    }

    void hook(TreeNode node, const SchemaNode& schema, const Trail& trail) {
        bool short_form = !node.is_map() || (node.size() == 1 && node.find("shell"));
        if (short_form) return command(node, trail);
        section(node, node, schema, trail);
    }

    void reload(TreeNode node, const SchemaNode& schema, const Trail& trail) {
        bool is_command = !node.is_map() || (node.size() == 1 && node.find("shell"));
        if (is_command) return command(node, trail);
        if (node.size() == 0)
            report_.error(node.location(), fmt::format("{} says nothing", shown(trail)),
                          "write { systemd: nginx.service } or leave the key out");
        if (node.find("systemd") && node.find("command"))
            report_.error(node.location(), fmt::format("{} names both a unit and a command", shown(trail)),
                          "keep one of them");
        section(node, node, schema, trail);
    }

    Report& report_;
};

}  // namespace

void validate(const Document& document, Report& report) {
    Validator(report).section(document.root(), document.root(), schema(), Trail{});
}

}  // namespace certd::config
