// The part of a preflight that is about single names: addresses, CAA records, ways of proof.
#pragma once

#include "daemon/app/engine.hpp"
#include "daemon/app/findings.hpp"

namespace certd {

// `spec` and `cas` are copied: a reload may come meanwhile. Throws only on cancellation.
Task<std::vector<api::CheckFinding>> check_names(Engine& engine, config::ConfigPtr config,
                                                 std::shared_ptr<const config::Lineage> spec, std::vector<CaSight> cas);

}  // namespace certd
