#include "libacme/net/request_parser.hpp"
#include "tests/support/catch.hpp"

using namespace certd;
using State = RequestParser::State;

namespace {

constexpr std::size_t header_limit = 8 * 1024;
constexpr std::size_t body_limit = 64 * 1024;

// The status a request is refused with, 0 when it is complete, -1 when more is wanted. Whole and octet by octet alike.
int verdict(const std::string& octets) {
    const auto of = [](RequestParser& parser, State state) {
        return state == State::complete ? 0 : state == State::more ? -1 : parser.status();
    };
    RequestParser whole(header_limit, body_limit);
    auto input = octets;
    const int at_once = of(whole, whole.consume(input));

    RequestParser drop_by_drop(header_limit, body_limit);
    auto state = State::more;
    std::string pending;
    for (std::size_t i = 0; i < octets.size() && state == State::more; ++i) {
        pending += octets[i];
        state = drop_by_drop.consume(pending);
    }
    CHECK(of(drop_by_drop, state) == at_once);
    return at_once;
}

}  // namespace

TEST_CASE("requests are taken one after another from one stream of octets") {
    RequestParser parser(header_limit, body_limit);
    std::string input =
        "GET /a?b=c HTTP/1.1\r\nHost: x\r\nX: y\r\n\r\n\r\nPOST /d HTTP/1.1\r\nHost: x\r\nContent-Length: "
        "3\r\n\r\nabcGET /e";
    REQUIRE(parser.consume(input) == State::complete);
    const auto first = parser.take();
    CHECK(first.method == "GET");
    CHECK(first.target == "/a?b=c");
    CHECK(first.headers.find("x") == "y");
    CHECK(first.keep_alive);
    REQUIRE(parser.consume(input) == State::complete);
    CHECK(parser.take().body == "abc");
    CHECK(parser.consume(input) == State::more);
    CHECK(parser.begun());
}

TEST_CASE("chunked bodies are joined and HTTP/1.0 closes after its answer") {
    RequestParser parser(header_limit, body_limit);
    std::string input =
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n";
    REQUIRE(parser.consume(input) == State::complete);
    CHECK(parser.take().body == "abcd");
    input = "GET / HTTP/1.0\r\n\r\n";
    REQUIRE(parser.consume(input) == State::complete);
    const auto old = parser.take();
    CHECK_FALSE(old.http11);
    CHECK_FALSE(old.keep_alive);
}

TEST_CASE("what is not a request for us is refused with the fitting status") {
    const std::string host = "Host: x\r\n";
    CHECK(verdict("GET / HTTP/1.1\r\n" + host + "\r\n") == 0);
    CHECK(verdict("GET / HTTP/1.1\r\n" + host) == -1);
    CHECK(verdict("") == -1);
    CHECK(verdict("GET /\r\n\r\n") == 400);  // HTTP/0.9
    CHECK(verdict("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == 400);
    CHECK(verdict("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n") == 400);  // TLS
    CHECK(verdict("GET http://x/ HTTP/1.1\r\n" + host + "\r\n") == 400);
    CHECK(verdict("GET //x/ HTTP/1.1\r\n" + host + "\r\n") == 0);
    CHECK(verdict("OPTIONS * HTTP/1.1\r\n" + host + "\r\n") == 400);
    CHECK(verdict("CONNECT x:443 HTTP/1.1\r\n" + host + "\r\n") == 405);
    CHECK(verdict("TRACE / HTTP/1.1\r\n" + host + "\r\n") == 405);
    CHECK(verdict("GET /#x HTTP/1.1\r\n" + host + "\r\n") == 400);
    CHECK(verdict("GET / HTTP/1.1\r\n\r\n") == 400);  // no Host
    CHECK(verdict("GET / HTTP/1.1\r\n" + host + host + "\r\n") == 400);
    CHECK(verdict("GET / HTTP/1.1\r\n" + host + "X Y: z\r\n\r\n") == 400);
    CHECK(verdict("POST / HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n") == 400);
    CHECK(verdict("POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab") == 400);
    CHECK(verdict("POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") ==
          400);
    CHECK(verdict("POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\n") == 501);
    CHECK(verdict("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") == 400);
    CHECK(verdict("POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n") == 400);
}

TEST_CASE("limits of line, header and body have a status each") {
    const std::string start = "POST / HTTP/1.1\r\nHost: x\r\n";
    CHECK(verdict("GET /" + std::string(10'000, 'a') + " HTTP/1.1\r\n\r\n") == 414);
    CHECK(verdict(start + "X: " + std::string(10'000, 'a') + "\r\n\r\n") == 431);
    CHECK(verdict(start + "Content-Length: 65536\r\n\r\n" + std::string(65536, 'x')) == 0);
    CHECK(verdict(start + "Content-Length: 65537\r\n\r\n") == 413);
    CHECK(verdict(start + "Content-Length: 18446744073709551616\r\n\r\n") == 400);
    CHECK(verdict(start + "Transfer-Encoding: chunked\r\n\r\n10001\r\n") == 413);
    CHECK(verdict(start + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(20'000, 'x')) == 413);
}

TEST_CASE("a client that waits for 100 Continue is noticed once") {
    RequestParser parser(header_limit, body_limit);
    std::string input = "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n";
    CHECK(parser.consume(input) == State::more);
    CHECK(parser.wants_continue());
    CHECK_FALSE(parser.wants_continue());
    input = "x";
    CHECK(parser.consume(input) == State::complete);
}
