// When plan() issues, and at which CA.
#include "tests/support/catch.hpp"
#include "tests/unit/lineage/lineage_builders.hpp"

using namespace certd;
using namespace certd::test;

TEST_CASE("a lineage without certificate is issued at once") {
    Scene scene;
    Plan plan = scene.at(day(0));
    CHECK(plan.action == Action::issue);
    CHECK(plan.at == day(0));
    CHECK(plan.ca == CaName{"first"});
    CHECK(plan.reasons == std::vector<std::string>{"no certificate yet"});
    CHECK(plan.state == State::waiting);
    CHECK(plan.health == Health::ok);
}

TEST_CASE("a certificate is renewed at two thirds of its lifetime") {
    Scene scene(spec_of());
    Plan plan = scene.at(day(1));
    CHECK(plan.action == Action::issue);
    CHECK(plan.at == day(60));
    CHECK(plan.reasons == std::vector<std::string>{"2/3 of the lifetime"});
    CHECK(plan.state == State::waiting);
    CHECK(plan.health == Health::ok);
}

TEST_CASE("a certificate of less than ten days is renewed at half of its lifetime") {
    Scene scene(spec_of());
    scene.live = scene.newest = facts_of(1, day(0), days(6));
    CHECK(scene.at(day(1)).at == day(3));
    CHECK(scene.at(day(1)).reasons == std::vector<std::string>{"1/2 of the lifetime"});
    scene.live = scene.newest = facts_of(1, day(0), days(10));
    CHECK(scene.at(day(1)).at == day(0) + days(10) / 3 * 2);
    scene.live = scene.newest = facts_of(1, day(0), hours(1));
    CHECK(scene.at(day(0)).at == day(0) + minutes(30));
}

TEST_CASE("jitter is at most the limit and a 50th of the lifetime, and never leads past the emergency point") {
    for (std::uint32_t number = 1; number < 200; ++number) {
        VersionFacts facts = facts_of(number);
        Time time = renewal_time(facts, "example.com", hours(1));
        CHECK(time >= day(60));
        CHECK(time < day(60) + hours(1));
        CHECK(renewal_time(facts, "example.com", days(1000)) < day(60) + days(90) / 50);
        CHECK(time == renewal_time(facts, "example.com", hours(1)));
    }
    CHECK(emergency_point(facts_of(1)) == day(75));
    CHECK(jitter_for("example.com", {1}, Duration::zero()) == Duration::zero());
    CHECK(jitter_for("example.com", {1}, hours(1)) != jitter_for("example.com", {2}, hours(1)));
}

TEST_CASE("a requested renewal is made at once") {
    Scene scene(spec_of());
    scene.state.renew_requested = true;
    Plan plan = scene.at(day(1));
    CHECK(plan.action == Action::issue);
    CHECK(plan.at == day(1));
    CHECK(plan.reasons == std::vector<std::string>{"renewal requested"});
}

TEST_CASE("a requested renewal that failed waits for the back-off") {
    Scene scene(spec_of());
    scene.state.renew_requested = true;
    scene.fail_issue(day(1));
    Plan plan = scene.at(day(1));
    CHECK(plan.at > day(1));
    CHECK(plan.state == State::backing_off);
}

TEST_CASE("changed names make the lineage due, and the reason says which") {
    Scene scene(spec_of());
    scene.spec.names = {{Identifier::Type::dns, "www.example.com"}, {Identifier::Type::dns, "example.com"}};
    Plan plan = scene.at(day(1));
    CHECK(plan.action == Action::issue);
    CHECK(plan.at == day(1));
    CHECK(plan.reasons == std::vector<std::string>{"names changed: + www.example.com"});
    scene.spec.names = {{Identifier::Type::dns, "example.net"}};
    CHECK(scene.at(day(1)).reasons == std::vector<std::string>{"names changed: + example.net, - example.com"});
}

TEST_CASE("the order of names is no change") {
    Scene scene(spec_of());
    scene.newest->names = {{Identifier::Type::dns, "a.example"}, {Identifier::Type::dns, "b.example"}};
    scene.spec.names = {{Identifier::Type::dns, "b.example"}, {Identifier::Type::dns, "a.example"}};
    CHECK(scene.at(day(1)).at == day(60));
}

