// Hosts grouped by what they serve, and the sentence that is made of it.
#include "daemon/lineage/served_by.hpp"
#include "tests/support/catch.hpp"

using namespace certd;

namespace {

TargetState host(std::string name, std::uint32_t version, std::string fingerprint,
                 HostState state = HostState::deployed) {
    TargetState made;
    made.target = {"fleet"};
    made.host = std::move(name);
    made.state = state;
    made.version = {version};
    made.served_fingerprint = std::move(fingerprint);
    return made;
}

const std::string four(64, '4'), five(64, '5'), strange(64, 'e');

}  // namespace

TEST_CASE("hosts are grouped by what they were seen to serve, the highest version first") {
    const auto groups = group_by_served({host("web1", 4, four), host("web2", 5, five), host("web3", 4, four)}, {});
    REQUIRE(groups.size() == 2);
    CHECK(groups[0] == ServedBy{{5}, five, {"web2"}});
    CHECK(groups[1] == ServedBy{{4}, four, {"web1", "web3"}});
    CHECK(describe(groups, 10) == "version 5 (55555555) on web2; version 4 (44444444) on web1, web3");
}

TEST_CASE("what a host serves counts, not what was sent to it") {
    // The deployment of version 5 failed when it was looked at, and version 4 is what is still served.
    const auto groups = group_by_served({host("web1", 5, five), host("web2", 4, five, HostState::failed)}, {});
    REQUIRE(groups.size() == 1);
    CHECK(groups[0].hosts == std::vector<std::string>{"web1", "web2"});
}

TEST_CASE("a host that waits is known to serve what it had") {
    const auto groups =
        group_by_served({host("web1", 4, four, HostState::failed), host("web2", 4, four, HostState::pending)}, {});
    REQUIRE(groups.size() == 1);
    CHECK(groups[0].version == VersionNumber{4});
}

TEST_CASE("a certificate that is no version's, and a host that never showed any, are told apart") {
    const auto groups = group_by_served({host("web3", 0, ""), host("web2", 4, strange, HostState::failed),
                                         host("web1", 4, four), host("web4", 4, "", HostState::deployed)},
                                        {});
    CHECK(describe(groups, 10) ==
          "version 4 (44444444) on web1; another certificate (eeeeeeee) on web2; version 4, not looked at, on web4; "
          "nothing that was ever seen on web3");
}

TEST_CASE("the certificates of all keys of a version are that version") {
    VersionFacts facts;
    facts.number = {4};
    facts.fingerprint = four;
    facts.further.emplace_back().fingerprint = strange;
    VersionsByFingerprint known;
    add_fingerprints(known, facts);
    const auto groups = group_by_served({host("web1", 4, four), host("web2", 4, strange, HostState::failed)}, known);
    REQUIRE(groups.size() == 1);
    CHECK(groups[0].version == VersionNumber{4});
}

TEST_CASE("of many hosts the first are named and the others counted") {
    std::vector<TargetState> hosts;
    for (int number = 1; number <= 200; ++number)
        hosts.push_back(host("web" + std::to_string(number), 4, four));
    CHECK(describe(group_by_served(hosts, {}), 3) == "version 4 (44444444) on web1, web2, web3 and 197 more");
    CHECK(list_hosts({"a", "b"}, 2) == "a, b");
}
