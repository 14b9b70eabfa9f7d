// Lives with a CA that says when to renew (RFC 9773): learned, kept, moved, withheld and abused.
#include "tests/flow/world.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>

#include <fmt/format.h>

using namespace certd;
using namespace certd::test;
using acme::RequestKind;

namespace {

// A world whose CA has renewal information.
struct AriWorld : World {
    explicit AriWorld(FakeCaOptions options = {}) : World(std::move(options)) { ca.knobs.renewal_info = true; }
    const AriState& ari(const std::string& name = "example.com") {
        REQUIRE(lineage(name).state.ari);
        return *lineage(name).state.ari;
    }
    Time selected(const std::string& name = "example.com") {
        REQUIRE(ari(name).window);
        return ari(name).window->selected;
    }
    VersionNumber live(const std::string& name = "example.com") { return lineage(name).state.live; }
};

HttpResponse page(int status, std::string body) {
    HttpResponse response;
    response.status = status;
    response.body = std::move(body);
    return response;
}

// Decides about every question for renewal information.
auto questions(Fault fault) {
    return [fault](std::size_t, RequestKind kind) -> std::optional<Fault> {
        if (kind != RequestKind::renewal_info) return std::nullopt;
        return fault;
    };
}

std::string window_text(const std::string& start, const std::string& end) {
    return R"({"suggestedWindow":{"start":")" + start + R"(","end":")" + end +
           R"("},"explanationURL":"javascript:\u001b]0;x\u0007\n<script>"})";
}

bool has_reason(const Plan& plan, std::string_view words) {
    return std::ranges::any_of(plan.reasons,
                               [&](const std::string& reason) { return reason.find(words) != std::string::npos; });
}

}  // namespace

TEST_CASE(
    "the CA's window is learned right after the issuance, its instant kept over a hundred answers and restarts (F17)") {
    AriWorld world;
    world.start();
    world.run_for(minutes(1));
    CHECK(world.ca.count(RequestKind::renewal_info) == 1);
    CHECK(world.count(EventType::ari_window) == 1);
    Time selected = world.selected();
    CHECK(world.plan().at == selected);
    CHECK(has_reason(world.plan(), "the CA suggests a time in its window"));
    for (int i = 0; i < 5; ++i) {
        world.run_for(days(5));
        world.restart();
        CHECK(world.selected() == selected);
        CHECK(world.plan().at == selected);
    }
    CHECK(world.ca.count(RequestKind::renewal_info) >= 100);
    CHECK(world.ca.count(RequestKind::renewal_info) <= 103);
    world.run_for(selected - world.clock.now() - seconds(1));
    CHECK(world.live() == VersionNumber{1});
    world.run_for(minutes(1));
    CHECK(world.live() == VersionNumber{2});
    CHECK(world.ari().version == VersionNumber{2});
    CHECK(world.ca.violations().empty());
}

TEST_CASE("a restart asks no question and moves none") {
    AriWorld world;
    world.start();
    world.run_for(hours(3));
    Time next = world.ari().next_poll;
    world.ca.clear_log();
    for (int i = 0; i < 5; ++i) {
        if (i % 2 == 0) {
            world.restart();
        } else {
            world.kill();
            world.start();
        }
        world.run_for(minutes(30));
        CHECK(world.ari().next_poll == next);
    }
    CHECK(world.ca.log().empty());
    world.run_for(minutes(31));
    CHECK(world.ca.count(RequestKind::renewal_info) == 1);
    CHECK(world.ca.violations().empty());
}