TEST_CASE("a changed key type makes the lineage due") {
    Scene scene(spec_of());
    scene.spec.keys = {KeyType::rsa_2048};
    Plan plan = scene.at(day(1));
    CHECK(plan.at == day(1));
    CHECK(plan.reasons == std::vector<std::string>{"key type changed: rsa-2048 instead of ecdsa-p256"});
}

TEST_CASE("back-off postpones a due renewal and says after how many failures") {
    Scene scene(spec_of());
    scene.fail_issue(day(60));
    scene.fail_issue(day(60) + minutes(2));
    Plan plan = scene.at(day(60) + minutes(3));
    CHECK(plan.action == Action::issue);
    CHECK(plan.at == *scene.state.attempts.at({"first"}).next_attempt);
    CHECK(mentions(plan.reasons, "back-off after 2 failures at first"));
    CHECK(plan.state == State::backing_off);
    CHECK(plan.health == Health::warning);
    CHECK(plan.problem->code == "net.timeout");
}

TEST_CASE("back-off never leads past the emergency point of the live certificate") {
    Scene scene(spec_of());
    for (int count = 0; count < 5; ++count)
        scene.fail_issue(day(74) + hours(12));
    REQUIRE(*scene.state.attempts.at({"first"}).next_attempt > day(75));
    Plan plan = scene.at(day(74) + hours(13));
    CHECK(plan.at == day(75));
    CHECK(mentions(plan.reasons, "emergency point"));
    CHECK(scene.at(day(75)).at == day(75));

    scene.fail_issue(day(75));
    Plan after = scene.at(day(75) + minutes(1));
    CHECK(after.at >= day(76));
    CHECK(after.health == Health::critical);
}

TEST_CASE("a wait the CA asked for holds beyond the emergency point") {
    Scene scene(spec_of());
    Problem limited = problem("acme.rateLimited", "Too many orders");
    limited.not_before = day(78);
    scene.fail_issue(day(74), "first", limited);
    Plan plan = scene.at(day(74) + hours(1));
    CHECK(plan.at == day(78));
    CHECK(mentions(plan.reasons, "first asked to wait"));
}

TEST_CASE("a changed configuration clears the back-off") {
    Scene scene(spec_of());
    scene.fail_issue(day(60));
    scene.fail_issue(day(60));
    scene.fail_issue(day(60));
    REQUIRE(scene.at(day(60)).at > day(60));
    scene.spec.challenge.http01 = config::Challenge::Http01{"/var/www/html", {}};
    Plan plan = scene.at(day(60) + minutes(1));
    CHECK(plan.at <= day(60) + minutes(1));
    CHECK(plan.state == State::waiting);
}

TEST_CASE("the policy digest hangs on names, key, CAs and challenge, not on targets or the order of names") {
    config::Lineage spec = spec_of();
    std::string before = policy_digest(spec);
    spec.targets = {{"web"}};
    spec.keep_versions = 9;
    CHECK(policy_digest(spec) == before);
    config::Lineage other = spec;
    other.names.push_back({Identifier::Type::dns, "www.example.com"});
    std::string with_www = policy_digest(other);
    CHECK(with_www != before);
    std::ranges::reverse(other.names);
    CHECK(policy_digest(other) == with_www);
    spec.keys = {KeyType::ecdsa_p384};
    CHECK(policy_digest(spec) != before);
    CHECK(policy_digest(spec_of({}, {"first", "second"})) != before);
}

TEST_CASE("after three failures in a row the next CA is asked, and the first again when its time has come") {
    Scene scene(spec_of({}, {"first", "second"}));
    scene.fail_issue(day(60));
    CHECK(scene.at(day(60)).ca == CaName{"first"});
    scene.fail_issue(day(60) + minutes(2));
    CHECK(scene.at(day(60) + minutes(3)).ca == CaName{"first"});
    scene.fail_issue(day(60) + minutes(20));
    Plan plan = scene.at(day(60) + minutes(21));
    CHECK(plan.ca == CaName{"second"});
    CHECK(plan.at <= day(60) + minutes(21));
    CHECK(mentions(plan.reasons, "second after 3 failures at first"));

    scene.fail_issue(day(60) + minutes(21), "second");
    CHECK(scene.at(day(60) + minutes(22)).ca == CaName{"second"});
    CHECK(scene.at(day(60) + minutes(21 + 150)).ca == CaName{"first"});
}

