// The table of a transaction: every path through it with every step failing once.
#include "daemon/deploy/transaction.hpp"

#include "tests/support/catch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

using namespace certd;
using Ended = Transaction::Ended;
using Previous = TransactionFacts::Previous;
using Paths = Before::Paths;

namespace {

const TargetShape full{true, true, true, true, true};

// Runs a transaction whose named steps ("reload", "1:verify" for target 1) end badly, and writes down the steps.
struct Script {
    TransactionFacts facts;
    std::vector<Before> before;
    std::map<std::string, Ended> endings;
    std::string cancel_at;

    struct Outcome {
        std::string steps;
        std::vector<TargetEnd> ends;
        bool live_is_version = false;
    };

    Outcome run() const {
        Transaction transaction(facts);
        Outcome outcome;
        for (int i = 0; transaction.next().step != DeployStep::done; ++i) {
            REQUIRE(i < 100);
            const auto action = transaction.next();
            const auto name =
                (action.target == 0 ? "" : fmt::format("{}:", action.target)) + std::string(to_string(action.step));
            outcome.steps += (outcome.steps.empty() ? "" : " ") + name;
            const auto ending = endings.find(name);
            if (name == cancel_at) {
                transaction.cancel();
                transaction.report(Ended::badly);
            } else if (ending != endings.end()) {
                transaction.report(ending->second);
            } else if (action.step == DeployStep::back_up) {
                transaction.report_backed_up(before.at(action.target));
            } else {
                transaction.report(Ended::well);
            }
        }
        outcome.ends = transaction.ends();
        outcome.live_is_version = transaction.live_is_version();
        return outcome;
    }
};

Script one_target(Paths paths = Paths::present, Previous previous = Previous::valid) {
    return {{{full}, previous, false}, {{paths, false}}, {}, {}};
}

Script failing(Script script, std::string step, Ended ended = Ended::badly) {
    script.endings[std::move(step)] = ended;
    return script;
}

const std::string way_forward = "back-up flip-live install exec test reload verify commit";

std::string up_to(std::string_view last) {
    return way_forward.substr(0, way_forward.find(last) + last.size());
}

}  // namespace

TEST_CASE("a deployment does its steps in order and commits last") {
    const auto outcome = one_target().run();
    CHECK(outcome.steps == way_forward);
    CHECK(outcome.ends[0].committed);
    CHECK(outcome.live_is_version);
}

TEST_CASE("steps that a target lacks are left out") {
    auto script = one_target();
    script.facts.targets = {{true, false, false, false, false}};
    CHECK(script.run().steps == "back-up flip-live install commit");
    script.facts.targets = {{false, false, false, true, true}};
    script.before = {{Paths::none, false}};
    CHECK(script.run().steps == "back-up flip-live reload verify commit");
    script.facts.live_is_version = true;
    CHECK(script.run().steps == "back-up reload verify commit");
}

TEST_CASE("an order without targets only flips live") {
    Script script{{{}, Previous::valid, false}, {}, {}, {}};
    auto outcome = script.run();
    CHECK(outcome.steps == "flip-live");
    CHECK(outcome.live_is_version);
    CHECK_FALSE(failing(script, "flip-live").run().live_is_version);
    script.facts.live_is_version = true;
    CHECK(script.run().steps.empty());
}

