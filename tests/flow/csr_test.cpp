// Lineages whose key certd does not have: issued for a certificate request of the operator.
#include "libacme/crypto/csr.hpp"
#include "daemon/app/operations.hpp"
#include "libacme/crypto/digest.hpp"
#include "libacme/crypto/pem.hpp"
#include "tests/flow/world.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_directory.hpp"

#include <filesystem>
#include <fstream>

using namespace certd;
using namespace certd::test;

namespace {

Identifier domain(const std::string& name) {
    return {Identifier::Type::dns, name};
}

// The operator: has the key, writes the request, and puts the key where the service reads it.
struct Operator : World {
    TempDirectory directory;
    std::filesystem::path file = directory.path() / "example.csr";
    PrivateKey key = PrivateKey::generate(KeyType::ecdsa_p256);

    Operator() { write({domain("example.com"), domain("www.example.com")}); }
    void write(const std::vector<Identifier>& names) {
        std::ofstream out(file, std::ios::trunc);
        out << pem_block("CERTIFICATE REQUEST", make_csr(key, names));
        out.close();
        std::filesystem::permissions(file, std::filesystem::perms(0644));
        host.put("/etc/ssl/web/privkey.pem", key.pem());
    }
    void change_key() { key = PrivateKey::generate(KeyType::ecdsa_p384); }
    std::string config(const std::string& more = "") const {
        std::string text = with(usual_config(), "      - { part: privkey, path: /etc/ssl/web/privkey.pem }\n", "");
        return with(text, "names: [example.com, www.example.com],",
                    "names: [example.com, www.example.com" + more + "], csr: " + file.string() + ",");
    }
    bool is_for_key() {
        auto files = engine->store.read_version(name_of("example.com"), lineage().state.live).value();
        return files.privkey.empty() && parse_chain(files.cert)->front().public_key_der() == key.public_key_der();
    }
};

}  // namespace

TEST_CASE("a certificate is issued, deployed and served for the names and the key of a request") {
    Operator world;
    world.start(world.config());
    world.run_for(minutes(1));
    CHECK(world.lineage().state.live == VersionNumber{1});
    CHECK(world.is_for_key());
    CHECK(world.service.serves() == world.live_fingerprint());
    CHECK(world.files.inspect("/state/live/example.com/privkey.pem")->kind == FileStatus::Kind::missing);
    CHECK(world.plan().state == State::waiting);
    Time at = world.plan().at;

    world.restart(world.config());
    CHECK(world.events.empty());
    CHECK(world.plan().at == at);
    REQUIRE(world.renew({true, false}));
    CHECK(world.is_for_key());
    CHECK(world.service.serves() == world.live_fingerprint());
    REQUIRE(world.roll_back());
    CHECK(world.service.serves() == world.live_fingerprint());
    CHECK(world.ca.violations().empty());
}

TEST_CASE("a changed request makes the lineage due, and its key is the one that counts from then on") {
    Operator world;
    world.start(world.config());
    world.run_for(minutes(1));
    world.change_key();
    world.write({domain("example.com"), domain("www.example.com"), domain("new.example.com")});
    world.reload(world.config(", new.example.com"));
    CHECK(world.plan().reasons.at(0) == "names changed: + new.example.com");
    CHECK(world.plan().reasons.at(1) == "the certificate request is for another key");
    world.run_for(minutes(2));
    CHECK(world.lineage().state.live == VersionNumber{2});
    CHECK(world.lineage().live->names.size() == 3);
    CHECK(world.lineage().live->key_type == KeyType::ecdsa_p384);
    CHECK(world.is_for_key());
    // The same key and names in another request are nothing new: its signature is another one each time.
    world.write({domain("new.example.com"), domain("www.example.com"), domain("example.com")});
    world.reload(world.config(", new.example.com"));
    CHECK(world.plan().state == State::waiting);
    // And back to a key of certd's own.
    world.reload(usual_config());
    world.run_for(minutes(2));
    CHECK(world.lineage().state.live == VersionNumber{3});
    CHECK(world.lineage().live->csr_key_sha256.empty());
    CHECK(world.service.serves() == world.live_fingerprint());
}

TEST_CASE("a request that is gone or for other names is the problem of its lineage alone, until it is mended") {
    Operator world;
    std::string config = world.config() + "  other.example.com: {}\n";
    std::string problem;
    SECTION("gone") {
        std::filesystem::remove(world.file);
        problem = "No such file";
    }
    SECTION("for other names") {
        world.write({domain("example.com")});
        problem = "it asks for example.com, and the lineage has the names example.com, www.example.com";
    }
    world.start(config);
    world.run_for(minutes(2));
    CHECK(world.lineage("other.example.com").state.live == VersionNumber{1});
    CHECK(world.ca.orders() == 1);
    CHECK_FALSE(world.lineage().newest);
    CHECK(world.plan().state == State::blocked);
    REQUIRE(world.lineage().state.last_problem);
    CHECK(world.lineage().state.last_problem->code == "config.csr");
    CHECK(world.lineage().state.last_problem->what.find(problem) != std::string::npos);
    world.write({domain("example.com"), domain("www.example.com")});
    world.reload(config);
    world.run_for(minutes(2));
    CHECK(world.is_for_key());
    CHECK(world.service.serves() == world.live_fingerprint());
}

