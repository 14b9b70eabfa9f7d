// Asks CAs for renewal information (RFC 9773): one light question per version at the time the CA gave, and what follows
// from the answer. Agent within the scheduler, which knows the lineages, wakes it and plans anew after each answer.
#pragma once

#include "daemon/lineage/ari.hpp"
#include "daemon/observe/bus.hpp"
#include "daemon/renew/ca_clients.hpp"
#include "daemon/renew/lineage_records.hpp"
#include "daemon/schedule/poll_queue.hpp"
#include "libacme/async/task_group.hpp"

#include <functional>
#include <optional>
#include <string>

namespace certd {

class AriPolls {
   public:
    struct Parts {
        Clock& clock;
        CaClients& clients;
        LineageRecords& records;
        EventBus& bus;
        std::function<config::ConfigPtr()> config;
        // nullptr for a lineage that is gone. What is found stays in its place until the next wait only.
        std::function<LineageRecord*(const std::string& lineage)> find;
        // A question has ended: the lineage is to be planned and placed again, and start_due() may have more to do.
        std::function<void(const std::string& lineage)> ended;
        // What an answer makes of the plan is decided before it is saved, and saved along with it.
        std::function<void(const std::string& lineage)> learned;
    };
    AriPolls(asio::any_io_executor executor, Parts parts);

    // Puts a lineage's next question into the timetable, if there is one.
    void place(const LineageRecord& record);
    void remove(const std::string& lineage) { queue_.remove(lineage); }
    // Begins what is due; to be called again at next().
    void start_due();
    std::optional<Time> next() const { return queue_.next(); }
    Task<> stop() { return tasks_.stop(); }

   private:
    struct Question {
        config::Ca ca;
        VersionNumber version;
        std::string fingerprint;  // of the certificate
        std::string id;
    };
    std::optional<Question> question_about(const LineageRecord& record) const;
    Task<> ask(PollQueue::Admitted admitted, Question question);
    Task<> ask_and_save(std::string lineage, Question question);
    void take(LineageRecord& record, AriState& state, const acme::RenewalInfoAnswer& answer);
    void take_suggestion(const LineageRecord& record, AriState& state, const acme::RenewalInfo& info);
    void tell_window(const LineageRecord& record, const AriWindow& window, AriChange change);
    void tell_problem(const std::string& lineage, std::string message, const Problem& problem);

    Parts parts_;
    PollQueue queue_;
    TaskGroup tasks_;
};

}  // namespace certd
