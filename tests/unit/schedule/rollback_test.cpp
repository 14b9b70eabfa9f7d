#include "daemon/schedule/rollback.hpp"
#include "tests/support/catch.hpp"

using namespace certd;

namespace {

const Time now{days(1000)};

VersionFacts version(std::uint32_t number, Duration left) {
    VersionFacts facts;
    facts.number = {number};
    facts.not_after = now + left;
    return facts;
}

LineageState live(std::uint32_t number, std::vector<VersionNumber> rejected = {}) {
    LineageState state;
    state.live = {number};
    state.rejected = std::move(rejected);
    return state;
}

}  // namespace

TEST_CASE("the newest valid version below the live one is chosen, passing over rejected and expired ones") {
    std::vector<VersionFacts> versions = {version(1, days(1)),  version(2, days(5)),  version(3, -days(1)),
                                          version(4, days(40)), version(5, days(60)), version(6, days(80))};
    CHECK(choose_rollback(live(5, {{4}}), versions, {}, now) == VersionNumber{2});
    CHECK(choose_rollback(live(5), versions, {}, now) == VersionNumber{4});
    CHECK(choose_rollback(live(1), versions, {}, now).error().code == "control.noSuchVersion");
}

TEST_CASE("a version asked for must exist, not be live and not be expired in place of a valid one") {
    std::vector<VersionFacts> versions = {version(1, -days(1)), version(2, days(5)), version(3, days(6))};
    CHECK(choose_rollback(live(2), versions, {3}, now) == VersionNumber{3});
    CHECK(choose_rollback(live(2), versions, {2}, now).error().code == "control.noSuchVersion");
    CHECK(choose_rollback(live(2), versions, {9}, now).error().code == "control.noSuchVersion");
    CHECK(choose_rollback(live(2), versions, {1}, now).error().code == "control.versionExpired");
    CHECK(choose_rollback(live(2, {{3}}), versions, {3}, now).error().code == "control.versionRejected");
    versions[1].not_after = now - days(2);
    CHECK(choose_rollback(live(2), versions, {1}, now) == VersionNumber{1});
}