TEST_CASE("a window that moves into the past renews at once, warns, and the order names its predecessor (F17)") {
    AriWorld world;
    world.start();
    world.run_for(days(10));
    std::string before = certificate_id(world.lineage().live->first()).value();
    Time now = world.clock.now();
    world.ca.knobs.renewal_window = std::pair(now - hours(1), now - minutes(30));
    world.ca.knobs.explanation_url = "https://ca.test/incident\x1b[31m";
    world.run_for(hours(6) + minutes(1));
    CHECK(world.live() == VersionNumber{2});
    CHECK(world.service.serves() == world.live_fingerprint());
    CHECK(world.ca.replaces() == std::vector<std::string>{"", before});
    auto warning = std::ranges::find_if(world.events, [](const Event& event) {
        return event.type == EventType::ari_window && event.severity == Severity::warning;
    });
    REQUIRE(warning != world.events.end());
    CHECK(warning->message.find(
              "main moved its window earlier, between 2026-12-02T23:00:00Z and 2026-12-02T23:30:00Z") == 0);
    CHECK(warning->message.find("see https://ca.test/incident\\x1B[31m") != std::string::npos);
    CHECK(world.ca.violations().empty());
}

TEST_CASE("a window that moves later is followed, up to the emergency point") {
    AriWorld world;
    world.ca.knobs.certificate_lifetime = days(18);
    world.start();
    world.run_for(days(2));
    Time first = world.plan().at;
    Time emergency = emergency_point(*world.lineage().live);
    Time now = world.clock.now();
    world.ca.knobs.renewal_window = std::pair(now + days(11), now + days(11) + hours(20));
    world.run_for(hours(7));
    CHECK(world.plan().at > first);
    CHECK(world.plan().at < emergency);
    world.ca.knobs.renewal_window = std::pair(now + days(3000), now + days(3001));
    world.run_for(hours(7));
    CHECK(world.plan().at == emergency);
    CHECK(has_reason(world.plan(), "1/6 of the lifetime left, although the CA suggests"));
    world.run_for(emergency - world.clock.now() + minutes(1));
    CHECK(world.live() == VersionNumber{2});
}

TEST_CASE("renewal information that never comes leaves the renewal at two thirds of the life (F17)") {
    auto fault = GENERATE(Fault{Fault::Kind::respond, problem_answer(404, "malformed")},
                          Fault{Fault::Kind::respond, problem_answer(503, "serverInternal")},
                          Fault{Fault::Kind::respond, page(200, "<html>soon</html>")}, Fault{Fault::Kind::lose, {}},
                          Fault{Fault::Kind::hang, {}}, Fault{Fault::Kind::refuse, {}});
    AriWorld world;
    world.ca.knobs.certificate_lifetime = days(15);
    world.ca.knobs.renewal_retry_after = {"0"};  // an answer that is lost was given
    world.ca.knobs.intercept = questions(fault);
    world.start();
    world.run_for(minutes(10));
    Time renewal = world.plan().at;
    CHECK(renewal >= world.lineage().live->not_before + days(10));
    CHECK(renewal <= world.lineage().live->not_before + days(10) + hours(2));
    CHECK(has_reason(world.plan(), "2/3 of the lifetime"));
    world.run_for(renewal - world.clock.now() - minutes(1));
    CHECK(world.live() == VersionNumber{1});
    // One message for a failure that lasts, not one for each question.
    CHECK(world.count(EventType::ari_failed) == 1);
    CHECK(world.count(EventType::ari_window) == 0);
    CHECK(world.ca.count(RequestKind::renewal_info) <= 50);
    CHECK(world.ca.count(RequestKind::renewal_info) >= 35);
    world.run_for(minutes(3));
    CHECK(world.live() == VersionNumber{2});
    CHECK(world.ca.violations().empty());
}

TEST_CASE("a CA that answers again after an outage is believed again") {
    AriWorld world;
    world.ca.knobs.intercept = questions({Fault::Kind::respond, problem_answer(503, "serverInternal")});
    world.start();
    world.run_for(days(2));
    CHECK(world.ari().failures > 6);
    world.ca.knobs.intercept = nullptr;
    world.run_for(hours(6) + minutes(1));
    CHECK(world.ari().failures == 0);
    CHECK(world.plan().at == world.selected());
}

TEST_CASE("a CA without renewal information is asked nothing, and nothing is stored about it") {
    World world;
    world.start();
    world.run_for(minutes(1));
    world.ca.clear_log();
    world.run_for(days(30));
    world.restart();
    world.run_for(days(10));
    CHECK(world.ca.log().empty());
    CHECK_FALSE(world.lineage().state.ari);
}

