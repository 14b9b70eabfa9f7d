// A CA's staging: what failed at the CA has to pass there before the CA is asked again.
#include "daemon/app/operations.hpp"
#include "tests/flow/world.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>

using namespace certd;
using namespace certd::test;
using acme::RequestKind;

namespace {

std::string staged(const std::string& more = {}) {
    return with(usual_config(), "contact: [ops@example.com] }",
                "contact: [ops@example.com], staging: other" + more + " }");
}

// Challenges of both CAs fail while `broken`.
void break_challenges(World& world, const bool& broken) {
    for (FakeCa* ca : {&world.ca, &world.other_ca}) {
        ca->knobs.validate = [&broken](const Identifier&, const std::string&, const std::string&, const std::string&) {
            return !broken;
        };
    }
}

std::size_t orders(FakeCa& ca) {
    return ca.count(RequestKind::new_order);
}

bool mentions(const std::vector<std::string>& texts, const std::string& words) {
    return std::ranges::any_of(texts, [&](const std::string& text) { return text.find(words) != std::string::npos; });
}

// Nothing that staging issued is in the store, as a version or as an order.
void check_store(World& world) {
    std::vector<VersionFacts> versions = world.engine->store.versions(name_of("example.com")).value();
    for (const VersionFacts& facts : versions) {
        CHECK(facts.ca == CaName{"main"});
        CHECK(facts.directory_url == "https://ca.test/dir");
    }
    auto order = world.engine->store.load_order(name_of("example.com")).value();
    CHECK((!order || order->ca == "main"));
}

std::uint32_t used(World& world, const std::string& kind) {
    for (const BucketUse& use : world.scheduler().budget_of(world.scheduler().config().cas.at(CaName{"main"}))) {
        if (use.kind == kind) return use.used;
    }
    return 0;
}

}  // namespace

TEST_CASE("after a failed validation staging is asked first, and the CA in the same run when it passes") {
    bool broken = true;
    World world;
    break_challenges(world, broken);
    world.start(staged());
    world.run_for(seconds(30));
    CHECK(orders(world.ca) == 1);
    CHECK(orders(world.other_ca) == 0);
    CHECK(world.plan().staging == CaName{"other"});
    CHECK(world.plan().ca == CaName{"main"});
    CHECK(
        mentions(world.plan().reasons, "other, its staging, is asked first, because the last attempt at main failed"));
    broken = false;
    world.run_for(minutes(3));
    CHECK(world.other_ca.certificates() == 1);
    CHECK(world.ca.certificates() == 1);
    CHECK(world.count(EventType::renewal_staging) == 1);
    CHECK(world.count(EventType::renewal_started) == 2);
    CHECK(world.lineage().state.live == VersionNumber{1});
    CHECK(world.lineage().live->ca == CaName{"main"});
    CHECK_FALSE(world.plan().staging);
    check_store(world);
    CHECK(world.ca.violations().empty());
    CHECK(world.other_ca.violations().empty());
}

TEST_CASE("what fails at staging spares the CA and its rate budget, and is told as seen there") {
    bool broken = true;
    World world;
    break_challenges(world, broken);
    world.start(staged(", limits: letsencrypt"));
    world.run_for(seconds(30));
    std::uint32_t failures = used(world, "failures");
    CHECK(failures == 1);
    CHECK(used(world, "exact-set") == 0);
    world.run_for(minutes(5));
    CHECK(orders(world.other_ca) == 1);
    CHECK(used(world, "failures") == failures);
    CHECK(used(world, "orders") <= 1);
    if (GENERATE(false, true)) {
        world.kill();
        world.start(staged(", limits: letsencrypt"));
    }
    world.run_for(days(3));
    CHECK(orders(world.ca) == 1);
    CHECK(orders(world.other_ca) >= 4);
    const Problem& problem = *world.lineage().state.last_problem;
    CHECK(problem.code == "acme.unauthorized");
    CHECK(problem.what.starts_with("Seen at other, the staging of main: "));
    CHECK(world.plan().state == State::backing_off);
    auto failed = std::ranges::find(world.events, EventType::renewal_failed, &Event::type);
    REQUIRE(failed != world.events.end());
    CHECK(world.events.back().id >= failed->id);
    check_store(world);

    DaemonOperations operations(*world.engine, "", nullptr, nullptr);
    api::Explanation explained = world.drive(operations.explain(name_of("example.com"))).value();
    CHECK(mentions(explained.why, "Seen at other, the staging of main"));
    CHECK(mentions(explained.then, "from main, at other, its staging, first"));
    CHECK(mentions(explained.then, "other, its staging, is asked first"));
}

