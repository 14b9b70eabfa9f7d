// Accounts over time, ways of proof that fail, and revocation.
#include "daemon/app/operations.hpp"
#include "libacme/crypto/digest.hpp"
#include "tests/flow/world.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_directory.hpp"

#include <fstream>

#include <sys/stat.h>

using namespace certd;
using namespace certd::test;
using acme::RequestKind;

namespace {

std::string two_ways() {
    return with(with(usual_config(), "challenge: { http-01: {} }", "challenge: { http-01: {}, tls-alpn-01: {} }"),
                "http_challenge:", "tls_challenge: { listen: \"127.0.0.1:5003\" }\nhttp_challenge:");
}

config::Ca main_ca(World& world) {
    return world.scheduler().config().cas.at({"main"});
}

// The code of the Failure of a task; "none" when it succeeds, "crash" when the process died of it.
std::string outcome(World& world, Task<> task) {
    try {
        world.drive(std::move(task));
    } catch (const Failure& failure) {
        return failure.problem().code;
    } catch (const SimulatedCrash&) {
        return "crash";
    }
    return "none";
}

std::string thumbprint(World& world) {
    auto stored = value_or_fail(world.engine->store.load_account({"main"}));
    return value_or_fail(PrivateKey::from_pem(stored->key_pem)).thumbprint();
}

Result<api::JobResult> revoke(World& world, api::RevokeRequest request) {
    DaemonOperations operations(*world.engine, "", nullptr, nullptr);
    try {
        return world.drive(operations.revoke(name_of("example.com"), std::move(request), "uid 0: revoke"));
    } catch (const Failure& failed) {
        return failure(failed.problem());
    }
}

}  // namespace

TEST_CASE("after a way of proof has failed the next attempt begins with the next one, also after a crash") {
    World world;
    world.ca.knobs.validate = [&](const Identifier&, const std::string& type, const std::string& token,
                                  const std::string&) {
        return type == "tls-alpn-01" && world.tls_solver.presented.contains(token);
    };
    world.start(two_ways());
    world.run_for(seconds(30));
    CHECK(world.solver.count("present") == 2);
    CHECK(world.tls_solver.count("present") == 0);
    auto mentions = [&](const std::string& words) {
        for (const std::string& reason : world.plan().reasons) {
            if (reason == words) return true;
        }
        return false;
    };
    CHECK(mentions("tls-alpn-01 is tried next, because http-01 failed"));
    if (GENERATE(false, true)) {
        world.kill();
        world.start(two_ways());
        CHECK(mentions("tls-alpn-01 is tried next, because http-01 failed"));
    }
    world.run_for(minutes(3));
    CHECK(world.solver.count("present") == 2);
    CHECK(world.tls_solver.count("present") == 2);
    CHECK(world.lineage().state.live == VersionNumber{1});
    CHECK(world.tls_solver.presented.empty());
    CHECK(world.lineage().state.attempts.empty());
}

TEST_CASE("names are proven each in its own way in one order") {
    World world;
    world.start(with(with(usual_config(), "targets: [web] }",
                          "targets: [web], name_challenges: { www.example.com: { tls-alpn-01: {} } } }"),
                     "http_challenge:", "tls_challenge: { listen: \"127.0.0.1:5003\" }\nhttp_challenge:"));
    world.run_for(minutes(1));
    REQUIRE(world.solver.count("present") == 1);
    REQUIRE(world.tls_solver.count("present") == 1);
    CHECK(world.solver.calls.front().task.identifier.value == "example.com");
    CHECK(world.tls_solver.calls.front().task.identifier.value == "www.example.com");
    CHECK(world.lineage().state.live == VersionNumber{1});
}

