// What the words of a problem say beyond its code: a CA has one type for every validation that got the wrong answer,
// and its detail tells a 404 from another server's page. Pure, a table like the catalogue.
#pragma once

#include "libacme/base/problem.hpp"

#include <optional>
#include <string_view>

namespace certd {

struct Diagnosis {
    std::string_view cause;   // as in CatalogEntry, but for this case
    std::string_view remedy;  // likewise
};

// Of the problem's own code and words, not of its parts. None: the words say no more than the code.
std::optional<Diagnosis> diagnose(const Problem& problem);

// The problem with the diagnosis' remedy as its hint, where there is one.
Problem diagnosed(Problem problem);

// The cause as it is shown: the diagnosis, else the catalogue's; empty for an unknown code.
std::string_view cause_of(const Problem& problem);

}  // namespace certd
