// What the notifier looks at, over the scheduler; and what the control API shows of notifications.
#pragma once

#include "ctl/api/types.hpp"
#include "daemon/app/engine.hpp"
#include "daemon/notify/notifications.hpp"

namespace certd {

class EngineSights : public Sights {
   public:
    // `config_problem`: of the last reload that was refused.
    EngineSights(const Engine& engine, std::function<std::optional<Problem>()> config_problem);
    DaemonSight daemon() const override;
    void each_state(const std::function<void(const LineageState&)>& look) const override;
    void each(const std::function<void(const LineageSight&)>& look) const override;
    void one(const std::string& lineage, const std::function<void(const LineageSight&)>& look) const override;

   private:
    void look_at(const Entry& entry, const std::function<void(const LineageSight&)>& look) const;

    const Engine& engine_;
    std::function<std::optional<Problem>()> config_problem_;
};

api::Notifications notifications_view(const Notifications& notifications);
std::vector<NotifierGauges> notifier_gauges(const Notifications& notifications);

// The machine's name as it stands in messages: letters, digits, dots and hyphens only.
std::string own_host_name();

}  // namespace certd
