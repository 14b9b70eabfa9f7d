// Decisions: which of them are new, and what they say of a plan.
#include "daemon/lineage/decide.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/lineage/lineage_builders.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

using namespace certd;
using namespace certd::test;

namespace {

Decision order_at(Time due, Time at = day(0), std::vector<std::string> reasons = {"2/3 of the lifetime"}) {
    Decision decision;
    decision.at = at;
    decision.kind = DecisionKind::issue;
    decision.what = "Order a certificate from first";
    if (due > at) decision.due = due;
    decision.reasons = std::move(reasons);
    return decision;
}

PlanInput input_of(const Scene& scene, Time now) {
    return {scene.spec, scene.state, scene.live, scene.newest, scene.jitter, now, nullptr, nullptr, scene.targets};
}

Decision decision_at(const Scene& scene, Time now) {
    return decision_of(input_of(scene, now), scene.at(now));
}

std::map<std::string, std::string> facts_at(const Scene& scene, Time now) {
    return facts_of(input_of(scene, now), scene.at(now));
}

}  // namespace

TEST_CASE("every kind of decision has a name of its own") {
    std::set<std::string_view> names;
    for (std::size_t kind = 0; kind < decision_kinds; ++kind)
        names.insert(to_string(static_cast<DecisionKind>(kind)));
    CHECK(names.size() == decision_kinds);
    CHECK(to_string(DecisionKind::put_back) == "put-back");
}

TEST_CASE("the first decision is new, and made again it is not") {
    CHECK(is_new(DecisionMark{}, order_at(day(60))));
    const DecisionMark standing = mark_of(order_at(day(60)));
    CHECK_FALSE(is_new(standing, order_at(day(60))));
    CHECK_FALSE(is_new(standing, order_at(day(60), day(30))));
}

TEST_CASE("another CA, version, place or kind makes another decision") {
    const DecisionMark standing = mark_of(order_at(day(60)));
    Decision other = order_at(day(60));
    other.what = "Order a certificate from second";
    CHECK(is_new(standing, other));
    other = order_at(day(60));
    other.kind = DecisionKind::hold;
    CHECK(is_new(standing, other));
}

TEST_CASE("other reasons make another decision as long as it waits") {
    const DecisionMark standing = mark_of(order_at(day(60)));
    CHECK(is_new(standing, order_at(day(60), day(0), {"2/3 of the lifetime", "back-off after 1 failure at first"})));
    CHECK(is_new(standing, order_at(day(60), day(0), {"the CA suggests a time"})));
}

TEST_CASE("a time is moved by more than an hour and 1 % of what is left, or it is the same") {
    const DecisionMark standing = mark_of(order_at(day(50)));
    CHECK_FALSE(is_new(standing, order_at(day(50) + hours(12))));
    CHECK_FALSE(is_new(standing, order_at(day(50) - hours(11))));
    CHECK(is_new(standing, order_at(day(50) + hours(13))));
    CHECK(is_new(standing, order_at(day(49))));
    const Time near = day(49) + hours(23);
    CHECK_FALSE(is_new(standing, order_at(day(50) + minutes(60), near)));
    CHECK(is_new(standing, order_at(day(50) + minutes(61), near)));
    CHECK(is_new(standing, order_at(day(49), day(49))));  // at once, a day early
}

TEST_CASE("a decision that is carried out when its time has come is the same, whatever it had waited for") {
    const DecisionMark standing =
        mark_of(order_at(day(61), day(60), {"2/3 of the lifetime", "back-off after 1 failure at first"}));
    CHECK_FALSE(is_new(standing, order_at(day(61), day(61))));
    CHECK_FALSE(is_new(standing, order_at(day(61), day(62))));
    CHECK(is_new(standing, order_at(day(61), day(61), {"names changed: + www.example.com"})));
    CHECK(is_new(standing, order_at(day(62), day(61), {"2/3 of the lifetime", "back-off after 2 failures at first"})));
}

TEST_CASE("the decision that stands is the last that is not about one job") {
    Decision put_back = order_at(day(0));
    put_back.kind = DecisionKind::put_back;
    CHECK_FALSE(mark_of(std::vector<Decision>{}));
    CHECK_FALSE(mark_of(std::vector{put_back}));
    CHECK_FALSE(is_new(mark_of(std::vector{order_at(day(60)), put_back}), order_at(day(60))));
}

TEST_CASE("a decision says in one line what, when, why and at whose request") {
    Decision decision = order_at(day(60));
    decision.reasons.emplace_back("back-off after 1 failure at first");
    decision.by = "uid 0: renew --force";
    CHECK(describe(decision) ==
          "Order a certificate from first at 2026-03-02T00:00:00Z: 2/3 of the lifetime; back-off after 1 failure at "
          "first (uid 0: renew --force)");
}

TEST_CASE("what is not a decision is read as none") {
    CHECK_FALSE(decision_from_json(Json::object({{"kind", "issue"}})));
    Json wrong = to_json(order_at(day(60)));
    wrong.set("kind", "guess");
    CHECK_FALSE(decision_from_json(wrong));
    CHECK(decision_from_json(to_json(order_at(day(60)))).value() == order_at(day(60)));
}