TEST_CASE("changed contacts are sent once") {
    World world;
    world.start();
    world.run_for(minutes(1));
    CHECK(world.ca.count(RequestKind::account) == 0);
    std::string changed = with(usual_config(), "ops@example.com", "new@example.com");
    world.reload(changed);
    REQUIRE(world.renew({true, false}));
    CHECK(world.ca.contacts(0) == std::vector<std::string>{"mailto:new@example.com"});
    CHECK(world.ca.count(RequestKind::account) == 1);
    CHECK(world.count(EventType::account_changed) == 1);
    world.restart(changed);
    REQUIRE(world.renew({true, false}));
    CHECK(world.ca.count(RequestKind::account) == 1);
    CHECK(world.ca.accounts() == 1);
}

TEST_CASE("contacts that the CA refuses are told and do not hold up a renewal") {
    World world;
    world.start();
    world.run_for(minutes(1));
    world.reload(with(usual_config(), "ops@example.com", "new@example.com"));
    world.ca.fail_next(RequestKind::account, problem_answer(400, "invalidContact", "no such domain"));
    REQUIRE(world.renew({true, false}));
    CHECK(world.count(EventType::account_changed) == 1);
    CHECK(world.ca.contacts(0) == std::vector<std::string>{"mailto:ops@example.com"});
}

TEST_CASE("new terms stop every order of the account, alert once and show where to agree (B6, F14)") {
    World world;
    world.start();
    world.run_for(minutes(1));
    world.ca.knobs.terms_changed = true;
    world.ca.knobs.instance = "https://ca.test/agree?account=1";
    std::size_t before = world.ca.count(RequestKind::new_order);
    REQUIRE_FALSE(world.renew({true, false}));
    CHECK(world.count(EventType::account_suspended) == 1);
    CHECK(world.lineage().state.last_problem->remote.find("https://ca.test/agree?account=1") != std::string::npos);

    std::string more = with(usual_config(), "lineages:\n", "lineages:\n  second.example.com: {}\n");
    world.reload(more);
    world.run_for(hours(1));
    CHECK(world.lineage("second.example.com").state.last_problem->code == "acme.userActionRequired");
    CHECK(world.plan("second.example.com").state == State::blocked);
    CHECK(world.ca.count(RequestKind::new_order) == before + 1);
    CHECK(world.count(EventType::account_suspended) == 1);

    world.ca.knobs.terms_changed = false;
    world.run_for(days(2));
    CHECK(world.lineage("second.example.com").state.live == VersionNumber{1});
    CHECK(world.ca.count(RequestKind::new_order) == before + 2);
}

TEST_CASE("an account gets a new key and goes on with it") {
    World world;
    world.start();
    CHECK(outcome(world, world.engine->clients.roll_over(world.scheduler().config().cas.at({"other"}))) ==
          "control.noSuchAccount");
    world.run_for(minutes(1));
    std::string before = thumbprint(world);
    REQUIRE(outcome(world, world.engine->clients.roll_over(main_ca(world))) == "none");
    CHECK(thumbprint(world) != before);
    world.restart();
    REQUIRE(world.renew({true, false}));
    CHECK(world.ca.accounts() == 1);
    CHECK(world.ca.violations().empty());
}

TEST_CASE("a key change whose answer is lost is decided by asking the CA (B9, F06)") {
    World world;
    world.start();
    world.run_for(minutes(1));
    std::string before = thumbprint(world);
    bool arrived = GENERATE(true, false);
    if (arrived) {
        world.ca.lose_response(RequestKind::key_change);
        CHECK(outcome(world, world.engine->clients.roll_over(main_ca(world))) == "none");
        CHECK(thumbprint(world) != before);
    } else {
        int first = 0;
        world.ca.knobs.intercept = [&](std::size_t, RequestKind kind) -> std::optional<Fault> {
            if (kind != RequestKind::key_change || first++ > 0) return std::nullopt;
            return Fault{Fault::Kind::refuse, {}};
        };
        CHECK(outcome(world, world.engine->clients.roll_over(main_ca(world))) == "net.connect");
        CHECK(thumbprint(world) == before);
    }
    REQUIRE(world.renew({true, false}));
    CHECK(world.ca.accounts() == 1);
}

