#include "libacme/net/https_client.hpp"

#include "libacme/async/timeout.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/net/client_fixture.hpp"

#include <fstream>

using namespace certd;
using namespace certd::test;

namespace {

const RawScript two_answers = {raw::Receive{}, raw::Send{http_answer(200, "one")}, raw::Receive{},
                               raw::Send{http_answer(200, "two")}, raw::Hold{}};

}  // namespace

TEST_CASE("an exchange carries method, target, headers and body, and brings status, headers and body back") {
    RawServer server(
        tls_options(),
        RawScript{raw::Receive{}, raw::Send{http_answer(201, "hello", "Location: /x\r\nLink: <a>;rel=up\r\n")}});
    with_client(client_options(), [&](HttpsClient& client) -> Task<> {
        auto request = post(server.url("/acme/new?x=%2F"), "{\"a\":1}");
        request.headers.add("Content-Type", "application/jose+json");
        const auto response = co_await client.send(std::move(request));
        CHECK(response.status == 201);
        CHECK(response.body == "hello");
        CHECK(response.headers.find("location") == "/x");
        CHECK(links(response.headers).size() == 1);
    });
    const auto seen = server.requests().at(0);
    CHECK(
        seen.starts_with("POST /acme/new?x=%2F HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) + "\r\n"));
    CHECK(seen.find("\r\nUser-Agent: certd/") != std::string::npos);
    CHECK(seen.find(" Boost.Beast/") != std::string::npos);
    CHECK(seen.find("\r\nContent-Type: application/jose+json\r\n") != std::string::npos);
    CHECK(seen.find("Accept-Encoding") == std::string::npos);
    CHECK(seen.ends_with("\r\nContent-Length: 7\r\n\r\n{\"a\":1}"));
}

TEST_CASE("requests one after another use one connection") {
    RawServer server(tls_options(), two_answers);
    with_client(client_options(), [&](HttpsClient& client) -> Task<> {
        CHECK((co_await client.send(get(server.url("/1")))).body == "one");
        CHECK((co_await client.send(post(server.url("/2"), "x"))).body == "two");
    });
    CHECK(server.connections() == 1);
}

TEST_CASE("chunked answers, empty ones, answers to HEAD and answers up to the close are understood") {
    const std::string chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: x\r\n\r\n";
    RawServer server(
        tls_options(),
        RawScript{raw::Receive{}, raw::Send{chunked}, raw::Receive{}, raw::Send{"HTTP/1.1 204 No\r\n\r\n"},
                  raw::Receive{}, raw::Send{"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"}, raw::Receive{},
                  raw::Send{"HTTP/1.1 103 Hints\r\nLink: <x>;rel=y\r\n\r\nHTTP/1.1 200 OK\r\n\r\nto the "},
                  raw::Send{"end"}, raw::Close{}});
    with_client(client_options(), [&](HttpsClient& client) -> Task<> {
        CHECK((co_await client.send(get(server.url("/")))).body == "abcde");
        CHECK((co_await client.send(get(server.url("/")))).status == 204);
        auto head = get(server.url("/"));
        head.method = "HEAD";
        CHECK((co_await client.send(head)).headers.find("content-length") == "99");
        CHECK((co_await client.send(get(server.url("/")))).body == "to the end");
    });
    CHECK(server.connections() == 1);
}

TEST_CASE("a redirect is an answer like any other and is never followed") {
    RawServer elsewhere(tls_options(), RawScript{});
    RawServer server(
        tls_options(),
        RawScript{raw::Receive{}, raw::Send{http_answer(302, "", "Location: " + elsewhere.url("/") + "\r\n")}});
    with_client(client_options(), [&](HttpsClient& client) -> Task<> {
        CHECK((co_await client.send(get(server.url("/")))).status == 302);
    });
    CHECK(elsewhere.connections() == 0);
}

TEST_CASE("a kept connection that the server has closed is replaced before anything is sent on it") {
    RawServer server(tls_options(), RawScript{raw::Receive{}, raw::Send{http_answer(200, "x")}, raw::Close{}});
    with_client(client_options(), [&](HttpsClient& client) -> Task<> {
        SystemClock clock;
        for (int i = 0; i < 3; ++i) {
            CHECK((co_await client.send(post(server.url("/"), "body"))).body == "x");
            co_await clock.sleep(milliseconds(30));  // the close_notify is on its way
        }
    });
    CHECK(server.connections() == 3);
}

TEST_CASE(
    "on a kept connection that ends before an answer, a request without body is sent again and one with a body is "
    "not") {
    const auto script = [](std::size_t connection) {
        return connection == 0
                   ? RawScript{raw::Receive{}, raw::Send{http_answer(200, "x")}, raw::Receive{}, raw::Close{}}
                   : RawScript{raw::Receive{}, raw::Send{http_answer(200, "again")}, raw::Hold{}};
    };
    SECTION("without body") {
        RawServer server(tls_options(), script);
        with_client(client_options(), [&](HttpsClient& client) -> Task<> {
            co_await client.send(get(server.url("/")));
            CHECK((co_await client.send(get(server.url("/")))).body == "again");
        });
        CHECK(server.connections() == 2);
    }
    SECTION("with a body") {
        RawServer server(tls_options(), script);
        with_client(client_options(), [&](HttpsClient& client) -> Task<> {
            co_await client.send(get(server.url("/")));
            std::string code;
            try {
                co_await client.send(post(server.url("/"), "x"));
            } catch (const Failure& failure) {
                code = failure.problem().code;
            }
            CHECK(code == "net.closed");
            CHECK((co_await client.send(post(server.url("/"), "x"))).body == "again");
        });
        CHECK(server.connections() == 2);
    }
}

TEST_CASE("a fresh connection that ends before an answer is not tried again") {
    RawServer server(tls_options(), RawScript{raw::Receive{}, raw::Close{}});
    CHECK(problem_of_request(get(server.url("/"))).code == "net.closed");
    CHECK(server.connections() == 1);
}

TEST_CASE("a connection is not kept when the server says so, or when it sent more than its answer") {
    const std::string extra =
        GENERATE(http_answer(200, "x", "Connection: close\r\n"), http_answer(200, "x") + "HTTP/1.1 200 OK\r\n",
                 std::string("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx"));
    RawServer server(tls_options(), RawScript{raw::Receive{}, raw::Send{extra}, raw::Hold{}});
    with_client(client_options(), [&](HttpsClient& client) -> Task<> {
        CHECK((co_await client.send(get(server.url("/")))).body == "x");
        CHECK((co_await client.send(get(server.url("/")))).body == "x");
    });
    CHECK(server.connections() == 2);
}

TEST_CASE("no more idle connections are kept than allowed, and none beyond its time") {
    RawServer server(tls_options(), two_answers);
    auto options = client_options();
    SECTION("count") {
        options.idle_connections = 0;
    }
    SECTION("time") {
        options.idle_timeout = milliseconds(0);
    }
    with_client(options, [&](HttpsClient& client) -> Task<> {
        co_await client.send(get(server.url("/")));
        client.drop_stale();
        CHECK((co_await client.send(get(server.url("/")))).body == "one");
    });
    CHECK(server.connections() == 2);
}

TEST_CASE("a new connection to the same origin resumes the TLS session") {
    RawServer server(tls_options(), RawScript{raw::Receive{}, raw::Send{http_answer(200, "x")}, raw::Close{}});
    with_client(client_options(), [&](HttpsClient& client) -> Task<> {
        for (int i = 0; i < 3; ++i)
            co_await client.send(get(server.url("/")));
    });
    CHECK(server.connections() == 3);
    CHECK(server.resumptions() == 2);
}

TEST_CASE("the server name is sent for a host name and not for an address") {
    RawServer server(tls_options(), RawScript{raw::Receive{}, raw::Send{http_answer(200, "x")}});
    with_client(client_options(), [&](HttpsClient& client) -> Task<> {
        CHECK((co_await client.send(get(server.url("/", "localhost")))).body == "x");
        CHECK((co_await client.send(get(server.url("/", "127.0.0.1")))).body == "x");
    });
    CHECK(server.server_names() == std::vector<std::string>{"localhost", ""});
}

TEST_CASE("a request that is cancelled ends at once and its connection with it") {
    RawServer server(tls_options(), RawScript{raw::Receive{}, raw::Hold{}});
    with_client(client_options(), [&](HttpsClient& client) -> Task<> {
        SystemClock clock;
        std::string code;
        try {
            co_await with_timeout(clock, milliseconds(100), "test.cancelled", "", client.send(get(server.url("/"))));
        } catch (const Failure& failure) {
            code = failure.problem().code;
        }
        CHECK(code == "test.cancelled");
        try {
            co_await with_timeout(clock, milliseconds(100), "test.cancelled", "", client.send(get(server.url("/"))));
        } catch (const Failure&) {}
    });
    CHECK(server.connections() == 2);
}

TEST_CASE("the round trip of an exchange on a kept connection is measured") {
    RawServer server(tls_options(), RawScript{raw::Receive{}, raw::Send{http_answer(200, "x")}, raw::Receive{},
                                              raw::Pause{milliseconds(30)}, raw::Send{http_answer(200, "x")}});
    with_client(client_options(), [&](HttpsClient& client) -> Task<> {
        co_await client.send(get(server.url("/")));
        CHECK(client.last_round_trip() == Duration{});
        co_await client.send(get(server.url("/")));
        CHECK(client.last_round_trip() >= milliseconds(25));
        CHECK(client.last_round_trip() < milliseconds(2000));
    });
}

TEST_CASE("http URLs are refused before anything is connected") {
    RawServer server({}, RawScript{});
    const auto problem = problem_of_request(get("http://127.0.0.1:" + std::to_string(server.port()) + "/"));
    CHECK(problem.code == "net.notHttps");
    CHECK(server.connections() == 0);
}

TEST_CASE("a header with a line break is refused before anything is connected") {
    RawServer server(tls_options(), RawScript{});
    auto request = get(server.url("/"));
    request.headers.add("X", "a\r\nY: b");
    CHECK(problem_of_request(request).code == "net.malformed");
    CHECK(server.connections() == 0);
}

TEST_CASE("an unusable CA bundle is refused when the client is made") {
    const TempDirectory directory;
    const auto path = (directory.path() / "bundle.pem").string();
    SystemClock clock;
    const auto code = [&](const std::string& content) -> std::string {
        std::ofstream(path) << content;
        auto options = client_options();
        options.ca_bundle = path;
        try {
            HttpsClient client(clock, options);
        } catch (const Failure& failure) {
            CHECK(failure.problem().what.find(path) != std::string::npos);
            return failure.problem().code;
        }
        return "";
    };
    CHECK(code("") == "tls.caBundle");
    CHECK(code("nothing of the kind") == "tls.caBundle");
    CHECK(code("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n") == "tls.caBundle");
    CHECK(code(authority().bundle() + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n") ==
          "tls.caBundle");
    CHECK(code(authority().bundle() + authority().bundle()) == "");
    auto options = client_options();
    options.ca_bundle = (directory.path() / "missing.pem").string();
    CHECK_THROWS_AS(HttpsClient(clock, options), Failure);
}

TEST_CASE("a proxy is asked to connect, and what goes through it is verified TLS") {
    RawServer server(tls_options(), two_answers);
    RawServer proxy(
        {}, RawScript{raw::Receive{}, raw::Send{"HTTP/1.1 200 Connected\r\nX: y\r\n\r\n"}, raw::Relay{server.port()}});
    auto options = client_options();
    options.proxy = parse_url("http://127.0.0.1:" + std::to_string(proxy.port())).value();
    with_client(options, [&](HttpsClient& client) -> Task<> {
        CHECK((co_await client.send(get(server.url("/1")))).body == "one");
        CHECK((co_await client.send(get(server.url("/2")))).body == "two");
    });
    CHECK(proxy.connections() == 1);
    CHECK(proxy.requests().at(0).starts_with("CONNECT 127.0.0.1:" + std::to_string(server.port()) + " HTTP/1.1\r\n"));
}

TEST_CASE("a proxy that refuses, closes, babbles or never answers ends the request") {
    auto options = client_options();
    options.connect_timeout = milliseconds(300);
    const auto through = [&](RawScript script) {
        RawServer proxy({}, std::move(script));
        options.proxy = parse_url("http://127.0.0.1:" + std::to_string(proxy.port())).value();
        return problem_of_request(get("https://127.0.0.1:1/"), options);
    };
    const auto refused = through({raw::Receive{}, raw::Send{"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n"}});
    CHECK(refused.code == "net.proxy");
    CHECK(refused.what.find("407") != std::string::npos);
    CHECK(refused.remote == "Who are you");
    CHECK(through({raw::Receive{}, raw::Close{}}).code == "net.proxy");
    CHECK(through({raw::Receive{}, raw::Send{"garbage\r\n\r\n"}}).code == "net.proxy");
    CHECK(through({raw::Receive{}, raw::Send{std::string(20000, 'x')}}).code == "net.proxy");
    const auto silent = through({raw::Receive{}, raw::Hold{}});
    CHECK(silent.code == "net.timeout");
    CHECK(silent.what.find("waiting for the proxy") != std::string::npos);
}

TEST_CASE("certificates of a system anchor are looked up without loading them all") {
    // The system's store does not know the test authority: the request fails, and fails for that reason.
    RawServer server(tls_options(), RawScript{});
    auto options = client_options();
    options.ca_bundle.reset();
    CHECK(problem_of_request(get(server.url("/")), options).code == "tls.untrusted");
}
