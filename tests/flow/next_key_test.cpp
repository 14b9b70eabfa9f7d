// Keys made ahead of the version that will have them.
#include "daemon/app/operations.hpp"
#include "libacme/crypto/digest.hpp"
#include "tests/flow/world.hpp"
#include "tests/support/catch.hpp"

using namespace certd;
using namespace certd::test;

namespace {

std::string with_next_key(const std::string& more = "") {
    return with(usual_config(), "targets: [web] }", "targets: [web], next_key: true" + more + " }");
}

std::string key_of(World& world, std::uint32_t version) {
    return world.engine->store.read_version(name_of("example.com"), {version}).value().privkey;
}

std::string next_key(World& world) {
    const auto keys = world.engine->store.load_next_keys(name_of("example.com")).value();
    REQUIRE(keys.size() == 1);
    return keys.front().key_pem;
}

}  // namespace

TEST_CASE("right after an issuance the next key is there, the next renewal uses it, and then there is another") {
    World world;
    world.start(with_next_key());
    world.run_for(minutes(1));
    REQUIRE(world.lineage().state.live == VersionNumber{1});
    std::string ahead = next_key(world);
    CHECK(ahead != key_of(world, 1));
    for (std::uint32_t version = 2; version <= 4; ++version) {
        world.run_for(days(30));
        world.restart(with_next_key());
        CHECK(next_key(world) == ahead);
        REQUIRE(world.renew({true, false}));
        CHECK(key_of(world, version) == ahead);
        CHECK(next_key(world) != ahead);
        ahead = next_key(world);
    }
    CHECK(world.service.serves() == world.live_fingerprint());
    CHECK(world.ca.violations().empty());
}

TEST_CASE("the age of a key counts from when it was made ahead") {
    World world;
    world.start(with_next_key());
    world.run_for(minutes(1));
    const Time made = world.engine->store.load_next_keys(name_of("example.com")).value().front().created;
    world.run_for(days(40));
    REQUIRE(world.renew({true, false}));
    CHECK(world.lineage().live->key_created == made);
}

TEST_CASE("a lineage that asks for it only now has its next key soon, and loses none by not asking any more") {
    World world;
    world.start();
    world.run_for(days(1));
    CHECK(world.engine->store.load_next_keys(name_of("example.com")).value().empty());
    world.reload(with_next_key());
    world.run_for(seconds(1));
    const std::string ahead = next_key(world);
    CHECK(world.count(EventType::next_key_made) == 1);
    world.reload(usual_config());
    REQUIRE(world.renew({true, false}));
    CHECK(key_of(world, 2) != ahead);
    world.reload(with_next_key());
    REQUIRE(world.renew({true, false}));
    CHECK(key_of(world, 3) == ahead);
}

TEST_CASE("a change of the key's type makes a new next key") {
    World world;
    world.start(with_next_key());
    world.run_for(minutes(1));
    world.reload(with_next_key(", key: ecdsa-p384"));
    world.run_for(minutes(5));
    REQUIRE(world.lineage().state.live == VersionNumber{2});
    CHECK(PrivateKey::from_pem(key_of(world, 2))->type() == KeyType::ecdsa_p384);
    CHECK(PrivateKey::from_pem(next_key(world))->type() == KeyType::ecdsa_p384);
}

TEST_CASE("of two keys each has its own next one") {
    World world;
    world.start(with_next_key(", keys: [ecdsa-p256, rsa-2048]"));
    world.run_for(minutes(1));
    const auto ahead = world.engine->store.load_next_keys(name_of("example.com")).value();
    REQUIRE(ahead.size() == 2);
    REQUIRE(world.renew({true, false}));
    const VersionFiles files = world.engine->store.read_version(name_of("example.com"), {2}).value();
    CHECK(files.privkey == ahead[0].key_pem);
    CHECK(files.further.at(KeyType::rsa_2048).privkey == ahead[1].key_pem);
}

TEST_CASE("when the live key was compromised the next one takes its place") {
    World world;
    world.start(with_next_key());
    world.run_for(minutes(1));
    const std::string ahead = next_key(world);
    DaemonOperations operations(*world.engine, "", nullptr, nullptr);
    REQUIRE(world.drive(operations.revoke(name_of("example.com"), {0, "key-compromise"}, "uid 0: revoke")));
    SECTION("by itself") {
        world.run_for(minutes(2));
    }
    SECTION("by hand") {
        REQUIRE(world.renew({true, false}));
    }
    REQUIRE(world.lineage().state.live == VersionNumber{2});
    CHECK(key_of(world, 2) == ahead);
    CHECK(next_key(world) != ahead);
}

