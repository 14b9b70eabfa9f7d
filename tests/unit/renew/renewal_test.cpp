// What a renewal says of the version it replaces (RFC 9773 §5).
#include "daemon/renew/renewal.hpp"

#include "tests/support/catch.hpp"

using namespace certd;

namespace {

Identifier dns_name(std::string name) {
    return {Identifier::Type::dns, std::move(name)};
}

VersionFacts predecessor() {
    VersionFacts facts;
    facts.number = {3};
    facts.names = {dns_name("example.com"), dns_name("www.example.com")};
    facts.directory_url = "https://ca.example/directory";
    facts.serial = "0087654321";
    facts.authority_key_id = "69885b6b87464041e1b37b847ba0ae2cde01c8d4";
    return facts;
}

config::Ca ca_at(std::string directory) {
    config::Ca ca;
    ca.name = {"main"};
    ca.directory = std::move(directory);
    return ca;
}

const std::vector<Identifier> names{dns_name("www.example.com"), dns_name("new.example.com")};

}  // namespace

TEST_CASE("the newest version of the same CA is the predecessor") {
    VersionFacts newest = predecessor();
    CHECK(predecessor_at(ca_at("https://ca.example/directory"), &newest, names) ==
          "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
}

TEST_CASE("there is no predecessor at another CA, without a shared name, or without an identifier") {
    VersionFacts newest = predecessor();
    config::Ca ca = ca_at("https://ca.example/directory");
    CHECK(predecessor_at(ca, nullptr, names).empty());
    // The same name in the configuration, another server behind it.
    CHECK(predecessor_at(ca_at("https://staging.ca.example/directory"), &newest, names).empty());
    CHECK(predecessor_at(ca, &newest, {dns_name("other.example.com")}).empty());
    newest.authority_key_id.clear();
    CHECK(predecessor_at(ca, &newest, names).empty());
    newest = predecessor();
    newest.serial = "87654321";
    CHECK(predecessor_at(ca, &newest, names).empty());
    newest.serial = "not hex";
    CHECK(predecessor_at(ca, &newest, names).empty());
}