TEST_CASE("a CA that asks to wait beyond the emergency point is passed over at once") {
    Scene scene(spec_of({}, {"first", "second"}));
    Problem limited = problem("acme.rateLimited", "Too many orders");
    limited.not_before = day(80);
    scene.fail_issue(day(70), "first", limited);
    CHECK(scene.at(day(70)).ca == CaName{"second"});
}

TEST_CASE("a lineage whose CAs all failed waits for the one that may be asked first") {
    Scene scene(spec_of({}, {"first", "second", "third"}));
    for (int count = 0; count < 4; ++count)
        scene.fail_issue(day(60), "first");
    for (int count = 0; count < 4; ++count)
        scene.fail_issue(day(60) - hours(5), "second");
    for (int count = 0; count < 3; ++count)
        scene.fail_issue(day(60), "third");
    Plan plan = scene.at(day(60) + minutes(1));
    CHECK(plan.ca == CaName{"third"});
    CHECK(plan.at == *scene.state.attempts.at({"third"}).next_attempt);
}

TEST_CASE("a lineage without CA has nothing to do and says so") {
    Scene scene(spec_of({}, {}));
    Plan plan = scene.at(day(70));
    CHECK(plan.action == Action::none);
    CHECK(mentions(plan.reasons, "no CA"));
}

TEST_CASE("a CA that issues certificates past their renewal time is not asked in a loop") {
    Scene scene(spec_of());
    VersionFacts stale = facts_of(1, day(-85));
    stale.issued_at = day(0);  // five days left when it was issued
    scene.live = scene.newest = stale;
    CHECK(scene.at(day(0) + seconds(1)).at == day(1));
    stale.issued_at = day(5) - minutes(1);
    scene.live = scene.newest = stale;
    CHECK(scene.at(day(5) - seconds(50)).at >= day(5));
}

namespace {

std::map<CaName, config::Ca> two_cas() {
    std::map<CaName, config::Ca> cas;
    for (const char* name : {"first", "second"}) {
        cas[{name}].name = {name};
        cas[{name}].directory = "https://ca.example/directory";
    }
    cas[{"first"}].staging = CaName{"stage"};
    return cas;
}

}  // namespace

TEST_CASE("what failed at a CA has to pass at its staging first, but not past the emergency point") {
    Scene scene(spec_of());
    auto cas = two_cas();
    auto at = [&](Time now) {
        return plan({scene.spec, scene.state, scene.live, scene.newest, scene.jitter, now, &cas});
    };
    CHECK_FALSE(at(day(60)).staging);
    scene.fail_issue(day(60), "first", problem("acme.unauthorized", "Wrong answer"));
    CHECK(at(day(60)).staging == CaName{"stage"});
    CHECK(
        mentions(at(day(60)).reasons, "stage, its staging, is asked first, because the last attempt at first failed"));
    CHECK_FALSE(scene.at(day(60)).staging);
    CHECK_FALSE(at(day(75)).staging);
    scene.fail_issue(day(61));
    CHECK_FALSE(at(day(61)).staging);
    cas[{"first"}].staging.reset();
    scene.fail_issue(day(62), "first", problem("acme.dns", "No record"));
    CHECK_FALSE(at(day(62)).staging);
}

TEST_CASE("staging is for proofs and orders, not for the network, the CA's faults, limits or accounts") {
    for (const char* code : {"acme.unauthorized", "acme.connection", "acme.rejectedIdentifier", "acme.badCSR",
                             "acme.orderInvalid", "dns.notVisible", "dns.noAnswer", "challenge.notServed"}) {
        CAPTURE(code);
        CHECK(shows_at_staging(problem(code, "x")));
    }
    for (const char* code :
         {"net.connect", "tls.expired", "acme.serverInternal", "acme.http", "acme.rateLimited", "acme.accountRefused",
          "acme.userActionRequired", "acme.paused", "storage.full", "hook.failed", "control.cancelled"}) {
        CAPTURE(code);
        CHECK_FALSE(shows_at_staging(problem(code, "x")));
    }
}

