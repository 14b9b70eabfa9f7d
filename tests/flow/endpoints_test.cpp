// Endpoints that nobody here deploys to, over the life of a lineage: they have their time, are told of, and hold up
// nothing.
#include "tests/flow/world.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/support/test_authority.hpp"

#include <algorithm>
#include <filesystem>

using namespace certd;
using namespace certd::test;

namespace {

std::string with_cdn(const std::string& more = "") {
    return with(
        with(usual_config(), "lineages:",
             "  cdn: { verify: { tls: [\"cdn.test:443\"], server_names: [example.com]" + more + " } }\nlineages:"),
        "targets: [web] }", "targets: [web, cdn] }");
}

// A CDN in front of everything that `web` is: it shows what it was given.
class Cdn {
   public:
    explicit Cdn(World& world) : world_(world) {
        const auto others = world.host.on_probe;
        world.host.on_probe = [this, others](const ProbeRequest& request) -> Result<Served> {
            if (request.address.starts_with("127.")) return others(request);
            if (chain.empty() || request.address != "cdn.test:443")
                return failure("net.connect", "Cannot connect to " + request.address, "Connection refused");
            return Served{chain, chain.front().fingerprint_sha256()};
        };
    }
    void take(std::uint32_t version) {
        chain = parse_chain(world_.engine->store.read_version(name_of("example.com"), {version})->fullchain).value();
    }
    void take_own(Duration lifetime, const std::string& name = "example.com") {
        const std::vector<Identifier> names{{Identifier::Type::dns, name}};
        const Time now = world_.clock.now();
        chain = {make_self_signed(PrivateKey::generate(KeyType::ecdsa_p256), names, now, now + lifetime)};
    }
    Chain chain;

   private:
    World& world_;
};

const Event& last(const World& world, EventType type) {
    const auto found = std::find_if(world.events.rbegin(), world.events.rend(),
                                    [type](const Event& event) { return event.type == type; });
    REQUIRE(found != world.events.rend());
    return *found;
}

Verdict verdict(World& world) {
    REQUIRE(world.lineage().state.endpoints.size() == 1);
    return world.lineage().state.endpoints.front().verdict;
}

}  // namespace

TEST_CASE("an endpoint has a day to take over a new version, is told of after that, and again when it has") {
    World world;
    Cdn cdn(world);
    world.start(with_cdn());
    world.run_for(minutes(1));
    REQUIRE(world.lineage().state.live == VersionNumber{1});
    cdn.take(1);
    world.run_for(hours(2));
    CHECK(verdict(world) == Verdict::live);
    CHECK(world.plan().health == Health::ok);

    const std::size_t troubles = world.count(EventType::endpoint_trouble);
    REQUIRE(world.renew({true, false}));
    CHECK(world.lineage().state.live == VersionNumber{2});
    world.run_for(hours(23));
    CHECK(verdict(world) == Verdict::awaited);
    CHECK(world.plan().health == Health::ok);
    CHECK(world.count(EventType::endpoint_trouble) == troubles);

    world.run_for(hours(2));
    CHECK(world.count(EventType::endpoint_trouble) == troubles + 1);
    const Event& trouble = last(world, EventType::endpoint_trouble);
    CHECK(trouble.severity == Severity::warning);
    CHECK(trouble.target == "cdn");
    CHECK(trouble.host == "cdn.test:443");
    CHECK(trouble.message == "An endpoint that is only watched is out of order");
    CHECK(trouble.problem->code == "endpoint.old");
    CHECK(trouble.problem->what.starts_with(
        "cdn at cdn.test:443 for example.com still serves version 1 while version 2 is live (valid until "));
    CHECK(world.plan().health == Health::warning);
    CHECK(world.plan().state == State::waiting);
    world.run_for(days(3));
    CHECK(world.count(EventType::endpoint_trouble) == troubles + 1);

    const std::size_t settled = world.count(EventType::endpoint_settled);
    cdn.take(2);
    world.run_for(hours(2));
    CHECK(world.count(EventType::endpoint_settled) == settled + 1);
    CHECK(last(world, EventType::endpoint_settled).message == "cdn at cdn.test:443 is in order again");
    CHECK(world.plan().health == Health::ok);
    world.run_for(days(3));
    CHECK(world.count(EventType::endpoint_settled) == settled + 1);
}

