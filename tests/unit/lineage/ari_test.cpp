// What answers about renewal information change, and when the next question is asked.
#include "daemon/lineage/ari.hpp"

#include "tests/support/catch.hpp"
#include "tests/unit/lineage/lineage_builders.hpp"

#include <set>

using namespace certd;
using namespace certd::test;

namespace {

AriSuggestion suggestion(Time start, Time end, std::string url = {}) {
    return {start, end, std::move(url), hours(6)};
}

const Problem unavailable = problem("acme.serverInternal", "No renewal information");

}  // namespace

TEST_CASE("the instant drawn from a window is kept through a hundred answers with the same window") {
    AriState state = first_ari({1}, day(0));
    CHECK(record_ari_suggestion(state, suggestion(day(60), day(62)), day(0), 0.25) == AriChange::first);
    CHECK(state.window->selected == day(60) + hours(12));
    for (int answer = 1; answer <= 100; ++answer) {
        Time now = day(0) + hours(6 * answer);
        CHECK(record_ari_suggestion(state, suggestion(day(60), day(62)), now, answer / 100.0) == AriChange::none);
        CHECK(state.next_poll == now + hours(6));
    }
    CHECK(state.window->selected == day(60) + hours(12));
}

TEST_CASE("a window that moves is drawn from anew, and an earlier one is marked") {
    AriState state = first_ari({1}, day(0));
    record_ari_suggestion(state, suggestion(day(60), day(62)), day(0), 0.5);
    CHECK(record_ari_suggestion(state, suggestion(day(9), day(10), "https://ca.example/why"), day(10), 0.5) ==
          AriChange::moved_earlier);
    CHECK(state.window->selected == day(9) + hours(12));
    CHECK(state.window->moved_earlier);
    CHECK(record_ari_suggestion(state, suggestion(day(61), day(62)), day(11), 0.5) == AriChange::moved_later);
    CHECK_FALSE(state.window->moved_earlier);
    CHECK(state.window->explanation_url.empty());
}

TEST_CASE("what the CA writes is kept escaped, on one line and bounded") {
    AriState state = first_ari({1}, day(0));
    record_ari_suggestion(state, suggestion(day(1), day(2), "https://x/\n\x1b[2J" + std::string(5000, 'a')), day(0), 0);
    CHECK(state.window->explanation_url.starts_with("https://x/\\n\\x1B[2J"));
    CHECK(state.window->explanation_url.size() <= 1024 + 3);
    // A new explanation of the same window is taken over, the instant stays.
    Time selected = state.window->selected;
    CHECK(record_ari_suggestion(state, suggestion(day(1), day(2), "https://y"), day(1), 0.9) == AriChange::none);
    CHECK(state.window->explanation_url == "https://y");
    CHECK(state.window->selected == selected);
}

TEST_CASE("draws stay within any window, the widest and the narrowest included (S23)") {
    Time first = Time(days(0));
    Time last = *parse_rfc3339("9999-12-31T23:59:59Z");
    for (auto [start, end] :
         {std::pair{first, last}, {last - milliseconds(1), last}, {first, first + milliseconds(1)}}) {
        for (double draw : {-1.0, 0.0, 0.5, 1.0 - 0x1p-53, 1.0, 2.0}) {
            AriState state = first_ari({1}, day(0));
            record_ari_suggestion(state, suggestion(start, end), day(0), draw);
            CHECK(state.window->selected >= start);
            CHECK(state.window->selected < end);
        }
    }
}

TEST_CASE("lineages spread evenly over a window, each always at its own place") {
    std::array<int, 10> buckets{};
    for (int i = 0; i < 10'000; ++i) {
        double draw = ari_draw("lineage-" + std::to_string(i), {3});
        REQUIRE(draw >= 0);
        REQUIRE(draw < 1);
        CHECK(ari_draw("lineage-" + std::to_string(i), {3}) == draw);
        ++buckets.at(static_cast<std::size_t>(draw * 10));
    }
    for (int count : buckets)
        CHECK(std::abs(count - 1000) < 150);
}