TEST_CASE("whichever step fails, the way back undoes what was done and nothing else") {
    struct Row {
        std::string step, way_back;
        Restoration restoration;
    };
    const auto row = GENERATE(values<Row>({
        {"back-up", "close", Restoration::none},
        {"flip-live", "unflip-live close", Restoration::none},
        {"install", "restore unflip-live close", Restoration::done},
        {"exec", "restore unflip-live exec-restored close", Restoration::done},
        {"test", "restore unflip-live exec-restored close", Restoration::done},
        {"reload", "restore unflip-live exec-restored reload-restored verify-restored close", Restoration::verified},
        {"verify", "restore unflip-live exec-restored reload-restored verify-restored close", Restoration::verified},
        {"commit", "restore unflip-live exec-restored reload-restored verify-restored close", Restoration::verified},
    }));
    CAPTURE(row.step);
    const auto outcome = failing(one_target(), row.step).run();
    CHECK(outcome.steps == up_to(row.step) + " " + row.way_back);
    CHECK_FALSE(outcome.ends[0].committed);
    CHECK(to_string(*outcome.ends[0].failed_at) == row.step);
    CHECK(outcome.ends[0].restoration == row.restoration);
    CHECK_FALSE(outcome.live_is_version);
}

TEST_CASE("whichever step of the way back fails, the end says how far it came") {
    struct Row {
        std::string step, rest;
        Ended ended;
        Restoration restoration;
    };
    const auto row = GENERATE(values<Row>({
        // The files may be mixed: nothing is reloaded, and the journal is kept.
        {"restore", "unflip-live", Ended::badly, Restoration::failed},
        {"unflip-live", "exec-restored reload-restored verify-restored", Ended::badly, Restoration::failed},
        // What is served decides, when it can be seen.
        {"exec-restored", "reload-restored verify-restored close", Ended::badly, Restoration::verified},
        {"reload-restored", "verify-restored close", Ended::badly, Restoration::verified},
        {"verify-restored", "close", Ended::badly, Restoration::failed},
        {"verify-restored", "close", Ended::unknown, Restoration::unverified},
        {"close", "", Ended::badly, Restoration::verified},
    }));
    CAPTURE(row.step);
    const auto outcome = failing(failing(one_target(), "verify"), row.step, row.ended).run();
    const auto rest = row.rest.empty() ? "" : " " + row.rest;
    CHECK(outcome.steps.ends_with(row.step + rest));
    CHECK(outcome.ends[0].restoration == row.restoration);
    CHECK(outcome.live_is_version == (row.step == "unflip-live"));
}

TEST_CASE("without a verification a reload that fails a second time is no proof that the service moved") {
    auto script = one_target();
    script.facts.targets = {{true, false, false, true, false}};
    CHECK(failing(script, "reload").run().ends[0].restoration == Restoration::unverified);
    CHECK(failing(failing(script, "reload"), "reload-restored").run().ends[0].restoration == Restoration::unverified);
    // Here the first reload took the new certificate.
    CHECK(failing(failing(script, "commit"), "reload-restored").run().ends[0].restoration == Restoration::failed);
}

TEST_CASE("a failed first deployment leaves its complete files in place") {
    for (const auto* step : {"exec", "test", "reload", "verify", "commit"}) {
        const auto outcome = failing(one_target(Paths::absent, Previous::none), step).run();
        CHECK(outcome.steps == up_to(step) + " close");
        CHECK(outcome.ends[0].restoration == Restoration::left);
        CHECK(outcome.live_is_version);
    }
    // But not half of them.
    const auto outcome = failing(one_target(Paths::absent, Previous::none), "install").run();
    CHECK(outcome.steps == "back-up flip-live install restore close");
    CHECK(outcome.ends[0].restoration == Restoration::done);
}

TEST_CASE("an expired certificate is not put back in place of a valid one") {
    auto script = one_target(Paths::present, Previous::expired);
    script.before[0].expired = true;
    for (const auto* step : {"exec", "test", "reload", "verify", "commit"}) {
        const auto outcome = failing(script, step).run();
        CHECK(outcome.steps == up_to(step) + " close");
        CHECK(outcome.ends[0].restoration == Restoration::refused);
        CHECK(outcome.live_is_version);
    }
    // Half an installation is tried once more; a matching expired pair is better than one that does not match.
    const auto outcome = failing(script, "install").run();
    CHECK(outcome.steps == "back-up flip-live install install restore close");
    CHECK(outcome.ends[0].restoration == Restoration::done);
    script.facts.targets = {{false, false, false, true, true}};
    script.before = {{Paths::none, false}};
    CHECK(failing(script, "verify").run().ends[0].restoration == Restoration::refused);
}

