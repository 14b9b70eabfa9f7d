// The status page's view: all lineages, the latest events, and what usually lies behind the problems in them.
#include "daemon/control/web.hpp"
#include "libacme/base/diagnosis.hpp"

#include <set>

namespace certd::control {

namespace {

constexpr std::size_t shown_events = 200;

// By what the problem says: one code has several causes, which its words tell apart.
class Causes {
   public:
    void add(const std::optional<Problem>& problem) {
        if (!problem || !seen_.insert(problem->what).second) return;
        if (const std::string_view cause = cause_of(*problem); !cause.empty()) causes_.set(problem->what, cause);
    }
    Json take() { return std::move(causes_); }

   private:
    std::set<std::string> seen_;
    Json causes_ = Json::object();
};

}  // namespace

Json page_document(Operations& operations, Clock& clock) {
    Causes causes;
    const api::DaemonStatus daemon = operations.daemon();
    causes.add(daemon.config_problem);
    causes.add(daemon.notify_problem);
    Json lineages = Json::array();
    for (const api::Lineage& lineage : operations.lineages(false)) {
        causes.add(lineage.last_problem);
        for (const api::Target& target : lineage.targets)
            causes.add(target.problem);
        lineages.push(api::to_json(lineage));
    }
    const std::optional<api::DoctorReport> doctor = operations.last_doctor();
    EventBus& bus = operations.events();
    const std::uint64_t last = bus.last_id();
    Json events = Json::array();
    for (const Event& event : bus.recent(last > shown_events ? last - shown_events : 0))
        events.push(to_json(event));
    return Json::object({{"now", to_json(std::optional<Time>(clock.now()))},
                         {"daemon", api::to_json(daemon)},
                         {"lineages", std::move(lineages)},
                         {"events", std::move(events)},
                         {"doctor", doctor ? api::to_json(*doctor, true) : Json()},
                         {"causes", causes.take()}});
}

}  // namespace certd::control
