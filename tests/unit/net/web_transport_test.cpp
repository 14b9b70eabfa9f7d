// Plain HTTP as CRLs come by: within limits, through a proxy, and never more than was asked.
#include "libacme/net/web_transport.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/net/client_fixture.hpp"

using namespace certd;
using namespace certd::test;

namespace {

Task<HttpResponse> fetch(HttpsClientOptions options, HttpRequest request) {
    SystemClock clock;
    WebTransport transport(clock, std::move(options));
    co_return co_await transport.send(std::move(request));
}

std::string plain_url(const RawServer& server, const std::string& target) {
    return "http://127.0.0.1:" + std::to_string(server.port()) + target;
}

RawScript answer_with(std::string octets) {
    return {raw::Receive{}, raw::Send{std::move(octets)}};
}

std::string code_of(HttpsClientOptions options, const std::string& url) {
    try {
        run_task(fetch(std::move(options), get(url)));
    } catch (const Failure& failed) {
        return failed.problem().code;
    }
    return "none";
}

}  // namespace

TEST_CASE("an answer in the clear comes whole, with a length, in chunks or to the end of the connection") {
    for (const std::string& framing :
         {std::string("Content-Length: 5\r\n\r\nhello"),
          std::string("Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"),
          std::string("\r\nhello")}) {
        RawServer server({}, answer_with("HTTP/1.1 200 OK\r\nETag: \"x\"\r\n" + framing));
        HttpResponse response = run_task(fetch(client_options(), get(plain_url(server, "/7.crl"))));
        CHECK(response.status == 200);
        CHECK(response.body == "hello");
        CHECK(response.headers.find("ETag") == "\"x\"");
        REQUIRE(server.requests().size() == 1);
        CHECK(server.requests().front().starts_with("GET /7.crl HTTP/1.1\r\n"));
        CHECK(server.requests().front().find("Connection: close\r\n") != std::string::npos);
    }
}

TEST_CASE("an https URL is fetched with TLS, from nobody but its host") {
    RawServer server(tls_options(), answer_with("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    CHECK(run_task(fetch(client_options(), get(server.url("/x")))).body == "ok");
    RawServer other(tls_options({"elsewhere.test"}), answer_with("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    CHECK(code_of(client_options(), other.url("/x")) == "tls.wrongName");
}

TEST_CASE("a redirect is an answer like any other") {
    RawServer server({},
                     answer_with("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"));
    CHECK(run_task(fetch(client_options(), get(plain_url(server, "/")))).status == 302);
}

TEST_CASE("a proxy is asked for the whole URL") {
    RawServer proxy({}, answer_with("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    HttpsClientOptions options = client_options();
    options.proxy = value_or_fail(parse_url(plain_url(proxy, "")));
    CHECK(run_task(fetch(options, get("http://crl.test:8080/7.crl"))).body == "ok");
    CHECK(proxy.requests().front().starts_with("GET http://crl.test:8080/7.crl HTTP/1.1\r\nHost: crl.test:8080\r\n"));
}

TEST_CASE("what is too large, cut off, no HTTP or without end is refused") {
    HttpsClientOptions options = client_options();
    options.body_limit = 1000;
    options.request_timeout = milliseconds(300);
    const std::string head = "HTTP/1.1 200 OK\r\n";
    struct Bad {
        RawScript script;
        std::string code;
    };
    const std::vector<Bad> bad = {
        {answer_with(head + "Content-Length: 1001\r\n\r\n"), "net.tooLarge"},
        {answer_with(head + "\r\n" + std::string(5000, 'x')), "net.tooLarge"},
        {answer_with(head + "Content-Length: 10\r\n\r\nhello"), "net.closed"},
        {answer_with(head + "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok"), "net.malformed"},
        {answer_with("SSH-2.0-x\r\n"), "net.malformed"},
        {{raw::Receive{}, raw::Close{}}, "net.closed"},
        {{raw::Receive{}, raw::Hold{}}, "net.timeout"},
        {{raw::Receive{}, raw::Send{head + "Content-Length: 900\r\n\r\n"},
          raw::Drip{"x", std::chrono::milliseconds(20)}},
         "net.timeout"},
    };
    for (std::size_t i = 0; i < bad.size(); ++i) {
        INFO(i);
        RawServer server({}, bad[i].script);
        CHECK(code_of(options, plain_url(server, "/")) == bad[i].code);
    }
}