TEST_CASE("an endpoint holds up neither deployment nor rollback, and is not deployed to") {
    World world;
    Cdn cdn(world);  // which answers nobody
    world.start(with_cdn());
    world.run_for(hours(1));
    CHECK(world.lineage().state.live == VersionNumber{1});
    CHECK(world.service.serves() == world.live_fingerprint());
    CHECK(world.plan().state == State::waiting);
    CHECK(world.plan().health == Health::warning);
    CHECK(last(world, EventType::endpoint_trouble).problem->code == "endpoint.silent");
    const Time before = world.clock.now();
    REQUIRE(world.renew({true, false}));
    REQUIRE(world.roll_back());
    CHECK(world.clock.now() - before < minutes(1));
    CHECK(world.lineage().state.live == VersionNumber{1});
    CHECK(world.lineage().state.targets.size() == 1);

    const auto refused = world.scheduler().deploy(name_of("example.com"), "cdn", "");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().what == "'cdn' is only watched: nothing is deployed there");
    REQUIRE(world.finish(world.scheduler().deploy(name_of("example.com"), "", "")));
}

TEST_CASE("a lineage whose targets are all in other hands is issued and goes live all the same") {
    World world;
    Cdn cdn(world);
    world.start(with(with_cdn(), "targets: [web, cdn] }", "targets: [cdn] }"));
    world.run_for(hours(1));
    CHECK(world.lineage().state.live == VersionNumber{1});
    CHECK(world.host.steps().empty());
    cdn.take(1);
    world.run_for(hours(1));
    CHECK(world.plan().health == Health::ok);
}

TEST_CASE("somebody else's certificate is told of, or accepted where a trusted one will do, until it is near its end") {
    World world;
    Cdn cdn(world);
    SECTION("ours only") {
        world.start(with_cdn(", grace: 0s"));
        world.run_for(minutes(1));
        cdn.take_own(days(90));
        world.run_for(hours(1));
        CHECK(verdict(world) == Verdict::foreign);
        CHECK(world.plan().problem->code == "endpoint.foreign");
        CHECK(world.plan().health == Health::warning);
    }
    SECTION("an untrusted one") {
        world.start(with_cdn(", grace: 0s, accept: trusted"));
        world.run_for(minutes(1));
        cdn.take_own(days(90));
        world.run_for(hours(1));
        CHECK(verdict(world) == Verdict::untrusted);
        CHECK(last(world, EventType::endpoint_trouble).problem->remote.starts_with("self-signed certificate; subject"));
    }
    SECTION("near its end") {
        world.start(with_cdn());
        world.run_for(minutes(1));
        cdn.take_own(days(3));
        world.run_for(days(1));
        world.run_for(days(1) + hours(13));
        CHECK(verdict(world) == Verdict::expiring);
        CHECK(world.plan().health == Health::critical);
        CHECK(last(world, EventType::endpoint_trouble).severity == Severity::critical);
        world.run_for(days(1));
        CHECK(verdict(world) == Verdict::expired);
        CHECK(world.count(EventType::endpoint_settled) == 1);  // of the silence at first
    }
}

TEST_CASE("an endpoint that serves the version without its intermediates is told of") {
    World world;
    Cdn cdn(world);
    world.start(with_cdn());
    world.run_for(minutes(1));
    cdn.take(1);
    REQUIRE(cdn.chain.size() > 1);
    cdn.chain.erase(cdn.chain.begin() + 1, cdn.chain.end());
    world.run_for(hours(1));
    CHECK(verdict(world) == Verdict::broken_chain);
    CHECK(world.plan().problem->code == "endpoint.brokenChain");
    cdn.take(1);
    world.run_for(hours(1));
    CHECK(verdict(world) == Verdict::live);
}

TEST_CASE("what is known of an endpoint survives a restart, and is not told again by it") {
    World world;
    Cdn cdn(world);
    world.start(with_cdn(", grace: 0s"));
    world.run_for(minutes(1));
    cdn.take_own(days(90));
    world.run_for(hours(2));
    REQUIRE(verdict(world) == Verdict::foreign);
    world.restart(with_cdn(", grace: 0s"));
    CHECK(world.plan().health == Health::warning);
    world.run_for(days(2));
    CHECK(world.count(EventType::endpoint_trouble) == 0);
    cdn.take(1);
    world.run_for(hours(2));
    CHECK(world.count(EventType::endpoint_settled) == 1);
}

