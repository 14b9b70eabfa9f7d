// `certctl check`: what can be known before a CA is bothered.
#pragma once

#include "ctl/api/types.hpp"
#include "daemon/app/engine.hpp"

namespace certd {

// Each finding stands alone; none stops the others. `record` is copied: the lineage lives on meanwhile.
Task<std::vector<api::CheckFinding>> preflight(Engine& engine, config::ConfigPtr config, LineageRecord record);

}  // namespace certd
