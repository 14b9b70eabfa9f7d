// certbot's names made to fit certd's grammar.
#pragma once

#include "libacme/base/ids.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace certd::certbot {

// Of each of certbot's names (which are distinct) the lineage's name: the same where it fits, else one that is made of
// it and of nobody else. The same names give the same result.
std::map<std::string, LineageName> lineage_names(const std::vector<std::string>& names);

// `wanted`, or that with the first of -2, -3 … that is not in `taken`, to which it is added.
std::string unused_name(std::string_view wanted, std::set<std::string>& taken);

// Lower case, what does not fit replaced by '-'.
std::string fitting_name(std::string_view name);

}  // namespace certd::certbot
