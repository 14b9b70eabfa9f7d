#include "daemon/import/names.hpp"
#include "tests/support/catch.hpp"

using namespace certd;
using namespace certd::certbot;

namespace {

std::string name_of(const std::map<std::string, LineageName>& names, const std::string& name) {
    return names.at(name).text();
}

}  // namespace

TEST_CASE("certbot's names stay as they are where they fit, and are told apart where they do not") {
    const std::string long_name = std::string(70, 'a') + ".example.com";
    auto names = lineage_names({"example.com-0001", "Example.org", "example.org", "SHOP.example", "a b", "a+b", "..",
                                long_name, "bücher.example"});
    CHECK(name_of(names, "example.com-0001") == "example.com-0001");
    CHECK(name_of(names, "example.org") == "example.org");
    CHECK(name_of(names, "SHOP.example") == "shop.example");
    CHECK(name_of(names, "..") == "lineage");
    CHECK(name_of(names,
                  "b\xC3\xBC"
                  "cher.example") == "b--cher.example");
    // Whose place is taken, and who would share one, is marked.
    CHECK(name_of(names, "Example.org").starts_with("example.org-"));
    CHECK(name_of(names, "a b").starts_with("a-b-"));
    CHECK(name_of(names, "a b") != name_of(names, "a+b"));
    CHECK(name_of(names, long_name).size() == 64);
    std::set<std::string> distinct;
    for (const auto& [name, made] : names)
        distinct.insert(made.text());
    CHECK(distinct.size() == names.size());
}

TEST_CASE("a name in use gets the next number behind it") {
    std::set<std::string> taken = {"web", "web-2"};
    CHECK(unused_name("web", taken) == "web-3");
    CHECK(unused_name("web", taken) == "web-4");
    CHECK(unused_name("mail", taken) == "mail");
}