TEST_CASE("a key change refused by the CA changes nothing") {
    World world;
    world.start();
    world.run_for(minutes(1));
    std::string before = thumbprint(world);
    world.ca.fail_next(RequestKind::key_change, problem_answer(403, "unauthorized", "not now"));
    CHECK(outcome(world, world.engine->clients.roll_over(main_ca(world))) == "acme.unauthorized");
    CHECK(thumbprint(world) == before);
    REQUIRE(world.renew({true, false}));
    REQUIRE(outcome(world, world.engine->clients.roll_over(main_ca(world))) == "none");
}

TEST_CASE("after a crash at any operation of a key change the account is there with the key the CA knows (B9)") {
    for (std::size_t operation = 0;; ++operation) {
        CAPTURE(operation);
        World world;
        world.start();
        world.run_for(minutes(1));
        FaultPlan plan;
        plan.crash_at = operation;
        world.files.plan(plan);
        std::string ended = outcome(world, world.engine->clients.roll_over(main_ca(world)));
        bool crashed = world.files.fired();
        world.kill();
        world.files.plan({});
        world.start();
        REQUIRE(world.renew({true, false}));
        CHECK(world.ca.accounts() == 1);
        CHECK(world.ca.violations().empty());
        REQUIRE(outcome(world, world.engine->clients.roll_over(main_ca(world))) == "none");
        REQUIRE(world.renew({true, false}));
        if (!crashed) {
            CHECK(ended == "none");
            break;
        }
    }
}

TEST_CASE("an account that was deactivated is replaced by a new one with a new key") {
    World world;
    world.start();
    world.run_for(minutes(1));
    std::string before = thumbprint(world);
    REQUIRE(outcome(world, world.engine->clients.deactivate(main_ca(world))) == "none");
    CHECK(outcome(world, world.engine->clients.deactivate(main_ca(world))) == "control.noSuchAccount");
    REQUIRE(world.renew({true, false}));
    CHECK(world.ca.accounts() == 2);
    CHECK(thumbprint(world) != before);
}

TEST_CASE("the account's key is not changed while a renewal depends on it") {
    World world;
    world.start();
    world.run_for(minutes(1));
    world.ca.knobs.validation_time = minutes(5);
    REQUIRE(world.scheduler().renew(name_of("example.com"), {true, false}));
    world.run_for(minutes(1));
    CHECK(outcome(world, world.engine->clients.roll_over(main_ca(world))) == "control.busy");
    CHECK(world.ca.count(RequestKind::key_change) == 0);
    world.run_for(minutes(10));
    CHECK(outcome(world, world.engine->clients.roll_over(main_ca(world))) == "none");
}

TEST_CASE("a compromised key is burned before the CA is asked, and its certificate replaced at once") {
    World world;
    world.start();
    world.run_for(minutes(1));
    Result<VersionFiles> files = world.engine->store.read_version(name_of("example.com"), {1});
    std::string key = sha256_hex(parse_chain(files->cert)->front().public_key_der());
    world.ca.lose_response(RequestKind::revoke);
    CHECK(revoke(world, {0, "key-compromise"}).error().code == "net.closed");
    CHECK(world.engine->store.is_burned(key).value());

    Result<api::JobResult> revoked = revoke(world, {0, "key-compromise"});
    REQUIRE(revoked);
    CHECK(revoked->outcome == "revoked");
    CHECK(revoked->version == 1);
    CHECK(world.ca.revocations() == std::vector<int>{1});
    world.run_for(minutes(1));
    CHECK(world.lineage().state.live == VersionNumber{2});
    CHECK(world.service.serves() == world.live_fingerprint());
    CHECK(world.lineage().state.rejected == std::vector<VersionNumber>{{1}});
    CHECK(world.roll_back().error().code == "control.noSuchVersion");
}

TEST_CASE("an old version and an end of use are revoked without a new certificate") {
    World world;
    world.start();
    world.run_for(minutes(1));
    REQUIRE(world.renew({true, false}));
    REQUIRE(revoke(world, {1, "superseded"}));
    world.run_for(minutes(1));
    CHECK(world.lineage().state.newest == VersionNumber{2});
    REQUIRE(revoke(world, {2, "cessation-of-operation"}));
    REQUIRE(revoke(world, {2, "cessation-of-operation"}));
    world.run_for(minutes(1));
    CHECK(world.lineage().state.newest == VersionNumber{2});
    CHECK(world.ca.revocations() == std::vector<int>{4, 5});
    CHECK(world.count(EventType::version_revoked) == 3);
}