TEST_CASE("renewal information that the directory no longer offers costs a look a day, and the window stays") {
    AriWorld world;
    world.start();
    world.run_for(days(1));
    Time selected = world.selected();
    world.ca.knobs.renewal_info = false;
    world.restart();
    world.run_for(days(1));
    world.ca.clear_log();
    world.run_for(days(10));
    CHECK(world.ca.count(RequestKind::renewal_info) == 0);
    CHECK(world.ca.log().size() <= 10);
    CHECK(world.plan().at == selected);
}

TEST_CASE("no question is asked after the certificate has expired") {
    AriWorld world;
    world.ca.knobs.certificate_lifetime = days(12);
    world.start();
    world.run_for(minutes(1));
    world.ca.knobs.intercept = [](std::size_t, RequestKind kind) -> std::optional<Fault> {
        if (kind != RequestKind::new_order) return std::nullopt;
        return Fault{Fault::Kind::respond, problem_answer(500, "serverInternal")};
    };
    world.run_for(days(13));
    std::size_t asked = world.ca.count(RequestKind::renewal_info);
    CHECK(asked >= 45);
    world.run_for(days(10));
    CHECK(world.ca.count(RequestKind::renewal_info) == asked);
    CHECK(world.ca.violations().empty());
}

TEST_CASE("an order refused because of its predecessor is placed without, and the renewal goes on (F17)") {
    AriWorld world;
    world.start();
    world.run_for(days(1));
    SECTION("alreadyReplaced") {
        world.ca.fail_next(RequestKind::new_order, problem_answer(409, "alreadyReplaced", "it has a successor"));
    }
    SECTION("unknown") {
        world.ca.knobs.refuse_replaces = true;
    }
    REQUIRE(world.renew({true, false}));
    CHECK(world.live() == VersionNumber{2});
    CHECK(world.ca.replaces() == std::vector<std::string>{"", ""});
    CHECK(world.lineage().state.attempts.empty());
}

TEST_CASE("another CA is never told of a predecessor, and asked only about its own certificates") {
    AriWorld world;
    world.ca.knobs.certificate_lifetime = days(12);
    world.other_ca.knobs.renewal_info = true;
    world.start(with(usual_config(), "cas: [main]", "cas: [main, other]"));
    world.run_for(days(1));
    SECTION("after a switch by failures") {
        world.ca.knobs.intercept = [](std::size_t, RequestKind kind) -> std::optional<Fault> {
            if (kind != RequestKind::new_order) return std::nullopt;
            return Fault{Fault::Kind::respond, problem_answer(500, "serverInternal")};
        };
        world.run_for(days(9));
        REQUIRE(world.lineage().live->ca == CaName{"other"});
    }
    SECTION("after a change of the configuration") {
        world.reload(with(usual_config(), "cas: [main]", "cas: [other]"));
        REQUIRE(world.renew({true, false}));
    }
    CHECK(world.other_ca.replaces() == std::vector<std::string>{""});
    world.run_for(minutes(1));
    world.ca.clear_log();
    std::size_t asked = world.other_ca.count(RequestKind::renewal_info);
    world.run_for(days(2));
    CHECK(world.ca.log().empty());
    CHECK(world.other_ca.count(RequestKind::renewal_info) >= asked + 7);
    CHECK(world.other_ca.violations().empty());
}

TEST_CASE("names that share nothing with the predecessor are ordered without it") {
    AriWorld world;
    world.start();
    world.run_for(days(1));
    world.reload(with(usual_config(), "names: [example.com, www.example.com]", "names: [new.example]"));
    world.run_for(minutes(1));
    CHECK(world.live() == VersionNumber{2});
    CHECK(world.ca.replaces() == std::vector<std::string>{"", ""});
    CHECK(world.ca.count(RequestKind::new_order) == 2);
}

