// Holds a document against the schema: unknown keys, types, ranges, what is missing or not available.
#pragma once

#include "config/document.hpp"
#include "config/report.hpp"

namespace certd::config {

void validate(const Document& document, Report& report);

}  // namespace certd::config
