// Many lineages, changes of the configuration, and operators at work.
#include "tests/flow/world.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

using namespace certd;
using namespace certd::test;

namespace {

std::string many(int count, const std::string& more = {}) {
    std::string config = R"(
state_dir: /state
http_challenge: { listen: "127.0.0.1:5002" }
cas: { main: { directory: "https://ca.test/dir", agree_tos: true } }
defaults: { cas: [main], challenge: { http-01: {} } }
)" + more + "lineages:\n";
    for (int i = 0; i < count; ++i)
        config += fmt::format("  l{0}.example.com: {{}}\n", i);
    return config;
}

}  // namespace

TEST_CASE("a paused lineage is left alone, also over a restart, until it is resumed") {
    World world;
    world.start();
    world.run_for(days(1));
    REQUIRE(world.drive(world.scheduler().pause(name_of("example.com"))));
    world.restart();
    CHECK(world.plan().state == State::paused);
    CHECK(world.renew({true, false}).error().code == "schedule.paused");
    world.ca.clear_log();
    world.run_for(days(70));
    CHECK(world.ca.log().empty());
    REQUIRE(world.drive(world.scheduler().resume(name_of("example.com"))));
    world.run_for(minutes(1));
    CHECK(world.lineage().state.live == VersionNumber{2});
}

TEST_CASE("two requests for the same renewal share one job and another operation meanwhile is busy") {
    World world;
    world.start();
    world.run_for(days(1));
    world.ca.knobs.issuance_time = minutes(1);
    auto first = world.scheduler().renew(name_of("example.com"), {true, false});
    auto second = world.scheduler().renew(name_of("example.com"), {true, false});
    REQUIRE(first);
    REQUIRE(second);
    CHECK(second->joined);
    CHECK(first->job->id == second->job->id);
    CHECK(world.scheduler().deploy(name_of("example.com"), "").error().code == "control.busy");
    CHECK(world.finish(first)->version == VersionNumber{2});
    CHECK(world.finish(second)->version == VersionNumber{2});
    CHECK(world.ca.orders() == 2);
}

TEST_CASE("a renewal that is not due says when it will be and asks nobody") {
    World world;
    world.start();
    world.run_for(days(1));
    world.ca.clear_log();
    Result<JobOutcome> early = world.renew();
    REQUIRE(early);
    CHECK(early->outcome == "not-due");
    CHECK(world.ca.log().empty());
    CHECK(world.renew({}, "example.com"));
    CHECK(world.scheduler().renew(name_of("other.example"), {}).error().code == "control.noSuchLineage");
}

TEST_CASE("changed names make a lineage due at once and a removed one stays on disk and is not renewed") {
    World world;
    world.start();
    world.run_for(days(1));
    world.reload(with(usual_config(), "www.example.com]", "mail.example.com]"));
    world.run_for(minutes(1));
    CHECK(world.lineage().state.live == VersionNumber{2});
    world.reload(with(usual_config(), "  example.com: { names: [example.com, www.example.com], targets: [web] }",
                      "  second.example: {}"));
    world.ca.clear_log();
    world.run_for(days(80));
    CHECK(world.scheduler().find(name_of("example.com")) == nullptr);
    CHECK(world.engine->store.versions(name_of("example.com"))->size() == 2);
    REQUIRE(world.lineage("second.example").live);
    world.reload(usual_config());
    world.run_for(minutes(1));
    CHECK(world.lineage().state.live == VersionNumber{3});
}

TEST_CASE("no more orders run at once than the CA and the daemon allow") {
    World world;
    world.ca.knobs.issuance_time = minutes(1);
    world.start(many(40, "parallel_orders: 3\n"));
    std::size_t most = 0;
    for (int i = 0; i < 2000; ++i) {
        world.run_for(seconds(1));
        std::size_t running = 0;
        for (const auto& [name, entry] : world.scheduler().entries())
            running += entry->job ? 1 : 0;
        most = std::max(most, running);
    }
    CHECK(most == 3);
    for (const auto& [name, entry] : world.scheduler().entries())
        CHECK(entry->record.live);
}

TEST_CASE("one CA that never answers does not hold up another") {
    World world;
    world.ca.knobs.issuance_time = hours(20);
    std::string config = many(12) + "  at-other.example: { cas: [other] }\n";
    world.start(with(config, "agree_tos: true } }",
                     "agree_tos: true }, other: { directory: \"https://other.test/dir\", agree_tos: true } }"));
    world.run_for(minutes(5));
    CHECK(world.lineage("at-other.example").live);
}

TEST_CASE("lineages are spread by jitter that is the same for every run") {
    auto times = [] {
        World world;
        world.start(many(30));
        world.run_for(days(1));
        std::vector<Time> plans;
        for (const auto& [name, entry] : world.scheduler().entries())
            plans.push_back(world.scheduler().plan_of(*entry).at);
        return plans;
    };
    std::vector<Time> first = times();
    CHECK(first == times());
    CHECK(std::set<Time>(first.begin(), first.end()).size() > 20);
}

TEST_CASE("a hundred lineages live through a year on schedule") {
    World world;
    world.start(many(100));
    world.run_for(days(365));
    CHECK(world.count(EventType::renewal_failed) == 0);
    // 90 days each, renewed after 60: seven certificates in a year.
    CHECK(world.ca.certificates() == 700);
    CHECK(world.ca.violations().empty());
    for (const auto& [name, entry] : world.scheduler().entries())
        CHECK(entry->record.live->not_after > world.clock.now());
}