TEST_CASE("an answer that comes after the version was replaced counts for nothing") {
    AriWorld world;
    world.start();
    world.run_for(days(1));
    Time next = world.ari().next_poll;
    world.ca.knobs.renewal_window = std::pair(next - hours(2), next - hours(1));
    world.ca.knobs.intercept = questions({Fault::Kind::hang, {}});
    world.run_for(next - world.clock.now() + seconds(1));
    world.ca.knobs.intercept = nullptr;
    REQUIRE(world.renew({true, false}));
    world.run_for(seconds(40));
    CHECK(world.live() == VersionNumber{2});
    CHECK(world.ari().version == VersionNumber{2});
    CHECK(world.ari().failures == 0);
    CHECK(world.ca.violations().empty());
}

TEST_CASE("a certd killed between issuance and the first answer asks after the restart") {
    AriWorld world;
    world.ca.knobs.intercept = questions({Fault::Kind::hang, {}});
    world.start();
    world.run_for(seconds(10));
    REQUIRE(world.live() == VersionNumber{1});
    world.kill();
    world.ca.knobs.intercept = nullptr;
    world.start();
    world.run_for(seconds(10));
    CHECK(world.plan().at == world.selected());
    CHECK(world.ca.orders() == 1);
}

TEST_CASE("an answer that cannot be stored is told, and asked for again only when it is time") {
    AriWorld world;
    world.start();
    world.run_for(hours(5));
    world.files.plan({0, "storage.full", true});
    world.run_for(hours(2));
    CHECK(world.count(EventType::ari_failed) == 1);
    CHECK(world.ca.count(RequestKind::renewal_info) == 2);
    world.files.plan({});
    world.run_for(hours(6));
    CHECK(world.ca.count(RequestKind::renewal_info) == 3);
    CHECK(world.ca.violations().empty());
}

TEST_CASE("a paused lineage asks no questions until it is resumed") {
    AriWorld world;
    world.start();
    world.run_for(days(1));
    REQUIRE(world.drive(world.scheduler().pause(name_of("example.com"))));
    world.ca.clear_log();
    world.run_for(days(3));
    CHECK(world.ca.log().empty());
    REQUIRE(world.drive(world.scheduler().resume(name_of("example.com"))));
    world.run_for(minutes(1));
    CHECK(world.ca.count(RequestKind::renewal_info) == 1);
}

TEST_CASE("hostile windows are asked for in bounds and never keep a certificate from its renewal (S23)") {
    struct Row {
        std::string body;
        std::vector<std::string> retry_after;
        std::size_t most_orders;
    };
    std::string then = "1970-01-01T00:00:00Z";
    auto row =
        GENERATE_COPY(Row{window_text(then, "1970-01-02T00:00:00Z"), {"0"}, 2},
                      Row{window_text("9999-01-01T00:00:00Z", "9999-12-31T23:59:60-23:59"), {"0"}, 1},
                      Row{window_text("2262-04-11T23:47:16Z", "2262-04-11T23:47:17Z"), {"100000000000000000000"}, 1},
                      Row{window_text("2026-12-01T00:00:00Z", "2026-12-01T00:00:00Z"), {"-1"}, 1},
                      Row{window_text("2027-01-01T00:00:00Z", "2026-01-01T00:00:00Z"), {"0"}, 1},
                      Row{window_text("0000-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"),
                          {"Thu, 01 Jan 1970 00:00:00 GMT"},
                          2});
    AriWorld world;
    world.ca.knobs.certificate_lifetime = hours(6);
    world.ca.knobs.renewal_body = row.body;
    world.ca.knobs.renewal_retry_after = row.retry_after;
    world.start();
    world.run_for(minutes(30));
    for (const std::string& reason : world.plan().reasons)
        CHECK(reason.find_first_of("\x1b\x07\n") == std::string::npos);
    Time emergency = emergency_point(*world.lineage().live);
    world.ca.clear_log();
    world.run_for(emergency - world.clock.now() + minutes(5));
    CHECK(world.live() >= VersionNumber{2});
    CHECK(world.ca.count(RequestKind::new_order) <= row.most_orders);
    // Once a minute at most, although the CA asks for more.
    CHECK(world.ca.count(RequestKind::renewal_info) <= 4 * 60);
    CHECK(world.ca.violations().empty());
    CHECK(world.service.serves() == world.live_fingerprint());
}