TEST_CASE("the plan to renew is a decision with the CA, the rule and the dates it goes by") {
    const Scene scene(spec_of());
    const Decision decision = decision_at(scene, day(1));
    CHECK(decision.kind == DecisionKind::issue);
    CHECK(describe(decision) == "Order a certificate from first at 2026-03-02T00:00:00Z: 2/3 of the lifetime");
    const auto facts = facts_at(scene, day(1));
    CHECK(facts.at("ca") == "first");
    CHECK(facts.at("live") == "1");
    CHECK(facts.at("not_after") == "2026-04-01T00:00:00Z");
    CHECK(facts.at("renewal_time") == "2026-03-02T00:00:00Z");
    CHECK(facts.at("emergency_point") == "2026-03-17T00:00:00Z");
    CHECK_FALSE(facts.contains("failures"));
    // Looked at again and again, and carried out: one decision.
    const DecisionMark standing = mark_of(decision);
    for (Time now = day(1); now < day(62); now += days(1))
        CHECK_FALSE(is_new(standing, decision_at(scene, now)));
}

TEST_CASE("after failures the decision has their number, their problem and the CA that is left out") {
    Scene scene(spec_of({}, {"first", "second"}));
    scene.fail_issue(day(60));
    Decision decision = decision_at(scene, day(60));
    CHECK(decision.reasons.back() == "back-off after 1 failure at first");
    CHECK(facts_at(scene, day(60)).at("failures") == "1");
    CHECK(facts_at(scene, day(60)).at("problem") == "net.timeout");
    scene.fail_issue(day(61));
    scene.fail_issue(day(62));
    decision = decision_at(scene, day(62));
    CHECK(decision.what == "Order a certificate from second");
    CHECK(decision.reasons.back() == "second after 3 failures at first");
    const auto facts = facts_at(scene, day(62));
    CHECK(facts.at("ca") == "second");
    CHECK(facts.at("instead_of") == "first");
    CHECK(facts.at("instead_of_failures") == "3");
    CHECK_FALSE(facts.contains("failures"));
}

TEST_CASE("pause, hold and a wrong clock are decisions without a time") {
    Scene scene(spec_of({"web"}));
    scene.state.paused = true;
    Decision decision = decision_at(scene, day(1));
    CHECK(decision.kind == DecisionKind::pause);
    CHECK(decision.what == "Do nothing until resumed");
    CHECK_FALSE(decision.due);
    CHECK_FALSE(is_new(mark_of(decision), decision_at(scene, day(9))));
    scene.state.paused = false;
    scene.state.held = true;
    decision = decision_at(scene, day(1));
    CHECK(decision.kind == DecisionKind::hold);
    CHECK(decision.what == "Hold version 1; Order a certificate from first");
    CHECK(decision_at(scene, day(-3)).kind == DecisionKind::wait);
}

TEST_CASE("a deployment is decided with version, places and what went wrong there before") {
    Scene scene(spec_of({"web"}));
    scene.issue(facts_of(2, day(60)));
    scene.state.targets = {failed("web", 1, 2, day(60) + minutes(5))};
    const Decision decision = decision_at(scene, day(60));
    CHECK(decision.kind == DecisionKind::deploy);
    CHECK(describe(decision) ==
          "Deploy version 2 to web at 2026-03-02T00:05:00Z: version 2 is not deployed to web; the last deployment "
          "failed");
    const auto facts = facts_at(scene, day(60));
    CHECK(facts.at("version") == "2");
    CHECK(facts.at("places") == "web");
    CHECK(facts.at("failures") == "1");
    CHECK(facts.at("problem") == "deploy.test");
    CHECK(facts.at("next_attempt") == "2026-03-02T00:05:00Z");
    CHECK_FALSE(is_new(mark_of(decision), decision_at(scene, day(60) + minutes(5))));
}

TEST_CASE("a failed deployment rolls back where there was something before, and says why") {
    TargetState back = failed("web", 1, 2), first = failed("mail", 0, 2), away = failed("fleet", 1, 2);
    away.problem = problem("ssh.connect", "web1 cannot be reached");
    TargetState kept = failed("cdn", 1, 2);
    kept.problem->parts.push_back(problem("deploy.restoreRefused", "cdn keeps version 2"));
    const auto decisions = decisions_of_failure({2}, {1}, {back, first, away, kept, deployed("ok", 2)}, day(60));
    REQUIRE(decisions.size() == 2);
    CHECK(decisions[0].kind == DecisionKind::put_back);
    CHECK(decisions[0].what == "Roll web back from version 2 to version 1");
    CHECK(decisions[0].reasons == std::vector<std::string>{"The test command of web failed"});
    CHECK(decisions[0].facts.at("problem") == "deploy.test");
    CHECK(decisions[1].kind == DecisionKind::keep);
    CHECK(decisions[1].what == "Leave mail, fleet, cdn as it is, without version 2 in order");
    CHECK(decisions_of_failure({2}, {2}, {deployed("ok", 2)}, day(60)).empty());
}

TEST_CASE("reasons are one line each, and no more of them than people read") {
    const Scene scene(spec_of());
    Plan plan = scene.at(day(1));
    plan.reasons.assign(30, "names changed: + \x1b[2J\n" + std::string(5000, 'a'));
    const Decision decision = decision_of(input_of(scene, day(1)), plan);
    CHECK(decision.reasons.size() == 10);
    CHECK(decision.reasons.front().size() <= 310);
    CHECK(decision.reasons.front().find('\n') == std::string::npos);
}
