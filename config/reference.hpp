// What the two references of the configuration, Markdown and manual page, have in common: which keys stand where, and
// the rules for values.
#pragma once

#include "config/schema.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace certd::config {

// The keys below one top-level key, those that are no section ("General"), or those of hooks.
struct ReferenceGroup {
    std::string_view title;
    std::string_view doc;
    std::vector<const Row*> rows;
};

// Of the keys that are available, in the order of the schema.
std::vector<ReferenceGroup> reference_groups();
// The keys that a configuration must not have, each with what `doc` says of it.
std::vector<const Row*> rows_with(Need need);
// A row's keys as they are shown: one for each alternative, "….timeout" for those of hooks.
std::vector<std::string> shown_keys(const Row& row);
// Whether the default is words instead of something that could be typed.
bool default_is_words(const Row& row);

// How values are written: a list in Markdown, with **strong** and `code`.
std::string_view value_rules();

// certd.yaml(5), in the macros of man(7).
std::string manual_page();

}  // namespace certd::config
