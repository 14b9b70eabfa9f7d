// Widths, eliding, wrapping and times.
#include "ctl/layout.hpp"

#include "ctl/terminal.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/ctl/samples.hpp"

using namespace certd;
using namespace certd::ctl;
using namespace certd::test;

TEST_CASE("a name is elided in the middle to exactly the width") {
    Style style = plain(80);
    CHECK(elide_middle(style, "example.com", 11) == "example.com");
    CHECK(elide_middle(style, "very-long-name.example.com", 12) == "very-l…e.com");
    CHECK(display_width(elide_middle(style, "very-long-name.example.com", 12)) == 12);
    CHECK(elide_middle(plain(80, false), "very-long-name.example.com", 12) == "very-....com");
    CHECK(elide_end(style, "abcdef", 4) == "abc…");
    CHECK(elide_end(style, "abcdef", 0).empty());
}

TEST_CASE("wide characters take two columns and combining marks none") {
    CHECK(display_width("日本") == 4);
    CHECK(display_width("e\u0301") == 1);
    CHECK(display_width("zürich") == 6);
    CHECK(elide_end(plain(80), "日本語", 4) == "日…");
}

TEST_CASE("text is wrapped beneath its label and long words are broken") {
    CHECK(wrap(plain(28), "  Names  ", "alpha beta gamma delta") == "  Names  alpha beta gamma\n         delta\n");
    CHECK(wrap(plain(26), "> ", "abcdefghijklmnopqrstuvwxyz0123") == "> abcdefghijklmnopqrstuvwx\n  yz0123\n");
    CHECK(wrap(plain(0), "> ", "never wrapped when the width is unknown, however long it may become") ==
          "> never wrapped when the width is unknown, however long it may become\n");
}

TEST_CASE("text of others is escaped, and written in ASCII where the locale asks for it") {
    CHECK(clean(plain(80), "a\x1b[2Jb") == "a\\x1B[2Jb");
    CHECK(clean(plain(80), "a\nb\rc") == "a\\nb\\x0Dc");
    CHECK(clean(plain(80, false), "zürich…") == "z\\u{00FC}rich...");
    CHECK(clean(plain(80), std::string(5000, 'x')).size() <= 1024);
}

TEST_CASE("the time left is in days, then hours, then minutes") {
    Time now = sample_now();
    CHECK(time_left(now + days(59) + hours(23), now) == "59d");
    CHECK(time_left(now + days(2), now) == "2d");
    CHECK(time_left(now + days(2) - seconds(1), now) == "47h");
    CHECK(time_left(now + minutes(90), now) == "90min");
    CHECK(time_left(now, now) == "expired");
    CHECK(time_left(Time::max(), Time::min()) != "expired");
}

TEST_CASE("a moment names the year only when it is far away") {
    Style style = plain(80);
    CHECK(moment(style, parse_rfc3339("2026-12-22T10:04:00Z").value(), sample_now()) == "Dec 22 10:04");
    CHECK(moment(style, parse_rfc3339("2028-01-02T10:04:00Z").value(), sample_now()) == "Jan 2 2028");
    CHECK(relative_past(sample_now() - hours(3), sample_now()) == "3h 0m ago");
    CHECK(relative_future(sample_now() - hours(3), sample_now()) == "now");
}

TEST_CASE("locales are recognised as UTF-8 by their charset") {
    CHECK(is_utf8_locale("de_DE.UTF-8"));
    CHECK(is_utf8_locale("C.utf8"));
    CHECK(is_utf8_locale("sr_RS.UTF-8@latin"));
    CHECK_FALSE(is_utf8_locale("C"));
    CHECK_FALSE(is_utf8_locale("de_DE.ISO-8859-1"));
    CHECK_FALSE(is_utf8_locale(""));
}
