// Rate budgets over whole lives: what a CA would refuse is not asked for.
#include "tests/flow/world.hpp"

#include "tests/support/catch.hpp"

using namespace certd;
using namespace certd::test;

namespace {

// Sixty customers under one registered domain.
std::string crowded(const std::string& limits) {
    std::string config = with(usual_config(), "agree_tos: true, contact", limits + "agree_tos: true, contact");
    for (int i = 0; i < 59; ++i)
        config += "  host" + std::to_string(i) + ": { names: [host" + std::to_string(i) + ".example.com] }\n";
    return config;
}

}  // namespace

TEST_CASE("the certificates of a registered domain are spread over the CA's limit, over restarts too") {
    World world;
    std::string config = crowded("limits: letsencrypt, ");
    world.start(config);
    world.run_for(minutes(10));
    CHECK(world.ca.certificates() == 50);
    Plan held;
    for (const auto& [name, entry] : world.scheduler().entries()) {
        if (!entry->record.live) held = world.plan(name);
    }
    CHECK(held.action == Action::issue);
    CHECK(held.reasons.back() ==
          "rate budget: certificates for the registered domain example.com are used up (50 per 7d 0h)");
    world.restart(config);
    world.run_for(minutes(10));
    CHECK(world.ca.certificates() == 50);
    world.run_for(minutes(202 * 10));
    CHECK(world.ca.certificates() == 60);
    CHECK(world.count(EventType::renewal_failed) == 0);
}

TEST_CASE("an operator hears that the budget is used up, and may order all the same") {
    World world;
    std::string config =
        with(usual_config(), "agree_tos: true, contact", "limits: letsencrypt, agree_tos: true, contact");
    world.start(config);
    world.run_for(minutes(1));
    for (int i = 0; i < 4; ++i)
        REQUIRE(world.renew({true, false}));
    std::size_t issued = world.ca.certificates();
    CHECK(world.renew({true, false}));
    CHECK(world.ca.certificates() == issued + 1);
    auto uses = world.scheduler().budget_of(world.scheduler().config().cas.at(CaName{"main"}));
    auto set = std::ranges::find(uses, "exact-set", &BucketUse::kind);
    REQUIRE(set != uses.end());
    CHECK(set->used == set->capacity);
    CHECK(set->next > world.clock.now());
}

TEST_CASE("without a model nothing waits") {
    World world;
    world.start(crowded(""));
    world.run_for(minutes(10));
    CHECK(world.ca.certificates() == 60);
}

TEST_CASE("no wait for the budget goes past the emergency point of the live certificate") {
    World world;
    std::string config =
        with(usual_config(), "agree_tos: true, contact", "limits: letsencrypt, agree_tos: true, contact");
    world.start(config);
    world.run_for(minutes(1));
    Ledger spent;
    spent.full_at["failures www.example.com"] = world.clock.now() + days(400);
    REQUIRE(world.engine->store.save_limits(CaName{"main"}, spent));
    world.restart(config);
    Time emergency = emergency_point(*world.lineage().live);
    world.run_for(days(70));
    CHECK(world.ca.certificates() == 1);
    CHECK(world.plan().at == emergency);
    CHECK(world.plan().reasons.back().find("failed validations of www.example.com") != std::string::npos);
    Result<JobOutcome> refused = world.renew();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "schedule.rateBudget");
    world.run_for(days(6));
    CHECK(world.ca.certificates() == 2);
}

TEST_CASE("limits taken out of the configuration hold nothing up any more") {
    World world;
    world.start(crowded("limits: letsencrypt, "));
    world.run_for(minutes(10));
    CHECK(world.ca.certificates() == 50);
    world.reload(crowded(""));
    world.run_for(minutes(10));
    CHECK(world.ca.certificates() == 60);
}

TEST_CASE("a ledger that is damaged or cannot be written keeps no certificate from its renewal") {
    World world;
    std::string config =
        with(usual_config(), "agree_tos: true, contact", "limits: letsencrypt, agree_tos: true, contact");
    Path ledger = "/state/accounts/main/limits.json";
    world.start(config);
    world.run_for(minutes(1));
    world.files.overwrite(ledger, "garbage");
    world.restart(config);
    CHECK(world.renew({true, false}));
    REQUIRE(world.files.change(change::Remove{ledger}));
    REQUIRE(world.files.change(change::MakeDirectory{ledger, 0700}));
    CHECK(world.renew({true, false}));
    CHECK(world.lineage().state.live == VersionNumber{3});
}