TEST_CASE("a next key that was compromised is in no further version, not even by an order that had it") {
    World world;
    world.start(with_next_key());
    world.run_for(minutes(1));
    const std::string ahead = next_key(world);
    world.ca.fail_next(acme::RequestKind::finalize, problem_answer(500, "serverInternal"));
    CHECK_FALSE(world.renew({true, false}));
    REQUIRE(world.engine->store.load_order(name_of("example.com")).value().value().key_pem == ahead);
    REQUIRE(world.engine->store.burn_key(sha256_hex(PrivateKey::from_pem(ahead)->public_key_der())));
    REQUIRE(world.renew({true, false}));
    CHECK(key_of(world, 2) != ahead);
    CHECK(next_key(world) != ahead);
}

TEST_CASE("an order that was cut short is gone on with, with the next key that it has") {
    World world;
    world.start(with_next_key());
    world.run_for(minutes(1));
    const std::string ahead = next_key(world);
    const std::size_t orders = world.ca.orders();
    world.ca.fail_next(acme::RequestKind::finalize, problem_answer(500, "serverInternal"));
    CHECK_FALSE(world.renew({true, false}));
    CHECK(next_key(world) == ahead);
    world.restart(with_next_key());
    REQUIRE(world.renew({true, false}));
    CHECK(key_of(world, 2) == ahead);
    CHECK(world.ca.orders() == orders + 1);
}

TEST_CASE("a dry run leaves the next key alone and does not show it to anybody") {
    World world;
    world.start(with(with_next_key(), "cas: [main],", "cas: [main], dry_run_ca: other,"));
    world.run_for(minutes(1));
    const std::string ahead = next_key(world);
    Bytes certified;
    world.other_ca.knobs.tamper = [&](acme::RequestKind kind, HttpResponse& response) {
        if (kind == acme::RequestKind::certificate) certified = parse_chain(response.body)->front().public_key_der();
    };
    REQUIRE(world.renew({false, true}));
    CHECK_FALSE(certified.empty());
    CHECK(certified != PrivateKey::from_pem(ahead)->public_key_der());
    CHECK(next_key(world) == ahead);
}

TEST_CASE("damaged next keys are told of and replaced, and cost no renewal") {
    World world;
    world.start(with_next_key());
    world.run_for(minutes(1));
    const std::string ahead = next_key(world);
    world.files.overwrite("/state/lineages/example.com/next-keys.json", "damage");
    REQUIRE(world.renew({true, false}));
    CHECK(key_of(world, 2) != ahead);
    const auto told = std::find_if(world.events.begin(), world.events.end(), [](const Event& event) {
        return event.type == EventType::next_key_made && event.problem;
    });
    REQUIRE(told != world.events.end());
    CHECK(told->problem->code == "storage.corrupt");
    CHECK(told->message ==
          "Made the next key: ecdsa-p256; `certctl status example.com` shows its pin, the pin published before is of "
          "no use any more");
}

TEST_CASE("a next key that cannot be stored keeps no certificate from service and is made later") {
    World world;
    world.start();
    world.run_for(days(1));
    FaultPlan full;
    full.code = "storage.full";
    full.fail_at = GENERATE(range(0, 12));
    world.files.plan(full);
    world.reload(with_next_key());
    world.run_for(seconds(5));
    world.files.plan({});
    world.run_for(minutes(11));
    CHECK(PrivateKey::from_pem(next_key(world)));
    CHECK(world.service.serves() == world.live_fingerprint());
    CHECK(world.plan().health == Health::ok);
}

TEST_CASE("after a crash at any operation of a renewal the next key is in exactly one version") {
    for (std::size_t operation = 0;; ++operation) {
        CAPTURE(operation);
        World world;
        world.start(with_next_key());
        world.run_for(minutes(1));
        const std::string ahead = next_key(world);
        FaultPlan plan;
        plan.crash_at = operation;
        world.files.plan(plan);
        world.host.on_operation = [&](std::size_t) {
            if (world.files.fired()) throw SimulatedCrash{};
        };
        REQUIRE(world.scheduler().renew(name_of("example.com"), {true, false}));
        world.run_for(minutes(5));
        const bool crashed = world.files.fired();
        world.kill();
        world.files.plan({});
        world.host.on_operation = nullptr;
        world.start(with_next_key());
        world.run_for(minutes(10));
        if (world.lineage().state.live == VersionNumber{1}) REQUIRE(world.renew({true, false}));
        CHECK(world.lineage().state.live == VersionNumber{2});
        CHECK(key_of(world, 2) == ahead);
        const std::string after = next_key(world);
        CHECK(after != ahead);
        REQUIRE(world.renew({true, false}));
        CHECK(key_of(world, 3) == after);
        CHECK(next_key(world) != after);
        CHECK(world.service.serves() == world.live_fingerprint());
        CHECK(world.ca.orders() <= 4);
        if (!crashed) break;
    }
}
