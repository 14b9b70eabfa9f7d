// Keys that are used for more than one version.
#include "daemon/app/operations.hpp"
#include "libacme/crypto/digest.hpp"
#include "tests/flow/world.hpp"
#include "tests/support/catch.hpp"

using namespace certd;
using namespace certd::test;

namespace {

std::string with_reuse(const std::string& age) {
    return with(usual_config(), "targets: [web] }", "targets: [web], reuse_key: { max_age: " + age + " } }");
}

std::string key_of(World& world, std::uint32_t version) {
    return world.engine->store.read_version(name_of("example.com"), {version}).value().privkey;
}

std::string rsa_key_of(World& world, std::uint32_t version) {
    auto files = world.engine->store.read_version(name_of("example.com"), {version}).value();
    return files.further.at(KeyType::rsa_2048).privkey;
}

}  // namespace

TEST_CASE("without reuse_key every version has a key of its own") {
    World world;
    world.start();
    world.run_for(minutes(1));
    REQUIRE(world.renew({true, false}));
    CHECK(key_of(world, 1) != key_of(world, 2));
    CHECK(world.lineage().live->key_created);
}

TEST_CASE("a key is used again until it has reached its age, over restarts, counted from when it was made") {
    World world;
    world.start(with_reuse("200d"));
    world.run_for(minutes(1));
    Time born = *world.lineage().live->key_created;
    // Renewed after about 60, 120, 180 and 240 days.
    for (int version = 2; version <= 5; ++version) {
        world.run_for(days(61));
        world.restart(with_reuse("200d"));
        world.run_for(minutes(1));
        REQUIRE(world.lineage().state.live == VersionNumber{static_cast<std::uint32_t>(version)});
        CHECK((key_of(world, 1) == key_of(world, static_cast<std::uint32_t>(version))) == (version < 5));
        CHECK((world.lineage().live->key_created == born) == (version < 5));
    }
    CHECK(world.lineage().live->key_created > born + days(200));
    CHECK(world.service.serves() == world.live_fingerprint());
    CHECK(world.ca.violations().empty());
}

TEST_CASE("a key that was compromised is not used again, whatever its age, nor are the other versions that have it") {
    World world;
    world.start(with_reuse("1000d"));
    world.run_for(minutes(1));
    REQUIRE(world.renew({true, false}));
    REQUIRE(key_of(world, 1) == key_of(world, 2));
    DaemonOperations operations(*world.engine, "", nullptr, nullptr);
    Result<api::JobResult> revoked =
        world.drive(operations.revoke(name_of("example.com"), {0, "key-compromise"}, "uid 0: revoke"));
    REQUIRE(revoked);
    CHECK(revoked->message ==
          "Version 2 is revoked at main; with the same key are 1, which are not deployed again: revoke them as well");
    world.run_for(minutes(2));
    CHECK(world.lineage().state.live == VersionNumber{3});
    CHECK(key_of(world, 3) != key_of(world, 2));
    Result<JobOutcome> back = world.roll_back(1);
    REQUIRE_FALSE(back);
    CHECK(back.error().code == "control.versionRejected");
    REQUIRE(world.renew({true, false}));
    CHECK(key_of(world, 3) == key_of(world, 4));
}

TEST_CASE("a key that is revoked while its order is on the way gets no version") {
    World world;
    world.start(with_reuse("1000d"));
    world.run_for(minutes(1));
    PrivateKey key = PrivateKey::from_pem(key_of(world, 1)).value();
    world.ca.knobs.intercept = [&](std::size_t, acme::RequestKind kind) -> std::optional<Fault> {
        if (kind == acme::RequestKind::finalize)
            REQUIRE(world.engine->store.burn_key(sha256_hex(key.public_key_der())));
        return std::nullopt;
    };
    Result<JobOutcome> renewed = world.renew({true, false});
    REQUIRE_FALSE(renewed);
    CHECK(renewed.error().code == "crypto.keyCompromised");
    CHECK(world.lineage().state.live == VersionNumber{1});
    world.run_for(minutes(5));
    REQUIRE(world.lineage().state.live == VersionNumber{2});
    CHECK(key_of(world, 2) != key_of(world, 1));
    CHECK(world.service.serves() == world.live_fingerprint());
}

