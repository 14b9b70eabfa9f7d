// Accounts made by other clients, and what becomes of one that is lost or suspended.
#include "daemon/app/operations.hpp"
#include "libacme/crypto/digest.hpp"
#include "libacme/protocol/session.hpp"
#include "tests/flow/world.hpp"
#include "tests/support/catch.hpp"

using namespace certd;
using namespace certd::test;
using acme::RequestKind;

namespace {

config::Ca main_ca(World& world) {
    return world.scheduler().config().cas.at({"main"});
}

// Another client registers a key at the CA.
std::string registered_key(World& world) {
    PrivateKey key = PrivateKey::generate(KeyType::ecdsa_p256);
    acme::SessionOptions options;
    options.ca = "main";
    options.directory = world.ca.directory_url();
    options.user_agent = "other client";
    acme::Session session(options, world.ca, world.clock);
    (void)world.drive(session.find_or_create_account(key, {{"mailto:old@example.com"}, true, false}));
    return key.pem();
}

// "none", the code of the Failure, or "crash".
std::string import(World& world, const std::string& key) {
    try {
        (void)world.drive(world.engine->clients.import_account(main_ca(world), key));
    } catch (const Failure& failure) {
        return failure.problem().code;
    } catch (const SimulatedCrash&) {
        return "crash";
    }
    return "none";
}

std::string stored_thumbprint(World& world) {
    auto stored = world.engine->store.load_account({"main"}).value();
    return stored ? PrivateKey::from_pem(stored->key_pem)->thumbprint() : "";
}

std::string thumbprint_of(const std::string& pem) {
    return PrivateKey::from_pem(pem)->thumbprint();
}

// Nothing is due by itself.
std::string idle_config() {
    return with(usual_config(), "lineages:\n  example.com: { names: [example.com, www.example.com], targets: [web] }",
                "lineages: {}");
}

Result<api::JobResult> revoke(World& world, api::RevokeRequest request) {
    DaemonOperations operations(*world.engine, "", nullptr, nullptr);
    return world.drive(operations.revoke(name_of("example.com"), std::move(request), "uid 0: revoke"));
}

}  // namespace

TEST_CASE("the account of another client is taken over, and its contacts follow the configuration") {
    World world;
    std::string key = registered_key(world);
    world.start(idle_config());
    REQUIRE(import(world, key) == "none");
    CHECK(stored_thumbprint(world) == thumbprint_of(key));
    CHECK(import(world, key) == "none");
    world.restart(usual_config());
    world.run_for(minutes(1));
    CHECK(world.lineage().state.live == VersionNumber{1});
    CHECK(world.ca.accounts() == 1);
    CHECK(world.ca.contacts(0) == std::vector<std::string>{"mailto:ops@example.com"});
    CHECK(world.ca.violations().empty());
}

TEST_CASE("an import is refused while there is another account, and when the CA does not know the key") {
    World world;
    std::string key = registered_key(world);
    world.start();
    world.run_for(minutes(1));
    std::string before = stored_thumbprint(world);
    CHECK(import(world, key) == "control.accountExists");
    CHECK(stored_thumbprint(world) == before);
    REQUIRE(world.renew({true, false}));

    world.drive(world.engine->clients.deactivate(main_ca(world)));
    CHECK(import(world, PrivateKey::generate(KeyType::ecdsa_p256).pem()) == "acme.accountDoesNotExist");
    CHECK(stored_thumbprint(world).empty());
    CHECK(import(world, "no key at all") == "crypto.keyMalformed");
    CHECK(import(world, key) == "none");
    REQUIRE(world.renew({true, false}));
    CHECK(world.ca.accounts() == 2);
}

TEST_CASE("an import waits for no renewal that uses the account") {
    World world;
    std::string key = registered_key(world);
    world.ca.knobs.validation_time = minutes(5);
    world.start();
    world.run_for(minutes(1));
    CHECK(import(world, key) == "control.busy");
    world.run_for(minutes(10));
    CHECK(world.lineage().state.live == VersionNumber{1});
}

TEST_CASE("a key that was stored without an account goes aside for an imported one") {
    World world;
    std::string key = registered_key(world);
    world.start(idle_config());
    std::string own = PrivateKey::generate(KeyType::ecdsa_p256).pem();
    REQUIRE(world.engine->store.save_account_key({"main"}, "https://ca.test/dir", own));
    REQUIRE(import(world, key) == "none");
    CHECK(stored_thumbprint(world) == thumbprint_of(key));
    CHECK(world.files.inspect("/state/accounts/main/key.pem.old-1")->kind == FileStatus::Kind::file);
}

TEST_CASE("after a crash at any operation of an import either nothing has changed or the account is there") {
    bool key_before = GENERATE(false, true);
    for (std::size_t operation = 0;; ++operation) {
        CAPTURE(operation);
        World world;
        std::string key = registered_key(world);
        std::string own = PrivateKey::generate(KeyType::ecdsa_p256).pem();
        world.start(idle_config());
        if (key_before) {
            REQUIRE(world.engine->store.save_account_key({"main"}, "https://ca.test/dir", own));
        }
        FaultPlan plan;
        plan.crash_at = operation;
        world.files.plan(plan);
        std::string ended = import(world, key);
        bool crashed = world.files.fired();
        world.kill();
        world.files.plan({});
        world.start(idle_config());
        std::string now = stored_thumbprint(world);
        CHECK((now == thumbprint_of(key) || now == (key_before ? thumbprint_of(own) : "")));
        CHECK(import(world, key) == "none");
        CHECK(stored_thumbprint(world) == thumbprint_of(key));
        CHECK(world.ca.accounts() == 1);
        if (!crashed) {
            CHECK(ended == "none");
            break;
        }
    }
}