TEST_CASE("what cannot be revoked is a clear problem") {
    World world;
    world.start();
    CHECK(revoke(world, {0, ""}).error().code == "control.noSuchVersion");
    world.run_for(minutes(1));
    CHECK(revoke(world, {7, ""}).error().code == "control.noSuchVersion");
    Result<api::JobResult> wrong = revoke(world, {1, "because"});
    CHECK(wrong.error().code == "control.badRequest");
    CHECK(wrong.error().what.find("key-compromise") != std::string::npos);
    CHECK(world.ca.count(RequestKind::revoke) == 0);
}

TEST_CASE("an order in progress whose key was burned is not gone on with") {
    World world;
    world.start();
    world.run_for(minutes(1));
    world.ca.knobs.issuance_time = hours(2);
    REQUIRE(world.scheduler().renew(name_of("example.com"), {true, false}));
    world.run_for(minutes(1));
    auto order = world.engine->store.load_order(name_of("example.com")).value();
    REQUIRE(order);
    world.kill();
    world.ca.knobs.issuance_time = {};
    world.start();
    world.engine->scheduler.plan_of(*world.scheduler().find(name_of("example.com")));
    std::string key = sha256_hex(value_or_fail(PrivateKey::from_pem(order->key_pem)).public_key_der());
    REQUIRE(world.engine->store.burn_key(key));
    world.run_for(hours(3));
    REQUIRE(world.renew({true, false}));
    Result<VersionFiles> files = world.engine->store.read_version(name_of("example.com"), world.lineage().state.live);
    CHECK(files->privkey != order->key_pem);
}

TEST_CASE("an external binding is spent once, however often the CA's answer is lost, also over a restart (B7)") {
    TempDirectory directory;
    auto file = directory.path() / "mac";
    std::ofstream(file) << base64url(ByteView(Bytes(32, 7))) << "=\n";
    REQUIRE(::chmod(file.c_str(), 0600) == 0);
    std::string text =
        with(usual_config(), "contact: [ops@example.com] }",
             "contact: [ops@example.com], external_account: { kid: good, mac_key_file: " + file.string() + " } }");
    World world;
    world.ca.knobs.external_account_required = true;
    world.ca.knobs.external_keys = {{"good", Bytes(32, 7)}};
    world.ca.lose_response(RequestKind::new_account, 2);
    world.start(text);
    world.run_for(seconds(10));
    CHECK(world.lineage().state.last_problem->code == "net.closed");
    CHECK(world.ca.accounts() == 1);
    if (GENERATE(false, true)) {
        world.kill();
        world.start(text);
    }
    world.run_for(hours(1));
    CHECK(world.ca.accounts() == 1);
    CHECK(world.lineage().state.live == VersionNumber{1});
    CHECK(world.ca.violations().empty());
}

TEST_CASE("a MAC key that cannot be read is told before the CA is asked, and mended by the file") {
    TempDirectory directory;
    auto file = directory.path() / "mac";
    std::string text =
        with(usual_config(), "contact: [ops@example.com] }",
             "contact: [ops@example.com], external_account: { kid: good, mac_key_file: " + file.string() + " } }");
    World world;
    world.ca.knobs.external_account_required = true;
    world.ca.knobs.external_keys = {{"good", Bytes(32, 7)}};
    world.start(text);
    world.run_for(minutes(1));
    CHECK(world.lineage().state.last_problem->code == "storage.missing");
    CHECK(world.ca.count(RequestKind::new_account) <= 1);
    std::ofstream(file) << base64url(ByteView(Bytes(32, 7)));
    REQUIRE(::chmod(file.c_str(), 0600) == 0);
    REQUIRE(world.renew({true, false}));
    CHECK(world.ca.accounts() == 1);
}
