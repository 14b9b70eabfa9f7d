#include "libacme/net/http.hpp"
#include "tests/support/catch.hpp"

using namespace certd;

namespace {

std::vector<std::string> links_of(std::initializer_list<std::string> values) {
    HttpHeaders headers;
    for (const auto& value : values)
        headers.add("link", value);
    std::vector<std::string> found;
    for (const auto& link : links(headers))
        found.push_back(link.relation + " " + link.target);
    return found;
}

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("headers are found without regard to case, the first first") {
    HttpHeaders headers;
    headers.add("Replay-Nonce", "a");
    headers.add("replay-nonce", "b");
    CHECK(headers.find("REPLAY-NONCE") == "a");
    CHECK(headers.all("Replay-Nonce") == std::vector<std::string_view>{"a", "b"});
    CHECK_FALSE(headers.find("Location"));
}

TEST_CASE("links are read from repeated and from comma-joined headers") {
    CHECK(links_of({"<https://ca/dir>;rel=\"index\""}) == Strings{"index https://ca/dir"});
    CHECK(links_of({"<a>; rel=up, <b> ; rel = \"alternate\"", "<c>;rel=alternate"}) ==
          Strings{"up a", "alternate b", "alternate c"});
    CHECK(links_of({"<a>;title=\"x, <y>; rel=\\\"no\\\"\";rel=up"}) == Strings{"up a"});
    CHECK(links_of({"<a,b;c>;rel=up"}) == Strings{"up a,b;c"});
    CHECK(links_of({"<a>;rel=\"up Index\""}) == Strings{"up a", "index a"});
    CHECK(links_of({"<a>;REL=UP;rel=down"}) == Strings{"up a"});
    CHECK(links_of({"<>;rel=self"}) == Strings{"self "});
}

TEST_CASE("malformed links are left out without harm to their neighbours") {
    CHECK(links_of({"", ",,", " , "}).empty());
    CHECK(links_of({"<a", "a;rel=up", "<a>", "<a>;rel", "<a>;rel=\"\"", "<a>;rel=\"  \""}).empty());
    CHECK(links_of({"a;rel=\"x,y\", <b>;rel=up"}) == Strings{"up b"});
    CHECK(links_of({"<a> x, <b>;rel=up"}) == Strings{"up b"});
    CHECK(links_of({"<a>;rel=\"up"}) == Strings{"up a"});
    CHECK(links_of({"<a>;rel=\"up\\"}) == Strings{"up\\ a"});
}

TEST_CASE("a thousand links are read, and a long hostile header ends") {
    std::string many;
    for (int i = 0; i < 1000; ++i)
        many += "<x>;rel=alternate,";
    CHECK(links_of({many}).size() == 1000);
    CHECK(links_of({std::string(60000, '<'), std::string(60000, ';'), std::string(60000, '"')}).empty());
}

TEST_CASE("the media type loses parameters and case") {
    const auto type = [](const std::string& value) {
        HttpHeaders headers;
        headers.add("Content-Type", value);
        return media_type(headers);
    };
    CHECK(type("application/problem+json; charset=utf-8") == "application/problem+json");
    CHECK(type(" Application/JSON ;x") == "application/json");
    CHECK(media_type({}) == "");
}
