// What happens, as small typed values: the one stream that feeds log, metrics, notifications, history and certctl.
#pragma once

#include "libacme/base/ids.hpp"
#include "libacme/base/json.hpp"
#include "libacme/base/log.hpp"
#include "libacme/base/problem.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace certd {

enum class EventType {
    daemon_ready,
    daemon_stopping,
    daemon_problem,
    config_loaded,
    config_refused,
    clock_jumped,
    store_recovered,
    store_damaged,
    lineage_added,
    lineage_changed,
    lineage_removed,
    lineage_paused,
    lineage_resumed,
    lineage_held,
    plan_decided,
    renewal_started,
    renewal_step,
    renewal_staging,
    names_refused,
    renewal_issued,
    renewal_failed,
    renewal_finished,
    ari_window,
    ari_failed,
    hook_finished,
    deploy_started,
    deploy_step,
    deploy_verified,
    deploy_committed,
    deploy_failed,
    deploy_rolled_back,
    deploy_rollback_failed,
    deploy_outside_window,
    deploy_rehearsed,
    rollback_started,
    rollback_finished,
    rollout_started,
    rollout_step,
    rollout_stopped,
    rollout_finished,
    served_lost,
    served_again,
    endpoint_trouble,
    endpoint_settled,
    next_key_made,
    account_changed,
    account_suspended,
    proof_expiring,
    ca_down,
    ca_up,
    version_revoked,
    incident_opened,
    incident_over,
    notify_delivered,
    notify_failed,
    control_call
};
std::string_view to_string(EventType type);  // "renewal.started"
std::optional<EventType> event_type_from(std::string_view text);

struct Event {
    std::uint64_t id = 0;  // assigned by the bus, ascending
    Time at{};             // assigned by the bus
    EventType type = EventType::daemon_ready;
    Severity severity = Severity::info;
    std::string lineage;  // empty: the daemon as a whole
    std::string target, host;
    std::uint64_t job = 0;  // of the running renewal, deployment or rollback; 0: none
    std::string message;    // our words, one sentence
    std::optional<Problem> problem;
    Json data;  // further facts, an object or null; "step", "version", "output", "took_ms" …
};

Json to_json(const Event& event);
Result<Event> event_from_json(const Json& json);
// One escaped line for people: "example.com: issued version 4 …".
std::string render(const Event& event);

using EventSink = std::function<void(Event)>;

}  // namespace certd