TEST_CASE("the pause the CA asks for is kept within one minute and one day") {
    AriState state = first_ari({1}, day(0));
    for (auto [asked, expected] : {std::pair<Duration, Duration>{Duration(0), minutes(1)},
                                   {minutes(-5), minutes(1)},
                                   {hours(7), hours(7)},
                                   {days(3), days(1)},
                                   {Duration::max(), days(1)},
                                   {Duration::min(), minutes(1)}}) {
        AriSuggestion answer = suggestion(day(60), day(61));
        answer.poll_again = asked;
        record_ari_suggestion(state, answer, day(1), 0.5);
        CHECK(state.next_poll == day(1) + expected);
    }
}

TEST_CASE("temporary failures back off by doubling, six times, then wait six hours, and others wait at once") {
    AriState state = first_ari({1}, day(0));
    record_ari_suggestion(state, suggestion(day(60), day(62)), day(0), 0.5);
    for (int minute : {1, 2, 4, 8, 16, 32, 360, 360, 360}) {
        record_ari_failure(state, unavailable, true, day(1));
        CHECK(state.next_poll == day(1) + minutes(minute));
    }
    CHECK(state.failures == 9);
    CHECK(state.problem == "acme.serverInternal");
    CHECK(state.window->selected == day(61));

    record_ari_suggestion(state, suggestion(day(60), day(62)), day(2), 0.5);
    CHECK(state.failures == 0);
    CHECK(state.problem.empty());
    record_ari_failure(state, unavailable, false, day(2));
    CHECK(state.next_poll == day(2) + hours(6));
}

TEST_CASE("a failure with Retry-After waits longer, never shorter, and a day at most") {
    for (auto [asked, expected] :
         {std::pair<Duration, Duration>{Duration(0), minutes(1)}, {hours(2), hours(2)}, {days(31), days(1)}}) {
        AriState state = first_ari({1}, day(0));
        Problem limited = unavailable;
        limited.not_before = day(1) + asked;
        record_ari_failure(state, limited, true, day(1));
        CHECK(state.next_poll == day(1) + expected);
    }
}

TEST_CASE("ten thousand failures keep a pause that is neither zero nor more than a day (S5)") {
    AriState state = first_ari({1}, day(0));
    state.failures = std::numeric_limits<std::uint32_t>::max() - 5000;
    for (int i = 0; i < 10'000; ++i) {
        record_ari_failure(state, unavailable, true, day(i));
        REQUIRE(state.next_poll >= day(i) + minutes(1));
        REQUIRE(state.next_poll <= day(i) + days(1));
    }
}

TEST_CASE("the CA is asked about the newest version only, while it is valid and the lineage not paused") {
    VersionFacts facts = facts_of(2);
    LineageState state;
    CHECK_FALSE(next_ari_poll(state, facts, day(0)));
    state.ari = first_ari({2}, day(1));
    CHECK(next_ari_poll(state, facts, day(0)) == day(1));
    CHECK_FALSE(next_ari_poll(state, facts_of(3), day(0)));
    CHECK_FALSE(next_ari_poll(state, facts, facts.not_after));
    state.ari->next_poll = facts.not_after;
    CHECK_FALSE(next_ari_poll(state, facts, facts.not_after - hours(1)));
    state.ari->next_poll = day(1);
    state.paused = true;
    CHECK_FALSE(next_ari_poll(state, facts, day(0)));
}

TEST_CASE("a clock that was set back does not keep the CA's news away for as long") {
    LineageState state;
    state.ari = first_ari({1}, day(40));
    CHECK(next_ari_poll(state, facts_of(1), day(5)) == day(6));
}

namespace {

// A live and newest version 1 of 90 days with a window.
Scene with_window(Time start, Time end, double draw = 0.5) {
    Scene scene(spec_of());
    scene.state.ari = first_ari({1}, day(0));
    record_ari_suggestion(*scene.state.ari, suggestion(start, end), day(0), draw);
    return scene;
}

}  // namespace

TEST_CASE("the CA's window comes before the age of a certificate, earlier and later") {
    for (std::int64_t start : {20, 59, 70}) {
        Scene scene = with_window(day(start), day(start + 2));
        Plan plan = scene.at(day(5));
        CHECK(plan.action == Action::issue);
        CHECK(plan.at == day(start + 1));
        CHECK(plan.health == Health::ok);
        CHECK(mentions(plan.reasons, "the CA suggests a time in its window 2026-"));
        // Before and after the instant, the plan is the same.
        CHECK(scene.at(day(start)).at == plan.at);
        CHECK(scene.at(day(start + 1)).at == plan.at);
    }
}

