// Which events the audit journal keeps, and how they come to the disk.
#include "daemon/app/audit_writer.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr std::size_t most_waiting = 10'000;
constexpr std::size_t most_in_batch = 500;
constexpr Duration retry_after = minutes(1);

bool is_kept(EventType type) {
    switch (type) {
        case EventType::daemon_ready:
        case EventType::daemon_stopping:
        case EventType::config_loaded:
        case EventType::config_refused:
        case EventType::clock_jumped:
        case EventType::store_recovered:
        case EventType::store_damaged:
        case EventType::lineage_added:
        case EventType::lineage_changed:
        case EventType::lineage_removed:
        case EventType::lineage_paused:
        case EventType::lineage_resumed:
        case EventType::lineage_held:
        case EventType::plan_decided:
        case EventType::renewal_started:
        case EventType::renewal_step:
        case EventType::renewal_staging:
        case EventType::names_refused:
        case EventType::renewal_issued:
        case EventType::renewal_failed:
        case EventType::renewal_finished:
        case EventType::deploy_started:
        case EventType::deploy_committed:
        case EventType::deploy_failed:
        case EventType::deploy_rolled_back:
        case EventType::deploy_rollback_failed:
        case EventType::rollback_started:
        case EventType::rollback_finished:
        case EventType::rollout_started:
        case EventType::rollout_stopped:
        case EventType::rollout_finished:
        case EventType::next_key_made:
        case EventType::account_changed:
        case EventType::account_suspended:
        case EventType::version_revoked:
        case EventType::control_call:
            return true;
        default:
            return false;
    }
}

}  // namespace

std::optional<Json> audit_record(const Event& event) {
    if (!is_kept(event.type)) return std::nullopt;
    Json json = to_json(event);
    Json record = Json::object();
    for (const auto& [key, value] : *json.if_object()) {
        if (key != "id" && key != "data") record.set(key, value);
    }
    Json data = Json::object();
    if (const Json::Object* members = event.data.if_object()) {
        for (const auto& [key, value] : *members) {
            if (key == "uid" || key == "pid") {
                record.set(key, value);
            } else if (key != "output") {
                data.set(key, value);
            }
        }
    }
    if (!data.if_object()->empty()) record.set("data", std::move(data));
    return record;
}

AuditWriter::AuditWriter(Clock& clock, Workers& workers, FileSystem& files, Appender& appender, EventBus& bus,
                         Path directory, AuditLimits limits)
    : clock_(clock), workers_(workers), bus_(bus), limits_(limits), journal_(files, appender, std::move(directory)) {
    bus_.add_sink([this](const Event& event) { take(event); });
}

void AuditWriter::take(const Event& event) {
    std::optional<Json> record = audit_record(event);
    if (!record) return;
    if (waiting_.size() >= most_waiting) {
        ++lost_;
        return;
    }
    waiting_.push_back(std::move(*record));
    arrived_.notify();
}

Task<> AuditWriter::run() {
    for (;;) {
        if (waiting_.empty() && batch_.empty()) co_await arrived_.wait();
        if (!co_await write_some()) co_await clock_.sleep(retry_after);
    }
}

Task<> AuditWriter::finish() {
    while (!waiting_.empty() || !batch_.empty()) {
        if (!co_await write_some()) co_return;
    }
}

// One batch; false when it could not be written and has to come again.
Task<bool> AuditWriter::write_some() {
    if (batch_.empty()) {
        std::size_t count = std::min(waiting_.size(), most_in_batch);
        auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
        batch_.assign(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
        waiting_.erase(waiting_.begin(), end);
    }
    Time now = clock_.now();
    Result<void> written = co_await offload(workers_, [this, now] { return journal_.append(batch_, limits_, now); });
    settle(written);
    co_return written.has_value();
}

void AuditWriter::settle(const Result<void>& written) {
    if (written) batch_.clear();
    for (std::string& note : journal_.take_notes())
        tell(EventType::daemon_problem, Severity::error, std::move(note));
    if (!written && !std::exchange(failing_, true)) {
        tell(EventType::daemon_problem, Severity::error,
             "The audit journal cannot be written; certd goes on, and tries again every minute", written.error());
    }
    if (!written) return;
    if (std::uint64_t lost = std::exchange(lost_, 0); lost != 0) {
        waiting_.push_back(
            Json::object({{"at", to_json(std::optional(clock_.now()))},
                          {"type", "journal.gap"},
                          {"message", fmt::format("{} lines are lacking from before this one: the journal could not "
                                                  "be written",
                                                  lost)},
                          {"lost", static_cast<std::int64_t>(lost)}}));
    }
    if (std::exchange(failing_, false))
        tell(EventType::daemon_problem, Severity::notice, "The audit journal is written again");
}

void AuditWriter::tell(EventType type, Severity severity, std::string message, std::optional<Problem> problem) {
    Event event;
    event.type = type;
    event.severity = severity;
    event.message = std::move(message);
    event.problem = std::move(problem);
    bus_.publish(std::move(event));
}

}  // namespace certd
