// control.call events.
#include "daemon/control/audit.hpp"

#include "libacme/base/text.hpp"

#include <fmt/format.h>

namespace certd::control {

namespace {

constexpr std::uint64_t refusals_told = 20;
constexpr std::size_t uids_remembered = 1000;

std::string caller(const Peer& peer) {
    if (!peer.uid) return fmt::format("An unknown user at {}", peer.address);
    return peer.pid ? fmt::format("uid {} (pid {})", *peer.uid, *peer.pid) : fmt::format("uid {}", *peer.uid);
}

Event event_of(const CallRecord& call, std::string_view did) {
    Event event;
    event.type = EventType::control_call;
    event.lineage = escape_untrusted(call.lineage, 128);
    event.message = fmt::format("{} {} {}", caller(call.peer), did, call.verb);
    event.data =
        Json::object({{"verb", call.verb}, {"arguments", call.arguments.is_null() ? Json::object() : call.arguments}});
    if (call.peer.uid) event.data.set("uid", static_cast<std::int64_t>(*call.peer.uid));
    if (call.peer.pid) event.data.set("pid", static_cast<std::int64_t>(*call.peer.pid));
    return event;
}

}  // namespace

void Audit::accepted(const CallRecord& call) {
    Event event = event_of(call, "called");
    event.severity = Severity::info;
    events_.publish(std::move(event));
}

void Audit::refused(const CallRecord& call, const Problem& problem) {
    bool silent = false;
    std::uint64_t suppressed = suppressed_before(call.peer, silent);
    if (silent) return;
    Event event = event_of(call, "was refused");
    event.severity = Severity::warning;
    event.problem = problem;
    if (suppressed != 0) event.data.set("not_told_before", static_cast<std::int64_t>(suppressed));
    events_.publish(std::move(event));
}

std::uint64_t Audit::suppressed_before(const Peer& peer, bool& silent) {
    if (refusals_.size() >= uids_remembered && !refusals_.contains(peer.uid)) refusals_.clear();
    Refusals& refusals = refusals_[peer.uid];
    Duration now = clock_.monotonic();
    std::uint64_t suppressed = 0;
    if (now >= refusals.window_end) {
        if (refusals.count > refusals_told) suppressed = refusals.count - refusals_told;
        refusals = {now + minutes(1), 0};
    }
    silent = ++refusals.count > refusals_told;
    return suppressed;
}

}  // namespace certd::control
