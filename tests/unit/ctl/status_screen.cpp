// The screen of `certctl status --watch`: keys, what is drawn again, and what fits where.
#include "ctl/status_screen.hpp"
#include "ctl/full_screen.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/ctl/samples.hpp"

#include <algorithm>

#include <fmt/format.h>

using namespace certd;
using namespace certd::ctl;
using namespace certd::test;

namespace {

using Rows = std::vector<std::string>;

Style of_size(std::size_t width, std::size_t height) {
    Style style = plain(width);
    style.height = height;
    return style;
}

StatusSight many(std::size_t count) {
    StatusSight sight;
    for (std::size_t i = 1; i <= count; ++i)
        sight.lineages.push_back(ok_lineage(fmt::format("n{:03}.example", i)));
    sight.daemon.version = "1.2.3";
    sight.daemon.now = sample_now();
    return sight;
}

std::vector<Key> keys_in(std::string typed) {
    std::vector<Key> keys;
    for (Key key = take_key(typed); key != Key::none; key = take_key(typed))
        keys.push_back(key);
    return keys;
}

}  // namespace

TEST_CASE("keys are read from what terminals send, also in pieces, and what means nothing is dropped") {
    CHECK(keys_in("\x1b[Aj\x1b[5~ Gq") ==
          std::vector<Key>{Key::up, Key::down, Key::page_up, Key::page_down, Key::end, Key::quit});
    CHECK(keys_in("xyz\x1b[200~\x1bOBq") == std::vector<Key>{Key::down, Key::quit});
    std::string half = "\x1b[";
    CHECK(take_key(half) == Key::none);
    half += "6~";
    CHECK(take_key(half) == Key::page_down);
    CHECK(half.empty());
}

TEST_CASE("only rows that differ are drawn again") {
    CHECK(difference({"a", "b", "c"}, {"a", "B", "c"}) == "\x1b[2;1HB\x1b[K");
    CHECK(difference({"a", "b"}, {"a"}) == "\x1b[2;1H\x1b[K");
    CHECK(difference({"a"}, {"a"}).empty());
}

TEST_CASE("the screen has a title, the table, what certd says of itself and the keys, each in its place") {
    StatusScreen screen(false);
    StatusSight sight = many(2);
    sight.daemon.config_problem = problem("config.syntax", "certd.yaml:3: this is no mapping");
    screen.take(sight);
    const Rows rows = screen.rows(of_size(100, 14), sample_now() + seconds(7));
    REQUIRE(rows.size() == 14);
    CHECK(rows[0] == "certd 1.2.3   2026-11-23 10:04:07Z");
    CHECK(rows[1] == "2 lineages: 2 ok");
    CHECK(rows[2].empty());
    CHECK(rows[3].starts_with("LINEAGE"));
    CHECK(rows[4].starts_with("n001.example"));
    CHECK(rows[5].starts_with("n002.example"));
    CHECK(rows[6].empty());
    CHECK(rows[11].starts_with("The configuration on disk was refused"));
    CHECK(rows[13] == "q quit");
}

TEST_CASE("where not all fits what needs attention comes first, then what is worked on, and the rest can be reached") {
    StatusScreen screen(false);
    StatusSight sight = many(100);
    sight.lineages[40].step = "Placing an order";
    sight.lineages[70] = failed_lineage("n071.example");
    sight.lineages[80].health = "critical";
    screen.take(sight);
    const Style style = of_size(120, 16);
    Rows rows = screen.rows(style, sample_now());
    REQUIRE(rows.size() == 16);
    CHECK(rows[4].starts_with("n081.example"));
    CHECK(rows[5].starts_with("n071.example"));
    CHECK(rows[6].starts_with("  └ "));
    CHECK(rows[7].starts_with("n041.example"));
    CHECK(rows[8].starts_with("n001.example"));
    CHECK(rows[15] == "q quit   ↑ ↓ PgUp PgDn scroll   1-11 of 101 lines");
    screen.press(Key::page_down);
    CHECK(screen.rows(style, sample_now())[15].ends_with("12-22 of 101 lines"));
    screen.press(Key::up);
    CHECK(screen.rows(style, sample_now())[15].ends_with("11-21 of 101 lines"));
    screen.press(Key::end);
    rows = screen.rows(style, sample_now());
    CHECK(rows[14].starts_with("n100.example"));
    screen.press(Key::page_down);
    CHECK(screen.rows(style, sample_now()) == rows);
    screen.press(Key::home);
    CHECK(screen.rows(style, sample_now())[4].starts_with("n081.example"));
    screen.take(many(3));  // shorter now: there is no empty page
    screen.press(Key::none);
    CHECK(screen.rows(style, sample_now())[4].starts_with("n001.example"));
}

TEST_CASE("a small terminal is not written beyond its edges") {
    for (const std::size_t width : {20U, 40U, 80U}) {
        for (const std::size_t height : {8U, 9U, 24U}) {
            CAPTURE(width, height);
            StatusScreen screen(false);
            StatusSight sight = many(30);
            sight.lineages[0] = failed_lineage();
            screen.take(sight);
            screen.lose(problem("control.unreachable", "Cannot connect"), sample_now());
            const Rows rows = screen.rows(of_size(width, height), sample_now());
            CHECK(rows.size() >= height);
            for (const std::string& row : rows)
                CHECK(display_width(row) <= std::max<std::size_t>(width, 47));
        }
    }
}

TEST_CASE("one lineage is shown in full and can be scrolled") {
    StatusScreen screen(false);
    StatusSight sight = many(1);
    sight.in_full = true;
    screen.take(sight);
    const Style style = of_size(80, 10);
    Rows rows = screen.rows(style, sample_now());
    CHECK(rows.size() == 10);
    CHECK(rows[2].find("n001.example") != std::string::npos);
    screen.press(Key::down);
    CHECK(screen.rows(style, sample_now())[2] == rows[3]);
}
