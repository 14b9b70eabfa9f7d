// Which hosts come first.
#include "daemon/deploy/rollout_order.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <set>

using namespace certd;
using Order = config::Rollout::Order;

namespace {

std::vector<Place> fleet(std::size_t count) {
    std::vector<Place> places;
    for (std::size_t number = 1; number <= count; ++number)
        places.push_back({{"fleet"}, "web" + std::to_string(number)});
    return places;
}

std::vector<std::string> order_of(Order order, std::vector<TargetState> known = {}, std::uint32_t version = 2,
                                  std::size_t count = 4, const std::string& lineage = "shop") {
    std::vector<std::string> names;
    for (const Place& place : in_rollout_order(fleet(count), order, lineage, {version}, known))
        names.push_back(place.host);
    return names;
}

TargetState failed(std::string host, std::uint32_t wanted, HostState state = HostState::failed) {
    TargetState made;
    made.target = {"fleet"};
    made.host = std::move(host);
    made.state = state;
    made.wanted = {wanted};
    made.problem = problem("host.unreachable", "It cannot be reached");
    return made;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("hosts come as they are listed, or the other way round") {
    CHECK(order_of(Order::listed) == Names{"web1", "web2", "web3", "web4"});
    CHECK(order_of(Order::reversed) == Names{"web4", "web3", "web2", "web1"});
}

TEST_CASE("a shuffled order is the same every time, and another one for each version and lineage") {
    const Names once = order_of(Order::shuffled, {}, 2, 20);
    CHECK(order_of(Order::shuffled, {}, 2, 20) == once);
    CHECK(std::set(once.begin(), once.end()).size() == 20);
    CHECK(order_of(Order::shuffled, {}, 3, 20) != once);
    CHECK(order_of(Order::shuffled, {}, 2, 20, "blog") != once);
}

TEST_CASE("a host that is added to a shuffled order moves no other") {
    Names larger = order_of(Order::shuffled, {}, 2, 21);
    std::erase(larger, "web21");
    CHECK(larger == order_of(Order::shuffled, {}, 2, 20));
}

TEST_CASE("a shuffled order makes each host a canary in time") {
    std::set<std::string> canaries;
    for (std::uint32_t version = 1; version <= 60; ++version)
        canaries.insert(order_of(Order::shuffled, {}, version).front());
    CHECK(canaries.size() == 4);
}

TEST_CASE("a host that failed with this version is asked first whether it is mended, the others wait for it") {
    CHECK(order_of(Order::listed, {failed("web3", 2)}) == Names{"web3", "web1", "web2", "web4"});
    CHECK(order_of(Order::reversed, {failed("web1", 2, HostState::rolled_back)}) ==
          Names{"web1", "web4", "web3", "web2"});
    CHECK(order_of(Order::shuffled, {failed("web2", 2)}).front() == "web2");
}

TEST_CASE("a host that failed with an earlier version comes last: it would be a canary that shows nothing") {
    CHECK(order_of(Order::listed, {failed("web1", 1)}) == Names{"web2", "web3", "web4", "web1"});
}

TEST_CASE("a host that went back because of others keeps its place") {
    TargetState back = failed("web1", 1, HostState::rolled_back);
    back.problem = problem("deploy.rolledBack", "Version 1 was taken back");
    CHECK(order_of(Order::listed, {back}) == Names{"web1", "web2", "web3", "web4"});
}
