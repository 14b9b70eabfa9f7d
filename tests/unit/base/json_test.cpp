#include "libacme/base/json.hpp"
#include "tests/support/catch.hpp"

using namespace certd;

TEST_CASE("JSON text survives being read and written") {
    const std::string text = R"({"a":[1,-2,2.5,true,null,"x\u0000y"],"b":{"c":{}},"big":9223372036854775807})";
    Result<Json> json = parse_json(text);
    REQUIRE(json);
    CHECK(to_text(*json) == text);
    CHECK(parse_json(to_pretty_text(*json)) == json);
    CHECK((*json)["a"].if_array()->size() == 6);
    CHECK((*json)["missing"]["deeper"].is_null());
    CHECK(json->int_or("big") == 9223372036854775807);
}

TEST_CASE("hostile JSON is refused with a problem (F16)") {
    std::string deep(100000, '[');
    for (const std::string& text :
         {std::string("{"), deep, std::string(R"({"a":1,"a":2})"), std::string("1e400"),
          std::string("18446744073709551615"), std::string(R"("\ud800")"), std::string("\"\xff\""),
          std::string("[1] x"), std::string(""), std::string("nul"), std::string(2 << 20, ' ')}) {
        CAPTURE(text.substr(0, 40));
        Result<Json> json = parse_json(text);
        REQUIRE_FALSE(json);
        CHECK(json.error().code == "json.malformed");
    }
}

TEST_CASE("an object with very many keys is read, and a key that stands twice among them refused") {
    std::string text = "{";
    for (int i = 0; i < 20000; ++i)
        text += "\"k" + std::to_string(i) + "\":" + std::to_string(i) + ",";
    CHECK(parse_json(text + "\"last\":0}"));
    CHECK_FALSE(parse_json(text + "\"k7\":0}"));
}

TEST_CASE("octets that are not UTF-8 are written visibly") {
    std::string text = to_text(Json("a\xff"));
    CHECK(text == R"("a\\xFF")");
    CHECK(parse_json(text));
}

TEST_CASE("members are added, replaced and looked up by type") {
    Json json = Json::object({{"n", 1}});
    json.set("n", 2).set("s", "text");
    json.set("list", Json::array({"a", 1, "b"}));
    CHECK(json.int_or("n") == 2);
    CHECK(json.string_or("n", "fallback") == "fallback");
    CHECK(json.strings("list") == std::vector<std::string>{"a", "b"});
    CHECK(json["s"].if_int() == nullptr);
    Json list;
    list.push(1).push(2);
    CHECK(to_text(list) == "[1,2]");
}

TEST_CASE("a Problem survives JSON with its parts and times") {
    Problem problem = certd::problem("acme.rateLimited", "Cannot order", "too many");
    problem.not_before = parse_rfc3339("2026-11-23T00:00:00Z");
    problem.parts.push_back(certd::problem("acme.dns", "a.example", "NXDOMAIN"));
    Result<Json> json = parse_json(to_text(to_json(problem)));
    REQUIRE(json);
    CHECK(problem_from_json(*json) == problem);
}
