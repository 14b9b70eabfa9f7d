// The agent that writes the audit journal: takes events as they are published, and appends what waits off the event
// loop, in one batch with one fsync. Nothing ever waits for it. Stopped with its task group; finish() writes the rest.
#pragma once

#include "daemon/observe/bus.hpp"
#include "daemon/store/audit_journal.hpp"
#include "libacme/async/offload.hpp"
#include "libacme/async/signal.hpp"

#include <deque>
#include <optional>
#include <vector>

namespace certd {

// What the journal says of an event; nullopt: nothing. What programs printed stays out of it.
std::optional<Json> audit_record(const Event& event);

class AuditWriter {
   public:
    AuditWriter(Clock& clock, Workers& workers, FileSystem& files, Appender& appender, EventBus& bus, Path directory,
                AuditLimits limits = {});

    Task<> run();
    Task<> finish();

   private:
    void take(const Event& event);
    Task<bool> write_some();
    void settle(const Result<void>& written);
    void tell(EventType type, Severity severity, std::string message, std::optional<Problem> problem = std::nullopt);

    Clock& clock_;
    Workers& workers_;
    EventBus& bus_;
    AuditLimits limits_;
    AuditJournal journal_;
    std::deque<Json> waiting_;
    std::vector<Json> batch_;  // being written; kept until it is
    std::uint64_t lost_ = 0;   // since the last line that tells of it
    bool failing_ = false;
    Signal arrived_;
};

}  // namespace certd
