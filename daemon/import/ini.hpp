// certbot's files of settings: the dialect of INI that the Python library ConfigObj reads and writes, with nested
// sections, lists and quotes. A value is text, or a list where commas stand outside of quotes.
#pragma once

#include "libacme/base/problem.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace certd::certbot {

struct IniValue {
    std::vector<std::string> items;  // one when it is no list
    bool is_list = false;
    std::uint32_t line = 0;
    bool operator==(const IniValue&) const = default;
};

struct IniSection {
    std::string name;  // of the file as a whole: empty
    std::map<std::string, IniValue> values;
    std::vector<IniSection> sections;

    const IniSection* find(std::string_view section) const;  // null: there is none
    bool operator==(const IniSection&) const = default;
};

constexpr std::size_t ini_size_limit = std::size_t{1} << 20;
constexpr std::size_t ini_depth_limit = 4;

// Problem import.syntax, with `file`, the line and what is wrong there. Linear in the size of the text.
Result<IniSection> parse_ini(std::string_view text, const std::string& file);

}  // namespace certd::certbot
