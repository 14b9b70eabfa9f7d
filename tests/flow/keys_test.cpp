// Lives of a lineage with an ECDSA and an RSA certificate side by side.
#include "daemon/app/operations.hpp"
#include "libacme/crypto/digest.hpp"
#include "tests/flow/world.hpp"

#include "tests/support/catch.hpp"

using namespace certd;
using namespace certd::test;

namespace {

constexpr KeyType rsa = KeyType::rsa_2048;
const std::string rsa_certificate = "/etc/ssl/web/rsa.pem", rsa_key = "/etc/ssl/web/rsa.key";

std::string two_keys() {
    std::string steps = "      - { part: privkey, path: /etc/ssl/web/privkey.pem }\n";
    std::string more = "      - { part: fullchain, path: " + rsa_certificate +
                       ", key: rsa-2048 }\n      - { part: privkey, path: " + rsa_key + ", key: rsa-2048 }\n";
    return with(with(usual_config(), steps, steps + more), "targets: [web] }",
                "targets: [web], keys: [ecdsa-p256, rsa-2048] }");
}

struct TwoKeys : World {
    TwoKeys() {
        service.add_rsa(rsa_certificate, rsa_key);
        ca.knobs.reuse_percent = 100;
    }
    // Refuses the second order of each renewal until `allow()`.
    void refuse_second() {
        std::size_t allowed = ca.orders() + 1;
        ca.knobs.intercept = [this, allowed](std::size_t, RequestKind kind) -> std::optional<Fault> {
            if (kind != RequestKind::new_order || ca.orders() < allowed) return std::nullopt;
            return Fault{Fault::Kind::respond, problem_answer(500, "serverInternal", "no more")};
        };
    }
    void allow() { ca.knobs.intercept = nullptr; }
    std::string live_rsa() { return lineage().live ? lineage().live->further.at(0).fingerprint : ""; }
    bool both_served() {
        return !live_rsa().empty() && service.serves() == live_fingerprint() && service.serves_rsa() == live_rsa();
    }
};

}  // namespace

TEST_CASE("one renewal issues a certificate for each key, deploys both as one version and sees both served") {
    TwoKeys world;
    world.start(two_keys());
    world.run_for(minutes(1));
    CHECK(world.lineage().state.live == VersionNumber{1});
    CHECK(world.both_served());
    CHECK(world.ca.orders() == 2);
    CHECK(world.ca.violations().empty());
    CHECK(world.plan().state == State::waiting);
    VersionFiles files = world.engine->store.read_version(name_of("example.com"), {1}).value();
    CHECK(PrivateKey::from_pem(files.further.at(rsa).privkey)->type() == rsa);
    CHECK(world.files.read("/state/live/example.com/rsa-2048/fullchain.pem", 100000) ==
          files.further.at(rsa).fullchain);
    // The names were validated for the first order; the second found them valid.
    CHECK(world.ca.count(RequestKind::challenge) == 2);
    CHECK(world.count(EventType::renewal_issued) == 1);

    std::string first = world.service.serves(), first_rsa = world.service.serves_rsa();
    REQUIRE(world.renew({true, false}));
    CHECK(world.both_served());
    CHECK(world.service.serves_rsa() != first_rsa);
    REQUIRE(world.roll_back());
    CHECK(world.both_served());
    CHECK(world.service.serves() == first);
    CHECK(world.service.serves_rsa() == first_rsa);
}

TEST_CASE("each of the new certificates names the one it replaces, and the CA is asked about each") {
    TwoKeys world;
    world.ca.knobs.renewal_info = true;
    world.start(two_keys());
    world.run_for(hours(1));
    CHECK(world.ca.count(RequestKind::renewal_info) == 2);
    std::string id = certificate_id(world.lineage().live->first()).value();
    std::string id_rsa = certificate_id(world.lineage().live->further.at(0)).value();
    CHECK(world.plan().reasons.at(0).starts_with("the CA suggests a time in its window"));
    REQUIRE(world.renew({true, false}));
    CHECK(world.ca.replaces() == std::vector<std::string>{"", "", id, id_rsa});
    CHECK(world.ca.violations().empty());
    world.restart(two_keys());
    world.run_for(hours(7));
    CHECK(world.ca.count(RequestKind::renewal_info) > 4);
}

TEST_CASE(
    "an order that fails for one key leaves the other's certificate for the next attempt, which orders it no more") {
    TwoKeys world;
    world.refuse_second();
    world.start(two_keys());
    world.run_for(seconds(30));
    CHECK(world.plan().state == State::backing_off);
    CHECK_FALSE(world.lineage().newest);
    CHECK(world.ca.orders() == 1);
    CHECK(world.ca.certificates() == 1);
    SECTION("in the same life") {}
    SECTION("after a kill") {
        world.kill();
        world.start(two_keys());
    }
    SECTION("after days of failing") {
        world.run_for(days(9));
    }
    CHECK(world.ca.orders() == 1);
    world.allow();
    world.run_for(days(2));
    CHECK(world.lineage().state.live == VersionNumber{1});
    CHECK(world.both_served());
    CHECK(world.ca.orders() == 2);
    CHECK(world.ca.certificates() == 2);
    CHECK_FALSE(world.engine->store.load_order(name_of("example.com")).value());
    CHECK_FALSE(world.engine->store.load_order(name_of("example.com"), rsa).value());
}