TEST_CASE("a finding that cannot be stored is told, and one address that does not answer costs the others nothing") {
    World world;
    Cdn cdn(world);
    world.start(with(with_cdn(", grace: 0s"), "\"cdn.test:443\"", "\"dead.test:443\", \"cdn.test:443\""));
    world.run_for(minutes(1));
    cdn.take(1);
    world.run_for(hours(1));
    REQUIRE(world.lineage().state.endpoints.size() == 2);
    CHECK(world.lineage().state.endpoints[1].verdict == Verdict::live);
    CHECK(world.plan().problem->code == "endpoint.silent");
    cdn.take_own(days(90));
    FaultPlan full;
    full.fail_at = GENERATE(range(0, 6));
    full.code = "storage.full";
    full.lasting = true;
    world.files.plan(full);
    world.run_for(days(1));
    CHECK(world.count(EventType::daemon_problem) >= 1);
    CHECK(world.count(EventType::daemon_problem) <= 6 * 24);
    world.files.plan({});
    world.run_for(hours(1));
    CHECK(last(world, EventType::endpoint_trouble).problem->code == "endpoint.foreign");
    CHECK(world.lineage().state.endpoints[1].verdict == Verdict::foreign);
}

TEST_CASE("a look at endpoints that breaks off is told and not begun again at once") {
    World world;
    Cdn cdn(world);
    world.start(with_cdn());
    world.run_for(minutes(1));
    const auto answers = world.host.on_probe;
    std::size_t broken = 0;
    world.host.on_probe = [&](const ProbeRequest& request) -> Result<Served> {
        if (request.address != "cdn.test:443") return answers(request);
        ++broken;
        throw std::runtime_error("nobody expected this");
    };
    world.run_for(hours(2));
    CHECK(broken >= 1);
    CHECK(broken <= 13);
    CHECK(world.count(EventType::daemon_problem) == broken);
    world.host.on_probe = answers;
    cdn.take(1);
    world.run_for(minutes(11));
    CHECK(verdict(world) == Verdict::live);
}

TEST_CASE("a target that cannot be judged keeps no other target's endpoints from being looked at") {
    const TempDirectory directory;
    const std::string roots = TestAuthority().write_bundle(directory.path());
    World world;
    Cdn cdn(world);
    world.start(with(with(with_cdn(), "lineages:\n",
                          "  a-cdn: { verify: { tls: [\"cdn.test:443\"], server_names: [example.com], ca_bundle: " +
                              roots + " } }\nlineages:\n"),
                     "targets: [web, cdn] }", "targets: [web, a-cdn, cdn] }"));
    std::filesystem::remove(roots);
    world.run_for(minutes(1));
    cdn.take(1);
    world.run_for(hours(1));
    const auto& endpoints = world.lineage().state.endpoints;
    const auto good = std::ranges::find(endpoints, TargetName{"cdn"}, &EndpointState::target);
    REQUIRE(good != endpoints.end());
    CHECK(good->verdict == Verdict::live);
    const Event& fault = last(world, EventType::daemon_problem);
    CHECK(fault.message == "A look at endpoints ended unexpectedly");
    CHECK(fault.problem->code == "tls.caBundle");
    CHECK(world.count(EventType::daemon_problem) <= 7);
}

TEST_CASE("a target that reads live by itself is deployed to, waited for and put back, as one with steps is") {
    World world;
    Cdn cdn(world);
    const std::string config = with(with_cdn(", timeout: 5s"), "cdn: {", "cdn: { reads_live: true,");
    world.start(config);
    world.run_for(minutes(1));
    CHECK(world.plan().state == State::deploy_failed);
    CHECK(world.lineage().state.endpoints.empty());
    cdn.take(1);
    world.run_for(hours(1));
    CHECK(world.plan().state == State::waiting);
    CHECK(world.lineage().state.targets.size() == 2);
    CHECK(world.count(EventType::endpoint_trouble) == 0);
    // Nothing waits for it, and what was known of it as a place is over, once it is only watched.
    world.reload(with_cdn());
    world.run_for(hours(1));
    CHECK(verdict(world) == Verdict::live);
    CHECK(world.plan().health == Health::ok);
}