namespace {

std::string many(int first, int step, int count) {
    std::string config = R"(
state_dir: /state
http_challenge: { listen: "127.0.0.1:5002" }
cas: { main: { directory: "https://ca.test/dir", agree_tos: true, parallel_orders: 4 } }
defaults: { cas: [main], challenge: { http-01: {} } }
lineages:
)";
    for (int i = first; i < count; i += step)
        config += fmt::format("  l{0}.example.com: {{}}\n", i);
    return config;
}

// How many renewals ran at once, at most.
int most_at_once(const std::vector<Event>& events) {
    int running = 0;
    int most = 0;
    for (const Event& event : events) {
        if (event.type == EventType::renewal_started) most = std::max(most, ++running);
        if (event.type == EventType::renewal_issued || event.type == EventType::renewal_failed) --running;
    }
    return most;
}

}  // namespace

TEST_CASE("a CA in trouble is not asked by every lineage at once") {
    AriWorld world;
    world.start(many(0, 1, 40));
    world.run_for(minutes(1));
    world.ca.clear_log();
    world.ca.knobs.intercept = questions({Fault::Kind::respond, problem_answer(503, "serverInternal")});
    // All forty are due, four at a time may ask, and each answer lets the CA rest for a minute.
    world.run_for(hours(6) + minutes(5));
    CHECK(world.ca.count(RequestKind::renewal_info) >= 16);
    CHECK(world.ca.count(RequestKind::renewal_info) <= 28);
    world.ca.knobs.intercept = nullptr;
    world.run_for(hours(7));
    for (int i = 0; i < 40; ++i)
        CHECK(world.ari(fmt::format("l{}.example.com", i)).failures == 0);
    CHECK(world.ca.violations().empty());
}

TEST_CASE("revoked certificates are replaced within a day, the most urgent first, within the limits (F18, S25)") {
// Two thousand issuances take more than a minute without optimisation.
#ifdef __OPTIMIZE__
    constexpr int lineages = 1000;
#else
    constexpr int lineages = 60;
#endif
    FakeCaOptions options;
    options.verify_signatures = false;
    AriWorld world(options);
    world.ca.knobs.reuse_percent = 100;
    world.ca.knobs.renewal_retry_after = {"86400"};
    // Odd ones live for 90 days, even ones, issued a minute later, for 60: more urgent, and asked about later.
    world.start(many(1, 2, lineages));
    world.run_for(minutes(1));
    world.ca.knobs.certificate_lifetime = days(60);
    world.reload(many(0, 1, lineages));
    world.run_for(hours(42));
    REQUIRE(world.ca.certificates() == lineages);

    Time now = world.clock.now();
    world.events.clear();
    world.ca.clear_log();
    world.ca.knobs.renewal_window = std::pair(now - hours(1), now - minutes(30));
    world.ca.knobs.issuance_time = minutes(1);
    world.ca.knobs.order_limit = lineages * 3 / 10;
    world.ca.knobs.limit_spares_replacements = true;
    world.run_for(days(1));

    CHECK(world.count(EventType::renewal_issued) == lineages);
    CHECK(world.count(EventType::renewal_failed) == 0);
    CHECK(world.ca.certificates() == 2 * lineages);
    CHECK(most_at_once(world.events) <= 4);
    int even = 0;
    int odd = 0;
    int odd_before_last_even = 0;
    for (const Event& event : world.events) {
        if (event.type != EventType::renewal_issued) continue;
        bool urgent = std::stoi(event.lineage.substr(1)) % 2 == 0;
        if (!urgent) ++odd;
        if (urgent && ++even == lineages / 2) odd_before_last_even = odd;
    }
    CHECK(odd_before_last_even <= 12);
    CHECK(world.ca.violations().empty());
}