TEST_CASE("a certificate kept for another attempt is let go of when half of its life is over or the names change") {
    TwoKeys world;
    world.refuse_second();
    world.start(two_keys());
    world.run_for(minutes(30));
    CHECK(world.ca.orders() == 1);
    SECTION("by time") {
        world.run_for(days(46));
    }
    SECTION("by another set of names") {
        world.reload(with(two_keys(), "names: [example.com, www.example.com]", "names: [example.com]"));
        world.run_for(days(2));
    }
    world.allow();
    world.run_for(days(2));
    CHECK(world.both_served());
    CHECK(world.ca.orders() >= 3);
}

TEST_CASE("a failing reload puts both certificates back") {
    TwoKeys world;
    world.start(two_keys());
    world.run_for(minutes(1));
    std::string first = world.service.serves(), first_rsa = world.service.serves_rsa();
    std::string installed = world.host.content(rsa_certificate);
    world.service.config_broken = true;
    CHECK_FALSE(world.renew({true, false}));
    CHECK(world.service.serves() == first);
    CHECK(world.service.serves_rsa() == first_rsa);
    CHECK(world.host.content(rsa_certificate) == installed);
    CHECK(world.lineage().state.live == VersionNumber{1});
    world.service.config_broken = false;
    world.run_for(hours(1));
    CHECK(world.both_served());
    CHECK(world.lineage().state.live == VersionNumber{2});
}

TEST_CASE("an RSA certificate put back behind certd's back is missed on the next look and deployed again") {
    TwoKeys world;
    world.start(two_keys());
    world.run_for(days(1));
    std::string old_certificate = world.host.content(rsa_certificate), old_key = world.host.content(rsa_key);
    REQUIRE(world.renew({true, false}));
    world.host.put(rsa_certificate, old_certificate);
    world.host.put(rsa_key, old_key);
    world.service.start();
    REQUIRE(world.service.serves() == world.live_fingerprint());
    REQUIRE_FALSE(world.both_served());
    world.run_for(hours(13));
    CHECK(world.count(EventType::served_lost) == 1);
    CHECK(world.both_served());
    CHECK(world.lineage().state.live == VersionNumber{2});
}

TEST_CASE("a key added to a lineage, and one taken away, lead to a new version") {
    TwoKeys world;
    std::string one = with(two_keys(), "keys: [ecdsa-p256, rsa-2048]", "key: rsa-2048");
    world.host.put("/etc/ssl/web/rsa.pem", "");
    world.start(with(two_keys(), ", keys: [ecdsa-p256, rsa-2048]", ", keys: [rsa-2048, ecdsa-p256]"));
    world.run_for(minutes(1));
    CHECK(world.lineage().state.live == VersionNumber{1});
    world.reload(two_keys());
    world.run_for(minutes(2));
    CHECK(world.lineage().state.live == VersionNumber{2});
    CHECK(world.lineage().live->key_type == KeyType::ecdsa_p256);
    world.reload(one);
    world.run_for(minutes(2));
    CHECK(world.lineage().state.live == VersionNumber{3});
    CHECK(world.lineage().live->further.empty());
    CHECK(world.lineage().live->key_type == rsa);
}

TEST_CASE("revoking a version revokes the certificates of all of its keys") {
    TwoKeys world;
    world.start(two_keys());
    world.run_for(minutes(1));
    VersionFiles files = world.engine->store.read_version(name_of("example.com"), {1}).value();
    DaemonOperations operations(*world.engine, "", nullptr, nullptr);
    REQUIRE(world.drive(operations.revoke(name_of("example.com"), {0, "key-compromise"}, "uid 0: revoke")));
    CHECK(world.ca.revocations() == std::vector<int>{1, 1});
    for (const std::string& pem : {files.privkey, files.further.at(rsa).privkey}) {
        PrivateKey key = PrivateKey::from_pem(pem).value();
        CHECK(world.engine->store.is_burned(sha256_hex(key.public_key_der())).value());
    }
    world.run_for(minutes(2));
    CHECK(world.lineage().state.live == VersionNumber{2});
    CHECK(world.both_served());
}

// A key of RSA takes its time, so the operations are shared out among test cases.
namespace {

void crash_at_every(std::size_t stride, std::size_t first) {
    for (std::size_t operation = first;; operation += stride) {
        CAPTURE(operation);
        TwoKeys world;
        REQUIRE(world.files.change(change::MakeDirectory{"/state", 0700}));
        FaultPlan plan;
        plan.crash_at = operation;
        world.files.plan(plan);
        world.host.on_operation = [&](std::size_t) {
            if (world.files.fired()) throw SimulatedCrash{};
        };
        bool crashed = false;
        try {
            world.start(two_keys());
            world.run_for(minutes(5));
        } catch (const SimulatedCrash&) {}
        crashed = world.files.fired();
        world.kill();
        world.files.plan({});
        world.host.on_operation = nullptr;
        if (!crashed) break;
        std::size_t orders = world.ca.orders();
        world.start(two_keys());
        world.run_for(minutes(15));
        CHECK(world.both_served());
        CHECK(world.engine->store.read_version(name_of("example.com"), world.lineage().state.live));
        CHECK(world.plan().state == State::waiting);
        CHECK(world.ca.orders() <= orders + 2);
        CHECK(world.ca.orders() <= 4);
        CHECK(world.ca.violations().empty());
    }
}

}  // namespace

TEST_CASE("a crash at any operation between two orders is gone on from with at most one more order each: 0 modulo 4") {
    crash_at_every(4, 0);
}
TEST_CASE("a crash at any operation between two orders is gone on from with at most one more order each: 1 modulo 4") {
    crash_at_every(4, 1);
}
TEST_CASE("a crash at any operation between two orders is gone on from with at most one more order each: 2 modulo 4") {
    crash_at_every(4, 2);
}
TEST_CASE("a crash at any operation between two orders is gone on from with at most one more order each: 3 modulo 4") {
    crash_at_every(4, 3);
}
