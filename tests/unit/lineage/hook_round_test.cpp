// Rounds of hook directories: who may join, when they are over, and what certbot's scripts are told.
#include "daemon/lineage/hook_round.hpp"

#include "tests/support/catch.hpp"
#include "tests/unit/lineage/lineage_builders.hpp"

using namespace certd;
using namespace certd::test;

namespace {

std::vector<Identifier> names(std::vector<std::string> texts) {
    std::vector<Identifier> all;
    for (std::string& text : texts)
        all.push_back({Identifier::Type::dns, std::move(text)});
    return all;
}

HookRound round_of() {
    HookRound round;
    round.hooks = {"/etc/letsencrypt/renewal-hooks", minutes(3), "www", "/srv"};
    round.began = day(0);
    return round;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a round is over when nobody is left in it, and then takes nobody any more") {
    HookRound round = round_of();
    const std::size_t first = round.join("a", names({"a.example"}));
    const std::size_t second = round.join("b", names({"b.example"}));
    round.leave(first, HookUser::Outcome::renewed);
    CHECK_FALSE(round.is_over());
    CHECK(round.takes(day(0) + minutes(4)));
    round.leave(second, HookUser::Outcome::failed);
    CHECK(round.is_over());
    CHECK_FALSE(round.takes(day(0) + minutes(4)));
}

TEST_CASE("a round does not take renewals for ever, so that what was stopped comes back") {
    HookRound round = round_of();
    round.join("a", names({"a.example"}));
    CHECK(round.takes(day(0) + hook_round_takes_for - milliseconds(1)));
    CHECK_FALSE(round.takes(day(0) + hook_round_takes_for));
}

TEST_CASE("the scripts in post learn all names renewed and all that failed, each in the order of the renewals") {
    HookRound round = round_of();
    const std::size_t first = round.join("a", names({"a.example", "refused.a.example"}));
    const std::size_t second = round.join("b", names({"*.b.example", "b.example"}));
    round.join("c", names({"c.example"}));
    round.leave(first, HookUser::Outcome::renewed, names({"a.example"}));
    round.leave(second, HookUser::Outcome::renewed);
    CHECK(round.renewed_domains() == Texts{"a.example", "*.b.example", "b.example"});
    CHECK(round.failed_domains() == Texts{"c.example"});  // still running: it would be told of after a crash
    CHECK(round.lineages() == Texts{"a", "b", "c"});
}

TEST_CASE("rounds survive being written and read, and damage is told") {
    HookRound round = round_of();
    round.join("a", names({"a.example", "*.a.example"}));
    round.leave(round.join("b", {}), HookUser::Outcome::failed);
    const std::vector<HookRound> rounds{round, round_of()};
    CHECK(hook_rounds_from_json(parse_json(to_pretty_text(to_json(rounds))).value()).value() == rounds);
    Json damaged = to_json(rounds);
    damaged.set("rounds", Json::array({Json::object({{"hooks", Json::object()}, {"began", "2026-11-23T00:00:00Z"}})}));
    CHECK(hook_rounds_from_json(damaged).error().code == "storage.corrupt");
}