TEST_CASE("a live certificate is not touched by a request that went bad before it is due") {
    Operator world;
    world.start(world.config());
    world.run_for(minutes(1));
    Time due = world.plan().at;
    std::filesystem::remove(world.file);
    world.restart(world.config());
    CHECK(world.plan().state == State::waiting);
    CHECK(world.plan().at == due);
    world.run_for(days(70));
    CHECK(world.plan().state == State::blocked);
    CHECK(world.lineage().state.live == VersionNumber{1});
    world.write({domain("example.com"), domain("www.example.com")});
    world.reload(world.config());
    world.run_for(minutes(5));
    CHECK(world.lineage().state.live == VersionNumber{2});
    CHECK(world.service.serves() == world.live_fingerprint());
}

TEST_CASE("only who has the key of a request signs a revocation with it") {
    Operator world;
    world.start(world.config());
    world.run_for(minutes(1));
    DaemonOperations operations(*world.engine, "", nullptr, nullptr);
    api::RevokeRequest request;
    request.with = "certificate-key";
    Result<api::JobResult> revoked = world.drive(operations.revoke(name_of("example.com"), request, "uid 0: revoke"));
    REQUIRE_FALSE(revoked);
    CHECK(revoked.error().code == "control.badRequest");
    CHECK_FALSE(world.engine->store.is_burned(sha256_hex(world.key.public_key_der())).value());
    request.with = "account";
    REQUIRE(world.drive(operations.revoke(name_of("example.com"), request, "uid 0: revoke")));
    CHECK(world.ca.revocations().size() == 1);
}

TEST_CASE("a dry run is for the operator's request as well") {
    Operator world;
    world.start(with(world.config(), "cas: [main],", "cas: [main], dry_run_ca: other,"));
    world.run_for(minutes(1));
    REQUIRE(world.renew({false, true}));
    CHECK(world.other_ca.certificates() == 1);
    CHECK(world.other_ca.violations().empty());
}

TEST_CASE("an order for another request is let go of") {
    Operator world;
    world.ca.fail_next(acme::RequestKind::finalize, problem_answer(500, "serverInternal"));
    world.start(world.config());
    world.run_for(seconds(20));
    CHECK_FALSE(world.lineage().newest);
    world.change_key();
    world.write({domain("example.com"), domain("www.example.com")});
    world.reload(world.config());
    world.run_for(days(1));
    CHECK(world.is_for_key());
    CHECK(world.service.serves() == world.live_fingerprint());
}

TEST_CASE("a certificate for another key than the request's is never activated (F12)") {
    Operator world;
    world.ca.knobs.certificate_fault = CertificateFault::other_key;
    world.start(world.config());
    world.run_for(seconds(30));
    CHECK_FALSE(world.lineage().newest);
    CHECK(world.lineage().state.last_problem->code == "crypto.wrongKey");
}

TEST_CASE("a request whose key was compromised is refused until there is another one") {
    Operator world;
    world.start(world.config());
    world.run_for(minutes(1));
    DaemonOperations operations(*world.engine, "", nullptr, nullptr);
    REQUIRE(world.drive(operations.revoke(name_of("example.com"), {0, "key-compromise"}, "uid 0: revoke")));
    world.run_for(minutes(2));
    CHECK(world.lineage().state.live == VersionNumber{1});
    CHECK(world.lineage().state.last_problem->code == "crypto.csrKey");
    std::size_t orders = world.ca.orders();
    world.run_for(days(3));
    CHECK(world.ca.orders() == orders);
    world.change_key();
    world.write({domain("example.com"), domain("www.example.com")});
    world.reload(world.config());
    world.run_for(minutes(5));
    CHECK(world.lineage().state.live == VersionNumber{2});
    CHECK(world.is_for_key());
}

TEST_CASE("a target that would install the key refuses what has none") {
    Operator world;
    world.start(world.config());
    world.run_for(minutes(1));
    REQUIRE(world.lineage().state.live == VersionNumber{1});
    // A lineage that had a request before and has a key now goes back to the version without one.
    world.reload(usual_config());
    world.run_for(minutes(2));
    REQUIRE(world.lineage().state.live == VersionNumber{2});
    std::string served = world.service.serves();
    Result<JobOutcome> rolled = world.roll_back(1);
    REQUIRE_FALSE(rolled);
    CHECK(rolled.error().code == "deploy.install");
    CHECK(rolled.error().what.find("there is no private key to install as /etc/ssl/web/privkey.pem") !=
          std::string::npos);
    CHECK(world.service.serves() == served);
}

TEST_CASE("after a crash at any operation a lineage with a request ends with a deployed certificate") {
    for (std::size_t operation = 0;; ++operation) {
        CAPTURE(operation);
        Operator world;
        world.start(world.config());
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
        world.start(world.config());
        world.run_for(minutes(10));
        CHECK(world.is_for_key());
        CHECK(world.service.serves() == world.live_fingerprint());
        CHECK(world.plan().state == State::waiting);
        CHECK(world.ca.orders() <= 3);
    }
}
