// The catalogue of problem codes: one row per code, from which kind, retry class, hint, `certctl explain` and
// contrib/docs/PROBLEMS.md are derived. A code that is used and has no row fails a test.
#pragma once

#include "libacme/base/problem.hpp"

#include <span>
#include <string>
#include <string_view>

namespace certd {

struct CatalogEntry {
    std::string_view code;
    ProblemKind kind;
    Retry retry;
    std::string_view cause;   // one sentence: what usually lies behind it
    std::string_view remedy;  // one or two sentences an administrator can act on; becomes Problem::hint
};

std::span<const CatalogEntry> catalog();                  // sorted by code
const CatalogEntry* find_catalog(std::string_view code);  // nullptr when unknown

// The page contrib/docs/PROBLEMS.md, generated from the table.
std::string catalog_reference();

}  // namespace certd