TEST_CASE("a CA that does not answer anybody is passed over by lineages that have another one") {
    Scene scene(spec_of({}, {"first", "second"}));
    std::map<CaName, CaHealth> health;
    auto at = [&](Time now) {
        return plan({scene.spec, scene.state, scene.live, scene.newest, scene.jitter, now, nullptr, &health});
    };
    for (int i = 0; i < 3; ++i)
        note_silence(health[{"first"}], problem("net.connect", "No connection"), day(60));
    CHECK(at(day(60)).ca == CaName{"second"});
    CHECK(mentions(at(day(60)).reasons, "second, because first does not answer"));
    CHECK(at(day(60)).at == day(60));
    CHECK(at(day(61)).ca == CaName{"first"});
    // Both: the one that comes back sooner is asked, and at once as far as this lineage is concerned.
    for (int i = 0; i < 3; ++i)
        note_silence(health[{"second"}], problem("net.connect", "No connection"), day(60) + hours(2));
    CHECK(at(day(60) + hours(3)).ca == CaName{"first"});
    CHECK(at(day(60) + hours(3)).at == day(60));
    scene.spec = spec_of();
    CHECK(at(day(60)).ca == CaName{"first"});
    CHECK(at(day(60)).at == day(60));
}

TEST_CASE("a lineage that got its certificate elsewhere stays there for a day after the last attempt") {
    Scene scene(spec_of({}, {"first", "second"}));
    scene.live->ca = scene.newest->ca = {"second"};
    scene.live->not_after = scene.newest->not_after = day(0) + hours(12);
    for (int i = 0; i < 3; ++i)
        scene.fail_issue(day(0));
    CHECK(scene.at(day(0) + hours(6)).ca == CaName{"second"});
    CHECK(mentions(scene.at(day(0) + hours(6)).reasons, "second after 3 failures at first"));
    CHECK(scene.at(day(1)).ca == CaName{"first"});
    // By a clock that was wrong it is not kept away for years.
    scene.state.attempts[{"first"}].last_attempt = day(3000);
    scene.state.attempts[{"first"}].next_attempt = day(0);
    CHECK(scene.at(day(0) + hours(6)).ca == CaName{"first"});
}

TEST_CASE("a CA that has paused the names, or refuses the account, is passed over at once") {
    for (const char* code : {"acme.paused", "acme.accountRefused", "acme.userActionRequired"}) {
        Scene scene(spec_of({}, {"first", "second"}));
        scene.fail_issue(day(60), "first", problem(code, "No"));
        CHECK(scene.at(day(60)).ca == CaName{"second"});
    }
}

TEST_CASE("a changed profile makes the lineage due, and what was asked for is compared, not what came") {
    Scene scene(spec_of());
    auto cas = two_cas();
    auto at = [&](Time now) {
        return plan({scene.spec, scene.state, scene.live, scene.newest, scene.jitter, now, &cas});
    };
    CHECK(at(day(1)).at == day(60));
    scene.spec.profile.name = "shortlived";
    CHECK(at(day(1)).at == day(1));
    CHECK(at(day(1)).reasons == std::vector<std::string>{"profile changed: shortlived instead of the default"});
    scene.newest->profile = "shortlived";
    CHECK(at(day(1)).at == day(60));
    scene.spec.profile.name.reset();
    CHECK(at(day(1)).reasons == std::vector<std::string>{"profile changed: the default instead of shortlived"});
    cas[{"first"}].profile.name = "shortlived";
    CHECK(at(day(1)).at == day(60));
    // Nothing is known of a CA that is gone, or has moved.
    scene.newest->profile.clear();
    scene.newest->directory_url = "https://elsewhere.example/directory";
    CHECK(at(day(1)).at == day(60));
}
