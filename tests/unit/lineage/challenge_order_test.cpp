// Which way of proof is next after one has failed, and how that is told.
#include "daemon/lineage/challenge_order.hpp"

#include "tests/support/catch.hpp"
#include "tests/unit/lineage/lineage_builders.hpp"

using namespace certd;
using namespace certd::test;

namespace {

using Types = std::vector<std::string>;

config::Challenge both() {
    config::Challenge challenge;
    challenge.http01.emplace();
    challenge.tls_alpn01.emplace();
    challenge.order = {"tls-alpn-01", "http-01"};
    return challenge;
}

}  // namespace

TEST_CASE("ways of proof are tried as written, those that failed last, the latest at the end") {
    CHECK(challenge_order(both(), {}) == Types{"tls-alpn-01", "http-01"});
    CHECK(challenge_order(both(), {"tls-alpn-01"}) == Types{"http-01", "tls-alpn-01"});
    CHECK(challenge_order(both(), {"dns-01"}) == Types{"tls-alpn-01", "http-01"});
    CaAttempts attempts;
    Types firsts;
    for (int i = 0; i < 5; ++i) {
        firsts.push_back(challenge_order(both(), attempts.refused).front());
        note_refused(attempts, firsts.back());
    }
    CHECK(firsts == Types{"tls-alpn-01", "http-01", "tls-alpn-01", "http-01", "tls-alpn-01"});
    CHECK(attempts.refused.size() == 2);
}

TEST_CASE("a way of proof that came by default needs no order") {
    config::Challenge challenge;
    challenge.http01.emplace();
    CHECK(challenge_order(challenge, {}) == Types{"http-01"});
    CHECK(challenge_order(challenge, {"http-01"}) == Types{"http-01"});
    CHECK(challenge_order({}, {"http-01"}).empty());
}

TEST_CASE("the plan says which way of proof is next, and a change of the ways forgets what failed") {
    Scene scene;
    scene.spec.challenge = both();
    scene.fail_issue(day(0));
    CHECK_FALSE(mentions(scene.at(day(0)).reasons, "tried next"));
    note_refused(scene.state.attempts[{"first"}], "tls-alpn-01");
    CHECK(mentions(scene.at(day(0)).reasons, "http-01 is tried next, because tls-alpn-01 failed"));
    scene.spec.challenge.order = {"http-01", "tls-alpn-01"};
    CHECK_FALSE(mentions(scene.at(day(0)).reasons, "tried next"));
    CHECK(scene.at(day(0)).at == day(0));
}

TEST_CASE("what failed survives the state file until the next success") {
    LineageState state;
    note_refused(state.attempts[{"first"}], "http-01");
    Result<LineageState> back = lineage_state_from_json(to_json(state));
    REQUIRE(back);
    CHECK(back->attempts.at({"first"}).refused == Types{"http-01"});
    record_issue_success(state, {"first"}, day(0));
    CHECK(state.attempts.empty());
}

TEST_CASE("profile and ways of proof belong to what is asked of a CA") {
    config::Lineage spec = spec_of();
    std::string before = policy_digest(spec);
    SECTION("another way") {
        spec.challenge = both();
    }
    SECTION("a way for one name") {
        spec.name_challenges.push_back({"example.com", both()});
    }
    SECTION("a profile") {
        spec.profile = {"shortlived", false};
    }
    CHECK(policy_digest(spec) != before);
}
