// What must hold whatever happens: seeded lives of lineages in virtual time.
#include "tests/support/catch.hpp"
#include "tests/unit/lineage/lineage_builders.hpp"

#include <random>

using namespace certd;
using namespace certd::test;

namespace {

const Problem unreachable = problem("net.timeout", "No answer");

// Follows the plan to `end`, failing every attempt; the times of the attempts.
std::vector<Time> attempts_until(Scene& scene, Time now, Time end, const Problem& cause) {
    std::vector<Time> attempts;
    while (now < end) {
        Plan plan = scene.at(now);
        if (plan.action != Action::issue || plan.at > now) {
            REQUIRE((plan.at > now || plan.action == Action::issue));
            now = std::max(plan.at, now + milliseconds(1));
            continue;
        }
        attempts.push_back(now);
        scene.fail_issue(now, plan.ca->text, cause);
        now += seconds(1);
    }
    return attempts;
}

}  // namespace

TEST_CASE("400 days of a CA that always fails cost no more than the schedule's requests") {
    SECTION("with a certificate that expires meanwhile") {
        Scene scene(spec_of());
        std::vector<Time> attempts = attempts_until(scene, day(0), day(400), unreachable);
        CHECK(attempts.front() == day(60));
        CHECK(attempts.size() <= 3 + 340 + 1);  // 1 for the emergency point
        CHECK(attempts.size() >= 300);
        CHECK(std::ranges::find(attempts, day(75)) != attempts.end());
    }
    SECTION("without any certificate") {
        Scene scene;
        CHECK(attempts_until(scene, day(0), day(400), unreachable).size() <= 3 + 400);
    }
    SECTION("with two CAs that both fail") {
        Scene scene(spec_of({}, {"first", "second"}));
        CHECK(attempts_until(scene, day(0), day(400), unreachable).size() <= 2 * (3 + 340 + 1));
    }
    SECTION("with a problem that needs the operator") {
        Scene scene(spec_of());
        CHECK(attempts_until(scene, day(0), day(400), problem("acme.rejectedIdentifier", "No")).size() <= 340 + 1);
    }
}

TEST_CASE("a live certificate is always tried by its emergency point, unless the CA asked to wait") {
    std::mt19937 engine(7);
    for (int round = 0; round < 40; ++round) {
        Scene scene(spec_of());
        Duration lifetime = minutes(std::uniform_int_distribution<int>(30, 60 * 24 * 200)(engine));
        scene.live = scene.newest = facts_of(static_cast<std::uint32_t>(round + 1), day(0), lifetime);
        scene.jitter = minutes(std::uniform_int_distribution<int>(0, 600)(engine));
        Time emergency = emergency_point(*scene.live);
        std::vector<Time> attempts = attempts_until(scene, day(0), scene.live->not_after, unreachable);
        REQUIRE_FALSE(attempts.empty());
        CHECK(attempts.front() <= emergency);
        bool tried =
            std::ranges::any_of(attempts, [&](Time at) { return at >= emergency && at <= emergency + seconds(2); });
        CHECK((tried || attempts.front() == emergency));
    }
}

TEST_CASE("planning again at any moment does not move what was planned") {
    std::mt19937 engine(11);
    for (std::uint32_t number = 1; number <= 200; ++number) {
        Scene scene(spec_of());
        scene.live = scene.newest = facts_of(number);
        scene.jitter = hours(1);
        Time planned = scene.at(day(0)).at;
        for (int look = 0; look < 10; ++look) {
            Time now = day(0) + seconds(std::uniform_int_distribution<std::int64_t>(0, 60 * 86'400)(engine));
            CHECK(scene.at(now).at == planned);
        }
    }
}

TEST_CASE("renewals of many lineages issued at one moment spread over the jitter") {
    std::array<int, 6> buckets{};
    for (int number = 0; number < 6000; ++number) {
        Duration jitter = jitter_for("lineage-" + std::to_string(number), {1}, hours(1));
        ++buckets.at(static_cast<std::size_t>(jitter / minutes(10)));
    }
    for (int count : buckets)
        CHECK(std::abs(count - 1000) < 150);
}

TEST_CASE("no jump of the clock backwards makes a healthy lineage due") {
    Scene scene(spec_of({"web"}));
    for (std::int64_t back : {0, 1, 10, 365, 3650, 20'000}) {
        Plan plan = scene.at(day(30) - days(back));
        CHECK((plan.action == Action::none || plan.at > day(30) - days(back)));
    }
}

TEST_CASE("a plan's time never lies in a past that the scheduler would chase") {
    std::mt19937 engine(3);
    auto pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(engine); };
    for (int round = 0; round < 1000; ++round) {
        Scene scene(spec_of({"web", "mail"}, {"first", "second"}));
        if (pick(0, 2) == 0) scene.issue(facts_of(2, day(pick(0, 80))));
        if (pick(0, 3) == 0) scene.state.held = true;
        if (pick(0, 3) == 0) scene.state.rejected = {{2}};
        if (pick(0, 5) == 0) scene.live.reset();
        if (pick(0, 2) == 0) scene.state.targets = {failed("web", 1, 2, day(pick(0, 120)))};
        for (int count = pick(0, 5); count > 0; --count)
            scene.fail_issue(day(pick(50, 90)), pick(0, 1) ? "first" : "second");
        Time now = day(pick(0, 160));
        Plan plan = scene.at(now);
        REQUIRE_FALSE(plan.reasons.empty());
        REQUIRE((plan.action != Action::none || plan.at > now));
        REQUIRE((plan.action == Action::issue) == plan.ca.has_value());
        if (plan.action == Action::deploy) {
            const VersionFacts& wanted = plan.version == VersionNumber{2} ? *scene.newest : facts_of(1);
            REQUIRE(wanted.not_after > now);
            REQUIRE(std::ranges::find(scene.state.rejected, plan.version) == scene.state.rejected.end());
        }
    }
}
