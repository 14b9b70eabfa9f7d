// Lives of one lineage: issue, renew, fail, back off.
#include "tests/flow/world.hpp"

#include "tests/support/catch.hpp"

using namespace certd;
using namespace certd::test;

TEST_CASE(
    "a new lineage is issued, deployed and seen served within moments, and renewed after two thirds of its life") {
    World world;
    world.start();
    world.run_for(minutes(1));
    CHECK(world.lineage().state.live == VersionNumber{1});
    CHECK(world.service.serves() == world.live_fingerprint());
    CHECK(world.plan().state == State::waiting);
    CHECK(world.solver.presented.empty());
    CHECK(world.ca.violations().empty());

    Time renewal = world.plan().at;
    Time issued = world.lineage().live->not_before;
    CHECK(renewal >= issued + days(60));
    CHECK(renewal <= issued + days(60) + hours(2));
    world.run_for(renewal - world.clock.now() - seconds(1));
    CHECK(world.lineage().state.live == VersionNumber{1});
    world.run_for(minutes(2));
    CHECK(world.lineage().state.live == VersionNumber{2});
    CHECK(world.service.serves() == world.live_fingerprint());
}

TEST_CASE("a warm issuance of one name asks the CA seven times") {
    World world;
    world.start(with(usual_config(), "names: [example.com, www.example.com]", "names: [example.com]"));
    world.run_for(minutes(1));
    world.ca.clear_log();
    REQUIRE(world.renew({true, false}));
    CHECK(world.ca.log().size() == 7);
}

TEST_CASE("a restart alone asks no CA and moves no plan") {
    World world;
    world.start();
    world.run_for(days(3));
    Time at = world.plan().at;
    world.ca.clear_log();
    for (int i = 0; i < 5; ++i) {
        world.restart();
        world.run_for(hours(1));
        CHECK(world.plan().at == at);
    }
    CHECK(world.ca.log().empty());
}

TEST_CASE("failures back off by 1, 10 and 100 minutes and then daily, over restarts") {
    World world;
    world.ca.knobs.unavailable = true;
    world.start();
    world.run_for(seconds(30));
    CHECK(world.plan().state == State::backing_off);
    std::vector<Duration> pauses;
    for (int i = 0; i < 6; ++i) {
        Time before = world.clock.now();
        auto failures = [&] { return world.lineage().state.attempts.at(CaName{"main"}).failures; };
        for (std::uint32_t known = failures(); failures() == known;)
            world.run_for(seconds(30));
        pauses.push_back(world.clock.now() - before);
        world.restart();
    }
    CHECK(pauses[0] <= minutes(3));
    CHECK(pauses[1] >= minutes(9));
    CHECK(pauses[1] <= minutes(13));
    CHECK(pauses[2] >= minutes(95));
    CHECK(pauses[3] >= hours(23));
    CHECK(pauses[5] <= hours(28));
    world.ca.knobs.unavailable = false;
    world.run_for(days(2));
    CHECK(world.lineage().state.live == VersionNumber{1});
    CHECK(world.lineage().state.attempts.empty());
}

TEST_CASE("a CA that fails for 400 days is asked no more often than the schedule allows (S5)") {
    World world;
    world.start();
    world.run_for(minutes(1));
    world.ca.knobs.unavailable = true;
    world.run_for(days(400));
    // Renewal is due after 60 days; from then on three quick tries and one a day.
    CHECK(world.count(EventType::renewal_failed) <= 345);
    CHECK(world.count(EventType::renewal_failed) >= 250);
    CHECK(world.plan().health == Health::critical);
}

TEST_CASE("Retry-After of a rate limit is obeyed, also by an operator without --force") {
    World world;
    HttpResponse limited = problem_answer(429, "rateLimited", "too many orders");
    limited.headers.add("Retry-After", "172800");
    world.ca.fail_next(acme::RequestKind::new_order, limited);
    world.start();
    world.run_for(minutes(1));
    CHECK(world.plan().at >= world.clock.now() + days(1));
    Result<JobOutcome> refused = world.renew();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "acme.rateLimited");
    world.restart();
    world.run_for(days(1));
    CHECK_FALSE(world.lineage().live);
    world.run_for(days(1) + hours(6));
    CHECK(world.lineage().state.live == VersionNumber{1});
}

TEST_CASE("after three failures the next CA is asked") {
    World world;
    world.ca.knobs.unavailable = true;
    world.start(with(usual_config(), "cas: [main]", "cas: [main, other]"));
    world.run_for(days(1));
    REQUIRE(world.lineage().live);
    CHECK(world.lineage().live->ca == CaName{"other"});
    CHECK(world.lineage().state.attempts.at(CaName{"main"}).failures == 3);
}

TEST_CASE("a CA that lost its accounts is registered with once more, and the renewal goes on (F05)") {
    World world;
    world.start();
    world.run_for(days(1));
    world.ca.forget_everything();
    REQUIRE(world.renew({true, false}));
    CHECK(world.lineage().state.live == VersionNumber{2});
    CHECK(world.ca.accounts() == 1);
    world.ca.forget_everything();
    Result<JobOutcome> again = world.renew({true, false});
    REQUIRE_FALSE(again);
    CHECK(again.error().code == "acme.accountDoesNotExist");
    CHECK(world.ca.accounts() == 0);
}

TEST_CASE("no order is started when the disk is full, and the old certificate stays (F34)") {
    World world;
    world.start();
    world.run_for(days(1));
    world.ca.clear_log();
    world.files.plan({0, "storage.full", true});
    Result<JobOutcome> refused = world.renew({true, false});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "storage.full");
    CHECK(world.ca.log().empty());
    world.files.plan({});
    CHECK(world.service.serves() == world.live_fingerprint());
    REQUIRE(world.renew({true, false}));
}

TEST_CASE("a jump of the wall clock is noticed and renews nothing that is not due") {
    World world;
    world.longest_sleep = minutes(1);
    world.start();
    world.run_for(days(1));
    world.ca.clear_log();
    world.clock.jump_wall(-hours(1));
    world.run_for(minutes(5));
    world.clock.jump_wall(hours(2));
    world.run_for(minutes(5));
    CHECK(world.count(EventType::clock_jumped) == 2);
    CHECK(world.ca.log().empty());
}

TEST_CASE("an order interrupted by a stop is gone on with, with the same key") {
    World world;
    world.ca.knobs.issuance_time = minutes(10);
    world.start();
    world.run_for(minutes(1));
    CHECK(world.ca.orders() == 1);
    std::string key = world.engine->store.load_order(name_of("example.com")).value().value().key_pem;
    world.stop();
    world.start();
    world.run_for(minutes(15));
    REQUIRE(world.lineage().live);
    CHECK(world.ca.orders() == 1);
    CHECK(world.engine->store.read_version(name_of("example.com"), VersionNumber{1})->privkey == key);
}

TEST_CASE("a forced renewal that was interrupted is finished after the restart") {
    World world;
    world.start();
    world.run_for(days(1));
    world.ca.knobs.issuance_time = minutes(3);
    REQUIRE(world.scheduler().renew(name_of("example.com"), {true, false}));
    world.run_for(minutes(1));
    world.kill();
    world.start();
    world.run_for(minutes(5));
    CHECK(world.lineage().state.live == VersionNumber{2});
    CHECK_FALSE(world.lineage().state.renew_requested);
}
