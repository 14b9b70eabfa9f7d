// The agent that tells people: looks at what is wrong, decides who has to know, and hands messages to one courier per
// notifier. Nothing waits for it: a renewal never knows whether somebody could be told.
#pragma once

#include "daemon/notify/conditions.hpp"
#include "daemon/notify/delivery.hpp"
#include "daemon/notify/outbox.hpp"
#include "daemon/observe/bus.hpp"
#include "daemon/store/store.hpp"
#include "libacme/async/signal.hpp"
#include "libacme/async/task_group.hpp"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace certd {

// What there is to look at, over the scheduler.
class Sights {
   public:
    virtual ~Sights() = default;
    virtual DaemonSight daemon() const = 0;
    virtual void each_state(const std::function<void(const LineageState&)>& look) const = 0;
    virtual void each(const std::function<void(const LineageSight&)>& look) const = 0;
    // Not called for a lineage that is not configured.
    virtual void one(const std::string& lineage, const std::function<void(const LineageSight&)>& look) const = 0;
};

class Notifications {
   public:
    struct Parts {
        Clock& clock;
        Workers& workers;
        Store& store;
        EventBus& bus;
        const Sights& sights;
        // Throws Failure; what the receiver answered.
        std::function<Task<std::string>(NotifierPtr notifier, Message message)> deliver;
        Sender sender;
    };
    Notifications(asio::any_io_executor executor, Parts parts);

    // Reads what is open and what was not delivered yet. Once, before run(). Damage is as good as nothing known.
    Task<> load(config::Notifiers notifiers);
    // Takes over other notifiers: what waits for one that is gone is dropped, one that changed goes on with its queue.
    Task<> apply(config::Notifiers notifiers);
    // Looks, decides and delivers until cancelled; a message that is being sent then is sent again at the next start.
    Task<> run();

    // A job of the lineage has ended, or whatever else may have changed how it stands.
    void touch(const std::string& lineage);

    // Sends a test message through the notifier or, without a name, through all. Problem control.noSuchNotifier.
    struct Tested {
        std::string notifier;
        Result<std::string> answer;
    };
    Task<Result<std::vector<Tested>>> test(std::string name);

    struct View {
        NotifierPtr notifier;
        const Outbox& outbox;
    };
    std::vector<View> notifiers() const;
    const Incidents& incidents() const { return incidents_; }
    // That one of the notifiers does not deliver; of the first one that does not.
    std::optional<Problem> problem() const;

   private:
    struct Lane {
        Lane(asio::any_io_executor executor, std::function<void(const std::string&, std::exception_ptr)> on_error)
            : tasks(std::move(executor), std::move(on_error)) {}
        NotifierPtr notifier;
        Outbox outbox;
        Signal wake;
        TaskGroup tasks;        // its courier
        bool withheld = false;  // of a heartbeat
    };
    void wake();
    void on_event(const Event& event);
    void note_event(const Event& event);
    Lane& add_lane(NotifierPtr notifier);
    void start(Lane& lane);
    Task<> round();
    void look(Time now);
    void look_at_all(const DaemonSight& daemon, Time now);
    void look_at(const std::string& lineage, Time now);
    void look_at_delivery(Time now);
    Task<> probe_storage();
    void tell(Time now);
    void put(Lane& lane, Message message, Time now);
    void announce();
    Task<> save();
    Duration look_pause() const;
    Duration until_next() const;
    Task<> carry(Lane& lane);
    Task<> attempt(Lane& lane);
    Task<> beat(Lane& lane);
    std::string unhealthy() const;
    void note_attempt(Lane& lane, const std::string& title, const Result<std::string>& answer);
    Task<> test_one(NotifierPtr notifier, std::vector<Tested>& results);
    void emit(EventType type, Severity severity, const std::string& lineage, std::string message,
              std::optional<Problem> problem = std::nullopt, const std::string& notifier = {});

    asio::any_io_executor executor_;
    Parts parts_;
    config::Notifiers configured_;
    Incidents incidents_;
    std::map<std::string, std::unique_ptr<Lane>> lanes_;
    Causes causes_;
    std::set<std::string> touched_;    // lineages to be looked at
    std::set<std::string> announced_;  // incidents whose beginning is an event already
    bool look_at_everything_ = true;
    bool running_ = false, woken_ = true;
    Duration last_look_{};  // at everything; monotonic
    Time watched_since_;
    std::string saved_;
    bool unsaved_ = false;  // the last attempt failed
    Signal changed_;
};

}  // namespace certd
