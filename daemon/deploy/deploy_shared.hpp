// What every deployment of this daemon shares; private to daemon/deploy.
#pragma once

#include "daemon/deploy/deployer.hpp"
#include "daemon/deploy/reload_round.hpp"

#include <map>

namespace certd {

struct DeployShared {
    Clock& clock;
    Workers& workers;
    Store& store;
    Host& host;
    EventSink events;
    Hosts* hosts = nullptr;                          // none: every place is on this machine
    std::map<std::string, ReloadRound> rounds = {};  // by what is reloaded together

    // Targets that are reloaded by the same means on the same machine are one service: by unit or command, and where
    // there is neither by the socket.
    ReloadRound& round(const config::Target& target, const Place& place) {
        std::string service = place.host + "\n";
        // The scripts of one directory run one after another, whichever lineages they are for.
        if (!target.renewal_hooks.empty()) return rounds[service + "hooks " + target.renewal_hooks.directory];
        if (target.reload.empty()) {
            service += "target " + target.name.text;
        } else if (!target.reload.runs_program()) {
            service += "haproxy " + target.reload.haproxy;
        }
        if (!target.reload.systemd_unit.empty()) service += "unit " + target.reload.systemd_unit;
        for (const std::string& word : target.reload.command.argv)
            service += word + '\n';
        return rounds[service];
    }
    // The machine itself; null: there is no way to it.
    std::shared_ptr<Host> open(const config::Target& target, const Place& place, const Delivery& delivery) {
        if (place.is_local()) return {std::shared_ptr<Host>(), &host};
        return hosts != nullptr ? hosts->open(target, place.host, delivery) : nullptr;
    }
};

class Announcement {
   public:
    void add(ReloadRound& round) { expected_.try_emplace(&round, round.expect()); }
    void arrived(ReloadRound& round) { expected_.erase(&round); }

   private:
    std::map<ReloadRound*, ReloadRound::Expected> expected_;
};

}  // namespace certd
