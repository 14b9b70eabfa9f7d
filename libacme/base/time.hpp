// Wall time, durations and their texts: RFC 3339 (§5.6), HTTP-date (RFC 9110 §5.6.7) and "30d 12h".
// One resolution for both (milliseconds), so that years 1–9999 fit without overflow. No clock is read here.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace certd {

using Duration = std::chrono::milliseconds;
using Time = std::chrono::sys_time<Duration>;

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
constexpr Duration days(std::int64_t count) {
    return std::chrono::hours(24 * count);
}

// "2026-11-23T17:03:34Z"; milliseconds are written only when they are not zero.
std::string format_rfc3339(Time time);
// Fractions of any length (cut to milliseconds) and offsets are accepted; anything else is nullopt.
std::optional<Time> parse_rfc3339(std::string_view text);

// "Mon, 23 Nov 2026 17:03:34 GMT".
std::string format_http_date(Time time);
// IMF-fixdate, RFC 850 and asctime forms.
std::optional<Time> parse_http_date(std::string_view text);

// "30d 12h", "90s", "1h30m", "250ms"; units ms, s, m, h, d, w. A number without unit is refused, as is overflow.
std::optional<Duration> parse_duration(std::string_view text);
// The shortest exact text that parse_duration reads back: "1h 30m"; "0s" for zero.
std::string format_duration(Duration duration);
// The two largest units, for people: "59d 3h", "4m 10s", "0.3s"; a leading "-" when negative.
std::string format_approximate(Duration duration);

// Addition that stops at the ends of the representable range instead of overflowing.
Time saturating_add(Time time, Duration duration);

// The instant a Retry-After value (RFC 9110 §10.2.3) asks for: delta-seconds (saturating) or any HTTP-date form;
// nullopt for what is neither, negative or empty. A date in the past is returned as it is.
std::optional<Time> parse_retry_after(std::string_view text, Time now);

}  // namespace certd
