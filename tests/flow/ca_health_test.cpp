// CAs in trouble: who asks them how often, who goes elsewhere and when they come back (faults F05, F19, F20).
#include "tests/flow/world.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>

#include <fmt/format.h>

using namespace certd;
using namespace certd::test;
using acme::RequestKind;

namespace {

// So many lineages besides example.com, each of a registered domain of its own.
std::string many(int count, std::string config) {
    for (int i = 0; i < count; ++i)
        config += fmt::format("  d{}.example: {{}}\n", i);
    return config;
}

std::string two_cas() {
    return with(usual_config(), "cas: [main]", "cas: [main, other]");
}

FakeCaOptions quick() {
    FakeCaOptions options;
    options.verify_signatures = false;
    return options;
}

std::vector<Time> order_times(const FakeCa& ca) {
    std::vector<Time> times;
    for (const FakeCa::Exchange& exchange : ca.log()) {
        if (exchange.kind == RequestKind::new_order) times.push_back(exchange.at);
    }
    return times;
}

// So that there are never more than 300 in three hours.
bool are_spread(const std::vector<Time>& times) {
    auto close = [](Time first, Time second) { return second - first < seconds(36); };
    return std::ranges::adjacent_find(times, close) == times.end();
}

}  // namespace

TEST_CASE("a CA that is away for 30 days is asked by one lineage for all, and what piled up is spread (F19)") {
    constexpr int count = 48;
    World world(quick());
    std::string config = many(count - 1, with(with(usual_config(), "contact: [ops@example.com] }",
                                                   "contact: [ops@example.com], limits: letsencrypt }"),
                                              "targets: [web] }", "}"));
    world.start(config);
    world.run_for(hours(4));
    REQUIRE(world.ca.certificates() == count);

    world.run_for(days(59));
    world.ca.clear_log();
    world.ca.knobs.unavailable = true;
    world.run_for(days(30));
    // For each lineage alone it might be 33: 1, 10 and 100 minutes after the first, then daily (acme-facts §7.2).
    CHECK(world.ca.log().size() >= 24 * 28);
    CHECK(world.ca.log().size() <= 24 * 31);
    CHECK(world.count(EventType::ca_down) == 1);

    world.restart(config);
    world.ca.clear_log();
    world.run_for(minutes(59));
    CHECK(world.ca.log().size() <= 1);  // a restart does not begin anew
    world.ca.knobs.unavailable = false;
    world.ca.clear_log();
    world.run_for(hours(1));
    CHECK(world.count(EventType::ca_up) == 1);
    world.run_for(days(1) + hours(3));  // the lineages that asked for all the others have back-offs of their own
    CHECK(world.ca.certificates() == 2 * count);
    std::vector<Time> orders = order_times(world.ca);
    CHECK(orders.size() == count);
    CHECK(are_spread(orders));
    CHECK(world.ca.violations().empty());
}

TEST_CASE("the most urgent lineage asks a CA that has been away, and the others wait for its answer") {
    World world;
    std::string config = many(20, with(usual_config(), "targets: [web] }", "}"));
    world.ca.knobs.unavailable = true;
    world.start(config);
    world.run_for(minutes(20));
    // 4 at the same time at first, then after 1, 2, 4 and 8 minutes, and a renewal begins by the directory.
    CHECK(world.ca.log().size() <= 4 + 4);
    Plan waiting = world.plan("d19.example");
    CHECK(waiting.at > world.clock.now());
    CHECK(waiting.reasons.back().find("main did not answer") == 0);
    world.ca.knobs.unavailable = false;
    world.run_for(hours(3));
    CHECK(world.ca.certificates() == 21);
}

TEST_CASE("lineages of a CA that does not answer go to their next one without asking themselves, over restarts too") {
    World world;
    std::string config = many(10, with(two_cas(), "targets: [web] }", "}"));
    world.ca.knobs.unavailable = true;
    world.start(config);
    world.run_for(minutes(30));
    CHECK(world.other_ca.certificates() >= 10);
    std::size_t asked = world.ca.log().size();
    CHECK(asked <= 8);
    world.restart(config + "  late.example: {}\n");
    world.run_for(minutes(5));
    CHECK(world.lineage("late.example").live->ca == CaName{"other"});
    CHECK(world.ca.log().size() == asked);
    for (const std::string& id : world.other_ca.replaces())
        CHECK(id.empty());

    world.ca.knobs.unavailable = false;
    world.run_for(days(2));
    world.reload(config + "  later.example: {}\n");
    world.run_for(minutes(5));
    CHECK(world.lineage("later.example").live->ca == CaName{"main"});
    CHECK(world.count(EventType::ca_up) == 1);
}