TEST_CASE("the network and the CA's own faults are not tried at staging") {
    World world;
    SECTION("no connection") {
        world.ca.knobs.unavailable = true;
    }
    SECTION("an internal fault") {
        world.ca.fail_next(RequestKind::new_order, problem_answer(500, "serverInternal", "oops"), 50);
    }
    world.start(staged());
    world.run_for(hours(1));
    CHECK_FALSE(world.plan().staging);
    CHECK(world.other_ca.log().empty());
}

TEST_CASE("a staging that cannot tell holds nothing up") {
    bool broken = true;
    World world;
    break_challenges(world, broken);
    world.start(staged());
    world.run_for(seconds(30));
    broken = false;
    SECTION("no connection") {
        world.other_ca.knobs.unavailable = true;
    }
    SECTION("its limits") {
        world.other_ca.fail_next(RequestKind::new_order, problem_answer(429, "rateLimited", "too many"));
    }
    SECTION("a CAA record that names the account of the CA itself") {
        world.other_ca.fail_next(RequestKind::new_order, problem_answer(403, "caa", "not this account"));
    }
    SECTION("terms that its account has to agree to") {
        world.other_ca.knobs.terms_changed = true;
    }
    world.run_for(minutes(3));
    CHECK(world.lineage().state.live == VersionNumber{1});
    auto told = std::ranges::find(world.events, EventType::renewal_staging, &Event::type);
    REQUIRE(told != world.events.end());
    CHECK(told->severity == Severity::warning);
    CHECK(told->problem);
    CHECK(told->message.find("could not tell; main is asked all the same") != std::string::npos);
}

TEST_CASE("an operator may force a renewal past staging, and a plain one goes there") {
    bool broken = true;
    World world;
    break_challenges(world, broken);
    world.start(staged());
    world.run_for(seconds(30));
    broken = false;
    bool force = GENERATE(false, true);
    REQUIRE(world.renew({force, false}));
    CHECK(orders(world.other_ca) == (force ? 0 : 1));
    CHECK(world.ca.certificates() == 1);
}

TEST_CASE("past the emergency point of what is served the CA is asked directly") {
    bool broken = false;
    World world;
    break_challenges(world, broken);
    world.start(staged());
    world.run_for(minutes(1));
    broken = true;
    world.run_for(days(74));
    CHECK(orders(world.ca) == 2);
    std::size_t at_staging = orders(world.other_ca);
    CHECK(at_staging >= 10);
    world.run_for(days(3));
    CHECK(orders(world.ca) >= 4);
    CHECK(orders(world.other_ca) <= at_staging + 1);
}

TEST_CASE("after a crash behind staging the order at the CA is gone on with, and counted once") {
    bool broken = true;
    World world;
    break_challenges(world, broken);
    world.start(staged(", limits: letsencrypt"));
    world.run_for(seconds(30));
    broken = false;
    world.ca.knobs.issuance_time = hours(2);
    world.run_for(minutes(3));
    CHECK(orders(world.ca) == 2);
    CHECK(used(world, "exact-set") == 1);
    world.kill();
    world.start(staged(", limits: letsencrypt"));
    CHECK(used(world, "exact-set") == 1);
    world.run_for(hours(4));
    CHECK(world.lineage().state.live == VersionNumber{1});
    CHECK(orders(world.ca) == 2);
    CHECK(orders(world.other_ca) == 1);
    CHECK(used(world, "exact-set") == 1);
    check_store(world);
}

TEST_CASE("an order that was interrupted over and over is counted once") {
    World world;
    std::string config =
        with(usual_config(), "agree_tos: true, contact", "limits: letsencrypt, agree_tos: true, contact");
    world.ca.knobs.issuance_time = hours(5);
    world.start(config);
    for (int i = 0; i < 3; ++i) {
        world.run_for(minutes(30));
        world.kill();
        world.start(config);
    }
    world.run_for(hours(6));
    CHECK(world.lineage().state.live == VersionNumber{1});
    CHECK(orders(world.ca) == 1);
    CHECK(used(world, "exact-set") == 1);
}

TEST_CASE("what was not ordered is given back to the budget") {
    World world;
    std::string config =
        with(usual_config(), "agree_tos: true, contact", "limits: letsencrypt, agree_tos: true, contact");
    world.ca.knobs.unavailable = true;
    world.start(config);
    world.run_for(hours(3));
    for (const char* kind : {"orders", "domain", "exact-set", "failures"})
        CHECK(used(world, kind) == 0);
}
