#include "libacme/base/ids.hpp"
#include "tests/support/catch.hpp"

using namespace certd;

TEST_CASE("lineage names keep to their grammar (S19)") {
    for (const char* good : {"a", "example.com", "0-x_y.z", "example.com-0001"})
        CHECK(LineageName::parse(good));
    for (const std::string& bad :
         {std::string(), std::string("."), std::string(".."), std::string("a/b"), std::string("A"), std::string("*.a"),
          std::string("-a"), std::string("a."), std::string("ä"), std::string("a b"), std::string(65, 'a'),
          std::string("a\0b", 3)}) {
        CAPTURE(bad);
        Result<LineageName> name = LineageName::parse(bad);
        REQUIRE_FALSE(name);
        CHECK(name.error().code == "config.lineageName");
    }
}

TEST_CASE("identifiers are canonical: lower case, no final dot, short IPv6") {
    CHECK(parse_identifier("WWW.Example.COM.")->value == "www.example.com");
    CHECK(parse_identifier("*.example.com")->is_wildcard());
    CHECK(parse_identifier("192.0.2.1")->type == Identifier::Type::ip);
    CHECK(parse_identifier("2001:DB8:0:0:0:0:0:1")->value == "2001:db8::1");
    CHECK(parse_identifier("[::1]")->value == "::1");
}

TEST_CASE("names no certificate could be issued for are refused with the reason") {
    for (const std::string& bad :
         {std::string(), std::string("localhost"), std::string("a..b"), std::string("a b.example"), std::string("*"),
          std::string("*.*.example"), std::string("x.*.example"), std::string("-a.example"),
          std::string("münchen.example"), std::string(64, 'a') + ".example", std::string("1.2.3"),
          std::string("1.2.3.4.5"), std::string("a/b.example"), std::string("http://a.example")}) {
        CAPTURE(bad);
        Result<Identifier> identifier = parse_identifier(bad);
        REQUIRE_FALSE(identifier);
        CHECK(identifier.error().code == "config.name");
    }
}
