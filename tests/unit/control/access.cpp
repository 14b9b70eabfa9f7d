// Roles from peer credentials.
#include "daemon/control/access.hpp"

#include "tests/support/catch.hpp"
#include "tests/unit/control/fake_operations.hpp"

#include <unistd.h>

using namespace certd;
using namespace certd::control;
using namespace certd::test;

namespace {

Role role(uid_t uid) {
    return role_of(ControlWorld::rules(), {"unix", uid, gid_t{100}, pid_t{1}});
}

}  // namespace

TEST_CASE("roles follow from uid and groups") {
    CHECK(role(0) == Role::admin);
    CHECK(role(900) == Role::admin);
    CHECK(role(1) == Role::operator_);
    CHECK(role(2) == Role::viewer);
    CHECK(role(3) == Role::none);
    CHECK(role(4) == Role::admin);
}

TEST_CASE("a peer without credentials has no role") {
    CHECK(role_of(ControlWorld::rules(), {"127.0.0.1:1", std::nullopt, std::nullopt, std::nullopt}) == Role::none);
    CHECK(role_of(ControlWorld::rules(), {"unix", uid_t{0}, std::nullopt, std::nullopt}) == Role::none);
}

TEST_CASE("an empty control group lets nobody in, not even somebody whose group has no name") {
    AccessRules rules = ControlWorld::rules();
    rules.control = {};
    rules.control.group = "";
    rules.groups_of = [](uid_t, gid_t) { return std::vector<std::string>{"", "users"}; };
    CHECK(role_of(rules, {"unix", uid_t{1}, gid_t{1}, pid_t{1}}) == Role::none);
    CHECK(role_of(rules, {"unix", uid_t{0}, gid_t{0}, pid_t{1}}) == Role::admin);
    rules.groups_of = nullptr;
    CHECK(role_of(rules, {"unix", uid_t{1}, gid_t{1}, pid_t{1}}) == Role::none);
}

TEST_CASE("the system's groups of root include root, those of an unknown uid only the group given") {
    std::vector<std::string> groups = system_groups_of(0, 0);
    CHECK(std::ranges::find(groups, "root") != groups.end());
    CHECK(system_groups_of(4'000'000'000, 0) == std::vector<std::string>{"root"});
    CHECK(system_groups_of(4'000'000'000, 4'000'000'000).empty());
}

TEST_CASE("groups are looked up once a minute") {
    VirtualClock clock;
    int lookups = 0;
    GroupsOf groups = cached(clock, [&](uid_t, gid_t) {
        ++lookups;
        return std::vector<std::string>{"users"};
    });
    CHECK(groups(1, 1) == std::vector<std::string>{"users"});
    groups(1, 1);
    CHECK(lookups == 1);
    groups(1, 2);
    CHECK(lookups == 2);
    asio::io_context io;
    clock.run_until(io, virtual_start + seconds(61));
    groups(1, 1);
    CHECK(lookups == 3);
    for (uid_t uid = 10; uid < 5000; ++uid)
        groups(uid, 1);
    CHECK(groups(1, 1).size() == 1);
}
