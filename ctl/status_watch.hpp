// `certctl status --watch` on a terminal: looks again when an event tells of something, and now and then without one.
#pragma once

#include "ctl/commands.hpp"
#include "ctl/status_screen.hpp"

#include <optional>
#include <string>

namespace certd::ctl {

class StatusWatch {
   public:
    StatusWatch(Context context, StatusSight first);
    // Until the person has enough of it: whether all was well in the end.
    ExitCode run(Screen& screen);

   private:
    void look();
    void take_events();
    void lose(Problem problem);
    bool wants_to_look() const;
    Duration next_tick() const;
    Time now() const;  // by certd's clock

    Context context_;
    StatusScreen view_;
    std::optional<Exchange> events_;
    Duration heard_, looked_;  // monotonic: the end of the last look that went well, and of the last
    Duration took_{};          // the last look
    bool has_news_ = false;
};

}  // namespace certd::ctl
