#include "config/maintenance.hpp"

#include "libacme/base/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <time.h>

namespace certd::config {

namespace {

constexpr int day_minutes = 24 * 60;
constexpr std::array<std::string_view, 7> day_names{"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

std::optional<std::size_t> parse_day(std::string_view text) {
    const std::string name = lower_ascii(text);
    const auto* found = std::ranges::find(day_names, name);
    if (found == day_names.end()) return std::nullopt;
    return static_cast<std::size_t>(found - day_names.begin());
}

std::optional<int> parse_two_digits(std::string_view text) {
    int value = 0;
    if (text.size() != 2) return std::nullopt;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// "02:00" to "24:00"
std::optional<int> parse_minutes(std::string_view text) {
    if (text.size() != 5 || text[2] != ':') return std::nullopt;
    const auto hours = parse_two_digits(text.substr(0, 2)), minutes = parse_two_digits(text.substr(3));
    if (!hours || !minutes || *hours > 24 || *minutes > 59) return std::nullopt;
    const int value = *hours * 60 + *minutes;
    return value <= day_minutes ? std::optional(value) : std::nullopt;
}

// "Sat", "Mon-Fri", "Fri-Mon"
bool add_days(std::string_view text, std::bitset<7>& days) {
    const auto dash = text.find('-');
    const auto first = parse_day(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_day(text.substr(dash + 1));
    if (!first || !last) return false;
    for (std::size_t day = *first;; day = (day + 1) % 7) {
        days.set(day);
        if (day == *last) return true;
    }
}

std::optional<std::bitset<7>> parse_days(std::string_view text) {
    std::bitset<7> days;
    while (true) {
        const auto comma = text.find(',');
        if (!add_days(text.substr(0, comma), days)) return std::nullopt;
        if (comma == std::string_view::npos) return days;
        text.remove_prefix(comma + 1);
    }
}

// `minute` of the local day that is `offset` days from the one of `from`.
Time local_moment(const tm& from, int offset, int minute) {
    tm moment = from;
    moment.tm_mday += offset;
    moment.tm_hour = minute / 60;
    moment.tm_min = minute % 60;
    moment.tm_sec = 0;
    moment.tm_isdst = -1;
    return Time(seconds(::mktime(&moment)));
}

}  // namespace

std::optional<MaintenanceWindow> parse_window(std::string_view text) {
    MaintenanceWindow window;
    window.days.set();
    if (const auto space = text.find(' '); space != std::string_view::npos) {
        const auto days = parse_days(text.substr(0, space));
        if (!days) return std::nullopt;
        window.days = *days;
        text.remove_prefix(space + 1);
    }
    const auto dash = text.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const auto begin = parse_minutes(text.substr(0, dash)), end = parse_minutes(text.substr(dash + 1));
    if (!begin || !end || *begin == day_minutes || *begin == *end) return std::nullopt;
    window.begin = *begin;
    window.end = *end;
    return window;
}

Time next_opening(const std::vector<MaintenanceWindow>& windows, Time at) {
    if (windows.empty()) return at;
    const time_t moment = std::chrono::floor<seconds>(at).time_since_epoch().count();
    tm local{};
    ::localtime_r(&moment, &local);
    std::optional<Time> next;
    // From yesterday, whose window may still be open, to the same day of the next week. What begins on a later day is
    // never earlier.
    for (int offset = -1; offset <= 7 && !next; ++offset) {
        const auto weekday = static_cast<std::size_t>((local.tm_wday + offset + 7) % 7);
        for (const MaintenanceWindow& window : windows) {
            if (!window.days.test(weekday)) continue;
            const Time begin = local_moment(local, offset, window.begin);
            const Time end =
                local_moment(local, offset, window.end > window.begin ? window.end : window.end + day_minutes);
            if (end <= at || begin >= end) continue;
            next = std::min(next.value_or(Time::max()), std::max(begin, at));
        }
    }
    return next.value_or(at);
}

}  // namespace certd::config