TEST_CASE("a CA that comes and goes every hour does not take lineages along (F20)") {
    World world(quick());
    for (FakeCa* ca : {&world.ca, &world.other_ca}) {
        ca->knobs.certificate_lifetime = hours(8);
        ca->knobs.renewal_info = true;
    }
    std::string config = many(1, with(two_cas(), "targets: [web] }", "}"));
    world.start(config);
    Time begin = world.clock.now();
    struct Seen {
        CaName ca{"main"};
        std::vector<Time> left, returned;
    };
    std::map<std::string, Seen> seen;
    for (int half_hour = 0; half_hour < 2 * 24 * 5; ++half_hour) {
        world.ca.knobs.unavailable = half_hour / 2 % 2 == 1;
        if (half_hour == 100) world.restart(config);
        world.run_for(minutes(30));
        for (const auto& [name, entry] : world.scheduler().entries()) {
            REQUIRE(entry->record.live);
            CHECK(entry->record.live->not_after > world.clock.now());
            Seen& known = seen[name];
            const CaName& now_at = entry->record.newest->ca;
            if (now_at != known.ca) (now_at.text == "main" ? known.returned : known.left).push_back(world.clock.now());
            known.ca = now_at;
        }
    }
    for (const auto& [name, known] : seen) {
        CAPTURE(name);
        for (const std::vector<Time>* times : {&known.left, &known.returned}) {
            for (std::size_t i = 1; i < times->size(); ++i)
                CHECK((*times)[i] - (*times)[i - 1] >= days(1) - hours(1));
        }
        CHECK(known.left.size() <= 5);
    }
    CHECK(world.clock.now() - begin >= days(5));
    for (FakeCa* ca : {&world.ca, &world.other_ca}) {
        CHECK(ca->violations().empty());
        for (const FakeCa::Exchange& exchange : ca->log()) {
            // A predecessor of the other CA would be refused.
            if (exchange.kind == RequestKind::new_order) CHECK((exchange.status == 201 || exchange.status == 0));
        }
    }
}

TEST_CASE("a CA that forgets everything gets one new account, and the old certificate stays served (F05)") {
    World world;
    world.start();
    world.run_for(minutes(1));
    std::string served = world.service.serves();
    world.ca.forget_everything();
    // It knows nobody and refuses everybody at first.
    world.ca.fail_next(RequestKind::new_account, problem_answer(500, "serverInternal", "starting"));
    REQUIRE_FALSE(world.renew({true, false}));
    CHECK(world.service.serves() == served);
    CHECK(world.lineage().state.live == VersionNumber{1});
    if (GENERATE(false, true)) {
        world.kill();
        world.start();
    }
    world.run_for(days(1) + hours(2));
    REQUIRE(world.renew({true, false}));
    CHECK(world.ca.accounts() == 1);
    CHECK(world.service.serves() == world.live_fingerprint());
    CHECK(world.service.serves() != served);

    std::string newer = world.service.serves();
    world.ca.forget_everything();
    Result<JobOutcome> again = world.renew({true, false});
    CHECK(world.ca.accounts() <= 1);
    if (!again) {
        CHECK(again.error().code == "acme.accountDoesNotExist");
        CHECK(world.service.serves() == newer);
    }
}

TEST_CASE("what is known of a CA's health survives damage and a disk that is full") {
    World world;
    world.ca.knobs.unavailable = true;
    world.start();
    world.run_for(minutes(5));
    Path file = "/state/accounts/main/health.json";
    CHECK(world.engine->store.load_health(CaName{"main"})->failures >= 1);
    if (GENERATE(false, true)) {
        world.files.overwrite(file, "garbage");
    } else {
        REQUIRE(world.files.change(change::Remove{file}));
        REQUIRE(world.files.change(change::MakeDirectory{file, 0700}));
    }
    world.restart();
    world.ca.knobs.unavailable = false;
    world.run_for(hours(3));
    CHECK(world.lineage().state.live == VersionNumber{1});
}