TEST_CASE("a window in the past means now") {
    Scene scene = with_window(day(29), day(30));
    Plan plan = scene.at(day(40));
    CHECK(plan.action == Action::issue);
    CHECK(plan.at <= day(40));
}

TEST_CASE("no window pushes a renewal past the emergency point (S23)") {
    for (auto [start, end] : {std::pair<std::string, std::string>{"9999-01-01T00:00:00Z", "9999-12-31T23:59:59Z"},
                              {"2262-04-11T23:47:16Z", "2262-04-12T23:47:16Z"},
                              {"2026-03-20T00:00:00Z", "2026-03-30T00:00:00Z"}}) {
        Scene scene = with_window(*parse_rfc3339(start), *parse_rfc3339(end));
        Plan plan = scene.at(day(5));
        CHECK(plan.at == day(75));
        CHECK(mentions(plan.reasons, "1/6 of the lifetime left, although the CA suggests"));
    }
}

TEST_CASE("a window that ended long before the certificate began renews it, but in no tight loop (S23)") {
    Scene scene = with_window(Time(days(0)), Time(days(1)));
    CHECK(scene.at(day(0) + hours(1)).at == day(1));
    CHECK(mentions(scene.at(day(0) + hours(1)).reasons, "just issued"));
    CHECK(scene.at(day(30)).at <= day(30));

    // The same answer for every new version: one a day.
    Time now = day(1);
    for (std::uint32_t number = 2; number < 20; ++number) {
        scene.live = scene.newest = facts_of(number, now);
        scene.state.live = scene.state.newest = {number};
        scene.state.ari = first_ari({number}, now);
        record_ari_suggestion(*scene.state.ari, suggestion(Time(days(0)), Time(days(1))), now, 0.5);
        Plan plan = scene.at(now);
        REQUIRE(plan.at == now + days(1));
        now = plan.at;
    }
}

TEST_CASE("renewal information about another version counts for nothing") {
    Scene scene = with_window(day(20), day(21));
    scene.state.ari->version = {7};
    CHECK(scene.at(day(5)).at == day(60));
    scene.state.ari = first_ari({1}, day(0));
    CHECK(scene.at(day(5)).at == day(60));
}

TEST_CASE("the plan says that the window moved earlier, and where the CA explains it") {
    Scene scene = with_window(day(60), day(61));
    record_ari_suggestion(*scene.state.ari, suggestion(day(9), day(10), "https://ca.example/incident"), day(10), 0.5);
    Plan plan = scene.at(day(10));
    CHECK(plan.at <= day(10));
    CHECK(mentions(plan.reasons, "the CA moved its window earlier: see https://ca.example/incident"));
}

TEST_CASE("changed names renew at once whatever the window, and back-off ends at the emergency point") {
    Scene scene = with_window(day(70), day(71));
    scene.spec.names.push_back({Identifier::Type::dns, "www.example.com"});
    CHECK(scene.at(day(5)).at == day(5));

    Scene failing = with_window(day(74), day(74) + hours(23));
    for (int i = 0; i < 6; ++i)
        failing.fail_issue(day(74) + hours(20));
    CHECK(failing.at(day(74) + hours(21)).at == day(75));
}

TEST_CASE("whatever window a CA gives, a version is renewed by its emergency point and not before it is a day old") {
    std::mt19937_64 engine(5);
    auto any_time = [&] {
        return Time(Duration(std::uniform_int_distribution<std::int64_t>(0, 253402300799000)(engine)));
    };
    for (int round = 0; round < 2000; ++round) {
        Time start = any_time();
        Time end = any_time();
        if (end < start) std::swap(start, end);
        Scene scene = with_window(start, end + milliseconds(1), static_cast<double>(engine() >> 11) * 0x1p-53);
        Plan plan = scene.at(day(2));
        REQUIRE(plan.at <= day(75));
        REQUIRE(plan.at >= day(1));
    }
}
