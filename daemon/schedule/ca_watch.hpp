// What is known of how the CAs fare, in memory and written through to the store, and how many orders each takes now.
// Decisions are those of ca_health.hpp.
#pragma once

#include "config/model.hpp"
#include "daemon/lineage/ca_health.hpp"
#include "daemon/observe/bus.hpp"
#include "daemon/store/store.hpp"
#include "libacme/async/clock.hpp"
#include "libacme/async/gate.hpp"
#include "libacme/async/offload.hpp"

#include <map>
#include <set>

namespace certd {

class CaWatch {
   public:
    CaWatch(Clock& clock, Workers& workers, Store& store, EventBus& bus)
        : clock_(clock), workers_(workers), store_(store), bus_(bus) {}

    // Reads what is known of CAs that are new here. Damage is as good as nothing known.
    Task<> load(config::ConfigPtr config);

    // An attempt at `ca` ended, `silence`: without an answer of it. Whether it went down or came back by that.
    bool note(const CaName& ca, const std::optional<Problem>& silence);
    // Writes what was noted; a failure to do so is no failure of the attempt.
    Task<> save(CaName ca);

    const std::map<CaName, CaHealth>& all() const { return health_; }
    const CaHealth* find(const CaName& ca) const;
    // Orders at the same time: none before opens_at(), one until it answers again, else as configured.
    std::size_t places(const config::Ca& ca) const;
    // When it takes the next order: not while it rests, and one after the other, as often as its limit on orders fills
    // up again, while what piled up is spread.
    Time opens_at(const config::Ca& ca) const;
    void note_start(const config::Ca& ca);  // of an order; also the one by which it came back

   private:
    void tell_down(const CaName& ca, const CaHealth& health);
    void tell_up(const CaName& ca);

    Clock& clock_;
    Workers& workers_;
    Store& store_;
    EventBus& bus_;
    std::map<CaName, CaHealth> health_;
    std::map<CaName, Time> next_paced_;
    std::set<CaName> loaded_, unsaved_;
    Gate disk_{1};  // an older copy must not be written after a newer one
};

}  // namespace certd