TEST_CASE("a service that reads live gets its reload only after live went back") {
    auto script = one_target(Paths::none);
    script.facts.targets = {{false, false, true, true, true}};
    CHECK(failing(script, "test").run().steps == "back-up flip-live test unflip-live close");
    const auto outcome = failing(script, "verify").run();
    CHECK(outcome.steps == "back-up flip-live test reload verify unflip-live reload-restored verify-restored close");
    CHECK(outcome.ends[0].restoration == Restoration::verified);
    script.facts.previous = Previous::none;
    CHECK(failing(script, "verify").run().steps == "back-up flip-live test reload verify close");
}

TEST_CASE("targets are independent: one that fails undoes neither another nor live") {
    Script script{{{full, full}, Previous::valid, false}, {{Paths::present, false}, {Paths::present, false}}, {}, {}};
    CHECK(script.run().steps == way_forward + " 1:back-up 1:install 1:exec 1:test 1:reload 1:verify 1:commit");

    auto outcome = failing(script, "1:test").run();
    CHECK(outcome.steps.ends_with("commit 1:back-up 1:install 1:exec 1:test 1:restore 1:exec-restored 1:close"));
    CHECK(outcome.ends[0].committed);
    CHECK_FALSE(outcome.ends[1].committed);
    CHECK(outcome.live_is_version);

    // The second flips live for itself.
    outcome = failing(script, "test").run();
    CHECK(outcome.steps ==
          "back-up flip-live install exec test restore unflip-live exec-restored close "
          "1:back-up 1:flip-live 1:install 1:exec 1:test 1:reload 1:verify 1:commit");
    CHECK(outcome.ends[1].committed);
    CHECK(outcome.live_is_version);

    outcome = failing(failing(script, "test"), "1:verify").run();
    CHECK_FALSE(outcome.live_is_version);
}

TEST_CASE("a reader of live cannot go back once another target uses the version") {
    Script script{{{full, {false, false, false, true, true}}, Previous::valid, false},
                  {{Paths::present, false}, {Paths::none, false}},
                  {},
                  {}};
    const auto outcome = failing(script, "1:verify").run();
    CHECK(outcome.steps.ends_with("1:reload 1:verify 1:close"));
    CHECK(outcome.ends[1].restoration == Restoration::left);
}

TEST_CASE("a retry of a target that failed does not touch live, which names the version already") {
    auto script = one_target();
    script.facts.live_is_version = true;
    const auto outcome = failing(script, "verify").run();
    CHECK(outcome.steps ==
          "back-up install exec test reload verify restore exec-restored reload-restored verify-restored close");
    CHECK(outcome.live_is_version);
}

TEST_CASE("a cancelled order undoes the target in work and begins no other") {
    Script script{{{full, full}, Previous::valid, false}, {{Paths::present, false}, {Paths::present, false}}, {}, {}};
    for (const auto* step : {"back-up", "flip-live", "install", "exec", "test", "reload", "verify", "commit"}) {
        script.cancel_at = step;
        const auto outcome = script.run();
        CHECK(outcome.steps.starts_with(up_to(step)));
        CHECK(outcome.steps.ends_with(" close"));
        CHECK(outcome.steps.find("1:") == std::string::npos);
        CHECK(outcome.steps.find("verify-restored") == std::string::npos);
        CHECK_FALSE(outcome.live_is_version);
        CHECK_FALSE(outcome.ends[1].failed_at);
    }
    script.cancel_at = "1:reload";
    const auto outcome = script.run();
    CHECK(outcome.ends[0].committed);
    CHECK(outcome.live_is_version);
    CHECK(outcome.steps.ends_with("1:reload 1:restore 1:exec-restored 1:reload-restored 1:close"));
}
