// Instants and distances in time as people read them (declared in layout.hpp).
#include "ctl/layout.hpp"

#include <array>
#include <ctime>

#include <fmt/format.h>

namespace certd::ctl {

namespace {

constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::tm broken_down(const Style& style, Time at) {
    auto seconds_since = static_cast<std::time_t>(std::chrono::floor<seconds>(at).time_since_epoch().count());
    std::tm parts{};
    if (style.local_time) {
        ::localtime_r(&seconds_since, &parts);
    } else {
        ::gmtime_r(&seconds_since, &parts);
    }
    return parts;
}

// Instants of a daemon may be anything; differences must not overflow.
Duration between(Time from, Time to) {
    Duration::rep count = 0;
    bool overflow = __builtin_sub_overflow(to.time_since_epoch().count(), from.time_since_epoch().count(), &count);
    return overflow ? Duration::max() : Duration(count);
}

}  // namespace

std::string moment(const Style& style, Time at, Time now) {
    std::tm parts = broken_down(style, at);
    std::string_view month = months.at(static_cast<std::size_t>(parts.tm_mon));
    Duration distance = at < now ? between(at, now) : between(now, at);
    if (distance > days(300)) return fmt::format("{} {} {}", month, parts.tm_mday, parts.tm_year + 1900);
    return fmt::format("{} {} {:02}:{:02}", month, parts.tm_mday, parts.tm_hour, parts.tm_min);
}

std::string date_and_time(const Style& style, Time at) {
    std::tm parts = broken_down(style, at);
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}{}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                       parts.tm_hour, parts.tm_min, style.local_time ? "" : "Z");
}

std::string date_and_time_of_day(const Style& style, Time at) {
    std::tm parts = broken_down(style, at);
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}{}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                       parts.tm_hour, parts.tm_min, parts.tm_sec, style.local_time ? "" : "Z");
}

std::string time_left(Time until, Time now) {
    if (until <= now) return "expired";
    Duration left = between(now, until);
    if (left >= days(2)) return fmt::format("{}d", left / days(1));
    if (left >= hours(2)) return fmt::format("{}h", left / hours(1));
    return fmt::format("{}min", left / minutes(1));
}

std::string relative_future(Time at, Time now) {
    if (at <= now) return "now";
    return "in " + format_approximate(between(now, at));
}

std::string relative_past(Time at, Time now) {
    Duration distance = between(at, now);
    if (distance < seconds(1)) return "just now";
    return format_approximate(distance) + " ago";
}

}  // namespace certd::ctl
