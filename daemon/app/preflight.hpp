// `certctl check`: what can be known before a CA is bothered.
#pragma once

#include "ctl/api/types.hpp"
#include "daemon/app/engine.hpp"
#include "daemon/app/findings.hpp"

#include <optional>
#include <vector>

namespace certd {

// The state directory: whether it can be written, and its room.
Task<std::vector<api::CheckFinding>> check_store(Engine& engine);

// What a CA said, asked once. Throws only on cancellation.
struct CaAnswer {
    CaSight sight;
    std::optional<Problem> unreachable;
    std::optional<Duration> clock_ahead;  // as in CaClients::Greeting
    std::optional<Problem> suspended;     // no orders are placed at it
};
Task<CaAnswer> ask_ca(Engine& engine, config::Ca ca, bool is_first);
std::vector<api::CheckFinding> ca_findings(const CaAnswer& answer);  // reachable, clock, account

// The rest: what is particular to a lineage. `cas`: its own, as they have answered, in its order.
Task<std::vector<api::CheckFinding>> preflight_lineage(Engine& engine, config::ConfigPtr config, LineageRecord record,
                                                       std::vector<CaSight> cas);

// All of it. Each finding stands alone; none stops the others. `record` is copied: the lineage lives on meanwhile.
Task<std::vector<api::CheckFinding>> preflight(Engine& engine, config::ConfigPtr config, LineageRecord record);

}  // namespace certd
