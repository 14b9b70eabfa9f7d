// Maintenance windows: what may be written, and when they open.
#include "config/maintenance.hpp"
#include "libacme/base/time.hpp"
#include "tests/support/catch.hpp"

#include <cstdlib>
#include <ctime>

using namespace certd;
using config::next_opening;
using config::parse_window;

namespace {

// The time zone of this process, put back at the end.
class Zone {
   public:
    explicit Zone(const char* name) {
        if (const char* old = std::getenv("TZ")) before_ = old;
        ::setenv("TZ", name, 1);
        ::tzset();
    }
    Zone(const Zone&) = delete;
    Zone& operator=(const Zone&) = delete;
    ~Zone() {
        before_ ? ::setenv("TZ", before_->c_str(), 1) : ::unsetenv("TZ");
        ::tzset();
    }

   private:
    std::optional<std::string> before_;
};

Time at(const char* text) {
    return parse_rfc3339(text).value();
}

std::string opening(const std::vector<const char*>& windows, const char* moment) {
    std::vector<config::MaintenanceWindow> parsed;
    for (const char* window : windows)
        parsed.push_back(parse_window(window).value());
    return format_rfc3339(next_opening(parsed, at(moment)));
}

}  // namespace

TEST_CASE("a maintenance window has days and a time, and anything else is refused") {
    CHECK(parse_window("Sat 02:00-05:00"));
    CHECK(parse_window("mon-fri 01:00-03:30"));
    CHECK(parse_window("Sat,Sun 00:00-24:00"));
    CHECK(parse_window("Mon,Wed-Fri 22:00-04:00"));
    CHECK(parse_window("02:00-05:00") == parse_window("Sun-Sat 02:00-05:00"));
    for (const char* bad :
         {"", "Sat", "Sat 2:00-5:00", "Sat 02:00", "Sat 02:00-02:00", "Sat 24:00-05:00", "Sat 02:00-24:01",
          "Sat 02:60-05:00", "Saturday 02:00-05:00", "Sat, 02:00-05:00", "Sat  02:00-05:00", " 02:00-05:00",
          "Sat 02:00-05:00 ", "Sat 02.00-05.00", "Sat -2:00-05:00"}) {
        INFO(bad);
        CHECK_FALSE(parse_window(bad));
    }
}

TEST_CASE("inside a window one may begin at once, else when the next one opens") {
    const Zone utc("UTC");
    // 2026-11-24 is a Tuesday.
    CHECK(opening({"Sat 02:00-05:00"}, "2026-11-24T10:00:00Z") == "2026-11-28T02:00:00Z");
    CHECK(opening({"Sat 02:00-05:00"}, "2026-11-28T01:59:59Z") == "2026-11-28T02:00:00Z");
    CHECK(opening({"Sat 02:00-05:00"}, "2026-11-28T02:00:00Z") == "2026-11-28T02:00:00Z");
    CHECK(opening({"Sat 02:00-05:00"}, "2026-11-28T04:59:59Z") == "2026-11-28T04:59:59Z");
    CHECK(opening({"Sat 02:00-05:00"}, "2026-11-28T05:00:00Z") == "2026-12-05T02:00:00Z");
    CHECK(opening({"Sat 02:00-05:00", "Wed 12:00-13:00"}, "2026-11-24T10:00:00Z") == "2026-11-25T12:00:00Z");
    CHECK(opening({"02:00-05:00"}, "2026-11-24T10:00:00Z") == "2026-11-25T02:00:00Z");
    CHECK(opening({}, "2026-11-24T10:00:00Z") == "2026-11-24T10:00:00Z");
    CHECK(opening({"Sat,Sun 00:00-24:00"}, "2026-11-29T23:59:59Z") == "2026-11-29T23:59:59Z");
    CHECK(opening({"Sat,Sun 00:00-24:00"}, "2026-11-30T00:00:00Z") == "2026-12-05T00:00:00Z");
}

TEST_CASE("a window may reach over midnight") {
    const Zone utc("UTC");
    CHECK(opening({"Fri 22:00-04:00"}, "2026-11-28T03:00:00Z") == "2026-11-28T03:00:00Z");
    CHECK(opening({"Fri 22:00-04:00"}, "2026-11-28T04:00:00Z") == "2026-12-04T22:00:00Z");
    CHECK(opening({"Sat 22:00-04:00"}, "2026-11-28T03:00:00Z") == "2026-11-28T22:00:00Z");
    CHECK(opening({"Sat 22:00-04:00"}, "2026-11-29T01:00:00Z") == "2026-11-29T01:00:00Z");
}

TEST_CASE("windows are of the local time, whatever the clocks do") {
    const Zone berlin("CET-1CEST,M3.5.0,M10.5.0/3");
    CHECK(opening({"Sat 02:00-05:00"}, "2026-11-24T10:00:00Z") == "2026-11-28T01:00:00Z");
    CHECK(opening({"Sat 02:00-05:00"}, "2026-07-01T10:00:00Z") == "2026-07-04T00:00:00Z");
    // On 2026-03-29 there is no 02:30: the clocks go from 02:00 to 03:00.
    CHECK(opening({"Sun 02:30-05:00"}, "2026-03-28T12:00:00Z") == "2026-03-29T01:30:00Z");
    // The hour after 02:00 that comes twice on 2026-10-25 lies within the window twice.
    CHECK(opening({"Sun 01:00-04:00"}, "2026-10-25T01:30:00Z") == "2026-10-25T01:30:00Z");
}