TEST_CASE("a dry run does not show the key in use to anybody, and a version whose files are damaged gives none") {
    World world;
    world.start(with_reuse("1000d"));
    world.run_for(minutes(1));
    std::string first = key_of(world, 1);
    std::size_t certificates = world.ca.certificates();
    SECTION("dry run") {
        world.reload(with(with_reuse("1000d"), "cas: [main],", "cas: [main], dry_run_ca: other,"));
        Bytes in_use = PrivateKey::from_pem(first)->public_key_der(), certified;
        world.other_ca.knobs.tamper = [&](acme::RequestKind kind, HttpResponse& response) {
            if (kind == acme::RequestKind::certificate)
                certified = parse_chain(response.body)->front().public_key_der();
        };
        REQUIRE(world.renew({false, true}));
        CHECK_FALSE(certified.empty());
        CHECK(certified != in_use);
        CHECK(world.ca.certificates() == certificates);
    }
    SECTION("damage") {
        world.files.overwrite("/state/lineages/example.com/versions/0001/chain.pem", "damage");
        REQUIRE(world.renew({true, false}));
        CHECK(key_of(world, 2) != first);
    }
}

TEST_CASE("of two keys each has its own age") {
    World world;
    world.service.add_rsa("/etc/ssl/web/rsa.pem", "/etc/ssl/web/rsa.key");
    std::string one = with_reuse("10d");
    std::string two =
        with(with(one, "    test: [service, test]",
                  "      - { part: fullchain, path: /etc/ssl/web/rsa.pem, key: rsa-2048 }\n      - { part: "
                  "privkey, path: /etc/ssl/web/rsa.key, key: rsa-2048 }\n    test: [service, test]"),
             "reuse_key:", "keys: [ecdsa-p256, rsa-2048], reuse_key:");
    world.start(one);
    world.run_for(days(5));
    world.reload(two);
    world.run_for(minutes(5));
    REQUIRE(world.lineage().state.live == VersionNumber{2});
    CHECK(key_of(world, 2) == key_of(world, 1));
    std::string rsa = rsa_key_of(world, 2);
    // The ECDSA key is 11 days old then, the RSA key 6.
    world.run_for(days(6));
    world.restart(two);
    REQUIRE(world.renew({true, false}));
    std::uint32_t live = world.lineage().state.live.value;
    CHECK(rsa_key_of(world, live) == rsa);
    CHECK(world.lineage().live->further.at(0).key_created < *world.lineage().live->key_created);
    CHECK(world.service.serves() == world.live_fingerprint());
}

TEST_CASE("an order begun with the old key is given up when keys are no longer to be used again") {
    World world;
    world.start(with_reuse("1000d"));
    world.run_for(minutes(1));
    world.ca.fail_next(acme::RequestKind::finalize, problem_answer(500, "serverInternal"));
    CHECK_FALSE(world.renew({true, false}));
    CHECK(world.engine->store.load_order(name_of("example.com")).value().value().key_pem == key_of(world, 1));
    world.restart();
    REQUIRE(world.renew({true, false}));
    CHECK(key_of(world, 2) != key_of(world, 1));
}

TEST_CASE("an order begun with a new key is gone on with whatever becomes of reuse_key") {
    World world;
    world.ca.fail_next(acme::RequestKind::finalize, problem_answer(500, "serverInternal"));
    world.start(with_reuse("1000d"));
    world.run_for(seconds(20));
    REQUIRE_FALSE(world.lineage().newest);
    std::string key = world.engine->store.load_order(name_of("example.com")).value().value().key_pem;
    world.restart();
    world.run_for(hours(1));
    CHECK(key_of(world, 1) == key);
    CHECK(world.ca.orders() == 1);
}

TEST_CASE("a change of the key's type makes a new key") {
    World world;
    world.start(with_reuse("1000d"));
    world.run_for(minutes(1));
    world.reload(with(with_reuse("1000d"), "targets: [web],", "targets: [web], key: ecdsa-p384,"));
    world.run_for(minutes(2));
    CHECK(world.lineage().state.live == VersionNumber{2});
    CHECK(PrivateKey::from_pem(key_of(world, 2))->type() == KeyType::ecdsa_p384);
}

TEST_CASE("after a crash at any operation an order with the old key is told from one that is over") {
    for (std::size_t operation = 0;; ++operation) {
        CAPTURE(operation);
        World world;
        world.start(with_reuse("1000d"));
        world.run_for(minutes(1));
        FaultPlan plan;
        plan.crash_at = operation;
        world.files.plan(plan);
        world.host.on_operation = [&](std::size_t) {
            if (world.files.fired()) throw SimulatedCrash{};
        };
        REQUIRE(world.scheduler().renew(name_of("example.com"), {true, false}));
        world.run_for(minutes(5));
        bool crashed = world.files.fired();
        world.kill();
        world.files.plan({});
        world.host.on_operation = nullptr;
        if (!crashed) break;
        world.start(with_reuse("1000d"));
        world.run_for(minutes(10));
        CHECK(world.service.serves() == world.live_fingerprint());
        CHECK(world.plan().state == State::waiting);
        std::uint32_t live = world.lineage().state.live.value;
        CHECK(key_of(world, live) == key_of(world, 1));
        CHECK(world.ca.orders() <= 3);
    }
}
