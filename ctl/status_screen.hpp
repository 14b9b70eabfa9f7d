// What `certctl status --watch` shows on a terminal, from what was last heard of certd. Pure.
#pragma once

#include "ctl/console.hpp"
#include "ctl/status_sight.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace certd::ctl {

// A title, the table (or the lineage) as far as there is room for it, what certd has to say of itself, and the keys.
// Where not all fits, what needs attention and what is being worked on comes first.
class StatusScreen {
   public:
    explicit StatusScreen(bool all_hosts) : all_hosts_(all_hosts) {}

    void take(StatusSight sight);
    // certd did not answer: what is shown gets old. `now`: certd's time, as far as it is known.
    void lose(Problem problem, Time now);
    void press(Key key);  // scrolls
    std::vector<std::string> rows(const Style& style, Time now);

    const StatusSight& sight() const { return sight_; }
    bool is_lost() const { return lost_.has_value(); }

   private:
    struct Body {
        std::string header;
        std::vector<std::string> lines;
    };
    struct Lost {
        Problem problem;
        Time since;
    };
    bool has_header() const { return !sight_.in_full && !sight_.lineages.empty(); }
    Body body(const Style& style, Time now) const;
    std::vector<std::string> remarks(const Style& style) const;
    std::string footer(const Style& style, std::size_t lines) const;

    StatusSight sight_;
    std::optional<Lost> lost_;
    bool all_hosts_;
    std::size_t first_ = 0;  // line of the body
    std::size_t page_ = 1;   // lines that there was room for
    bool at_end_ = false;    // to be shown, how many lines there are is not known before
};

}  // namespace certd::ctl
