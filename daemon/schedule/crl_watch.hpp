// Looks certificates in use up in the CRLs that they name, each list once for all lineages, and has those that are
// revoked replaced. Agent within the scheduler, as AriPolls is. A list that cannot be had changes nothing but what is
// told.
#pragma once

#include "daemon/observe/bus.hpp"
#include "daemon/renew/crl_checks.hpp"
#include "daemon/renew/lineage_records.hpp"
#include "daemon/schedule/poll_queue.hpp"
#include "libacme/async/task_group.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace certd {

// How the live version of a lineage stands.
struct CrlSight {
    enum class Status { good, revoked, unknown, not_checked };
    Status status = Status::not_checked;
    CrlState crl;  // of its list; no URL: it names none
    std::optional<Time> next_check;
    std::optional<Revoked> revoked;
};
std::string_view to_string(CrlSight::Status status);  // "not-checked"

class CrlWatch {
   public:
    struct Parts {
        Clock& clock;
        Workers& workers;
        CrlChecks* checks;  // null: nothing is looked up
        EventBus& bus;
        std::function<config::ConfigPtr()> config;
        // nullptr for a lineage that is gone. What is found stays in its place until the next wait only.
        std::function<LineageRecord*(const std::string& lineage)> find;
        // Sees to it, durably, that no key others may know is used again: the versions besides that have it. Then marks
        // the version and those. Both are called again at a later look when the first fails.
        std::function<Task<Result<std::vector<VersionNumber>>>(std::string lineage, Revoked revoked)> burn;
        std::function<Task<Result<void>>(std::string lineage, Revoked revoked, std::vector<VersionNumber> same_key)>
            mark;
        // Something has ended: the lineage is to be planned and placed again, and start_due() may have more to do.
        std::function<void(const std::string& lineage)> ended;
    };
    CrlWatch(asio::any_io_executor executor, Parts parts);

    // Takes note of the versions that a lineage uses now.
    void place(const LineageRecord& record);
    // The configuration is another one.
    void reconsider();
    // Begins what is due; to be called again at next().
    void start_due();
    std::optional<Time> next() const;
    Task<> stop() { return tasks_.stop(); }

    // What is known against the live version, or else the newest that is still to be deployed; nullptr: nothing. Until
    // the next call of another method.
    const Revoked* revoked(const LineageRecord& record) const;
    // nullopt: looking is switched off, or the lineage has no version yet.
    std::optional<CrlSight> sight(const LineageRecord& record) const;

   private:
    struct Subject {
        VersionNumber version;
        std::string serial, url;
        std::shared_ptr<const Certificate> issuer;  // shared by all that it issued
        bool seen = false;                          // it was looked for in a list of its issuer
        std::optional<CrlHit> hit;
    };
    struct Member {
        std::vector<VersionNumber> versions;  // live, newest
        bool read = false;                    // `subjects` are theirs
        std::vector<Subject> subjects;
        std::vector<Revoked> revoked;  // one for each version, live before newest
    };
    struct Source {
        CrlState state;
        bool loaded = false;   // `state` is what was on disk
        bool pending = false;  // it has members that were not looked for yet
        std::set<std::string> members;
    };
    using Members = std::map<std::string, Member>;

    bool is_on() const;
    Task<> learn();
    Task<> read_unread();
    void take_subjects(const std::string& lineage, Member& member, std::vector<CrlSubject> subjects);
    std::shared_ptr<const Certificate> shared(std::shared_ptr<const Certificate> issuer);
    void leave(const std::string& lineage, Member& member);
    Task<> prune();
    void place_source(const std::string& url, const Source& source);
    Task<> look(PollQueue::Admitted admitted);
    Task<bool> look_and_mark(std::string url);
    std::optional<CrlChecks::Question> question_about(const std::string& url);
    void drop_gone(const Source& source);
    std::vector<std::string> take_answer(const std::string& url, const Source& source, const CrlChecks::Question& asked,
                                         const CrlAnswer& answer);
    static std::vector<Revoked> revoked_of(const Member& member);
    Task<bool> settle_all(std::vector<std::string> lineages);
    Task<bool> settle(std::string lineage);
    void tell_look(const Source& source, const CrlChecks::Look& look);
    void tell(Severity severity, const std::string& lineage, std::string message, Problem problem);

    Parts parts_;
    Members members_;
    std::map<std::string, Source> sources_;                            // by URL
    std::map<std::string, std::weak_ptr<const Certificate>> issuers_;  // by fingerprint
    std::set<std::string> unread_;
    bool learning_ = false, pruned_ = false;
    PollQueue queue_;
    TaskGroup tasks_;
};

}  // namespace certd