TEST_CASE("new terms stop the account's orders over a restart too, until somebody acts (B6)") {
    World world;
    world.start();
    world.run_for(minutes(1));
    world.ca.knobs.terms_changed = true;
    world.ca.knobs.instance = "https://ca.test/agree";
    REQUIRE_FALSE(world.renew({true, false}));
    std::size_t asked = world.ca.count(RequestKind::new_order);
    world.kill();
    world.start();
    auto accounts = world.drive(world.engine->clients.accounts({{"main"}}));
    REQUIRE(accounts.size() == 1);
    REQUIRE(accounts.front().suspended);
    CHECK(accounts.front().suspended->remote.find("https://ca.test/agree") != std::string::npos);
    CHECK(world.renew({true, false}).error().code == "acme.userActionRequired");
    CHECK(world.ca.count(RequestKind::new_order) == asked);

    world.ca.knobs.terms_changed = false;
    SECTION("an operator resumes the lineage") {
        REQUIRE(world.drive(world.scheduler().resume(name_of("example.com"))));
        REQUIRE(world.renew({true, false}));
    }
    SECTION("the configuration of the account changes") {
        world.restart(with(usual_config(), "ops@example.com", "new@example.com"));
        REQUIRE(world.renew({true, false}));
    }
    SECTION("a day passes") {
        world.run_for(days(1) + minutes(1));
        REQUIRE(world.renew({true, false}));
    }
    CHECK(world.ca.count(RequestKind::new_order) == asked + 1);
    CHECK_FALSE(world.drive(world.engine->clients.accounts({{"main"}})).front().suspended);
}

TEST_CASE("a certificate is revoked with its own key when the account is lost, and the key burned") {
    World world;
    world.start();
    world.run_for(minutes(1));
    Result<VersionFiles> files = world.engine->store.read_version(name_of("example.com"), {1});
    std::string key = sha256_hex(parse_chain(files->cert)->front().public_key_der());
    REQUIRE(world.engine->store.forget_account({"main"}));
    world.restart();
    CHECK(revoke(world, {1, "", "somebody"}).error().code == "control.badRequest");
    CHECK_FALSE(world.engine->store.is_burned(key).value());
    std::size_t accounts = world.ca.count(RequestKind::new_account);
    Result<api::JobResult> revoked = revoke(world, {1, "cessation-of-operation", "certificate-key"});
    REQUIRE(revoked);
    CHECK(revoked->outcome == "revoked");
    CHECK(world.ca.revocations() == std::vector<int>{5});
    CHECK(world.ca.count(RequestKind::new_account) == accounts);
    CHECK(world.engine->store.is_burned(key).value());
    CHECK(world.ca.violations().empty());
    REQUIRE(revoke(world, {1, "superseded", "certificate-key"}));
    world.run_for(minutes(1));
    CHECK(world.lineage().state.live == VersionNumber{2});
}

TEST_CASE("the orders that a CA lists for the account are shown, of an account that is there only (B11)") {
    World world;
    world.ca.knobs.lists_orders = true;
    world.start(idle_config());
    DaemonOperations operations(*world.engine, "", nullptr, nullptr);
    CHECK(world.drive(operations.account_orders("main")).error().code == "control.noSuchAccount");
    CHECK(world.ca.accounts() == 0);
    world.reload(usual_config());
    world.run_for(minutes(1));
    for (int i = 0; i < 4; ++i)
        REQUIRE(world.renew({true, false}));
    api::OrderList list = world.drive(operations.account_orders("main")).value();
    CHECK(list.offered);
    CHECK(list.complete);
    CHECK(list.urls.size() == 5);
}

TEST_CASE("a changed profile makes a lineage due, once") {
    World world;
    world.ca.knobs.profiles = {{"classic", "90 days"}, {"tlsserver", "without more"}};
    world.start();
    world.run_for(minutes(1));
    std::string own = with(usual_config(), "targets: [web] }", "targets: [web], profile: tlsserver }");
    world.reload(own);
    CHECK(world.plan().reasons.front() == "profile changed: tlsserver instead of the default");
    world.run_for(minutes(1));
    CHECK(world.ca.profiles_ordered() == std::vector<std::string>{"", "tlsserver"});
    world.restart(own);
    world.run_for(days(1));
    CHECK(world.lineage().state.newest == VersionNumber{2});
    // One that the CA does not advertise is asked for in vain, and once.
    world.reload(with(own, "tlsserver", "nosuch"));
    world.run_for(days(1));
    CHECK(world.lineage().state.newest == VersionNumber{3});
    // The CA's own counts where the lineage has none.
    world.reload(
        with(usual_config(), "contact: [ops@example.com] }", "contact: [ops@example.com], profile: classic }"));
    world.run_for(days(1));
    CHECK(world.ca.profiles_ordered().back() == "classic");
    CHECK(world.lineage().state.newest == VersionNumber{4});
}
