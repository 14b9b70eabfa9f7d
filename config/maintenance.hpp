// Times of the week in which services may be disturbed: "Sat 02:00-05:00", "Mon-Fri 01:00-03:30", "22:00-04:00". Local
// time of this machine, as its administrators mean it; a window may reach over midnight, into the day after the one it
// names.
#pragma once

#include "libacme/base/time.hpp"

#include <bitset>
#include <optional>
#include <string_view>
#include <vector>

namespace certd::config {

struct MaintenanceWindow {
    std::bitset<7> days;     // on which it begins; 0: Sunday, as in tm_wday
    int begin = 0, end = 0;  // minutes of the day; end at or before begin: on the next day
    bool operator==(const MaintenanceWindow&) const = default;
};

std::optional<MaintenanceWindow> parse_window(std::string_view text);

// When something that is due at `at` may be done: then, inside a window or without any, else when the next one begins.
// A window that begins in an hour that the clocks leave out begins when they have been set forward.
Time next_opening(const std::vector<MaintenanceWindow>& windows, Time at);

}  // namespace certd::config
