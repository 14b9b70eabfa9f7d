// certd's own http-01 responder: answers what was presented, nothing else, and only as long as needed.
#include "daemon/renew/http01_listener.hpp"

#include "libacme/async/timeout.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/renew/http01_support.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include <unistd.h>

using namespace certd;
using namespace certd::test;
using asio::ip::tcp;
using config::ListenMode;

namespace {

struct Bench {
    asio::io_context io{1};
    SystemClock clock;

    std::unique_ptr<Http01Listener> listener(std::vector<std::string> listen = {"127.0.0.1:0"},
                                             ListenMode mode = ListenMode::when_needed,
                                             Http01Listener::PassedSocket passed = nullptr) {
        return std::make_unique<Http01Listener>(clock, io.get_executor(), std::move(listen), mode, std::move(passed));
    }
};

// The whole response to a raw request, from 127.0.0.1 or ::1.
Task<std::string> exchange(std::uint16_t port, std::string request, bool ipv6 = false) {
    tcp::socket socket(co_await asio::this_coro::executor);
    auto address = ipv6 ? asio::ip::make_address("::1") : asio::ip::make_address("127.0.0.1");
    co_await socket.async_connect({address, port}, asio::use_awaitable);
    co_await asio::async_write(socket, asio::buffer(request), asio::use_awaitable);
    std::string response;
    boost::system::error_code error;
    for (char buffer[1024]; !error;) {
        std::size_t count =
            co_await socket.async_read_some(asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, error));
        response.append(buffer, count);
    }
    co_return response;
}

Task<std::string> ask(std::uint16_t port, std::string token, std::string method = "GET", bool ipv6 = false) {
    co_return co_await exchange(
        port, method + " /.well-known/acme-challenge/" + token + " HTTP/1.1\r\nHost: example.com\r\n\r\n", ipv6);
}

std::string body(const std::string& response) {
    return response.substr(std::min(response.find("\r\n\r\n") + 4, response.size()));
}

bool connects(std::uint16_t port) {
    asio::io_context io;
    tcp::socket socket(io);
    boost::system::error_code error;
    socket.connect({asio::ip::make_address("127.0.0.1"), port}, error);
    return !error;
}

// A listening socket of the test's own.
tcp::acceptor occupied(asio::io_context& io) {
    return tcp::acceptor(io, {asio::ip::make_address("127.0.0.1"), 0});
}

}  // namespace

TEST_CASE("the responder solves http-01 for names, never for wildcards") {
    Bench bench;
    auto listener = bench.listener();
    Identifier name{Identifier::Type::dns, "example.com"};
    CHECK(listener->can_solve("http-01", name, false));
    CHECK_FALSE(listener->can_solve("http-01", name, true));
    CHECK_FALSE(listener->can_solve("dns-01", name, false));
    CHECK_FALSE(bench.listener({})->can_solve("http-01", name, false));
}

TEST_CASE("a token is answered with the key authorization, octet for octet, from present to clean-up") {
    Bench bench;
    auto listener = bench.listener();
    run(bench.io, [](Http01Listener& used) -> Task<> {
        co_await used.present(http01("token-1"));
        co_await used.wait_visible(http01("token-1"));
        std::uint16_t port = used.ports().front();
        std::string response = co_await ask(port, "token-1");
        CHECK(response.starts_with("HTTP/1.1 200 "));
        CHECK(body(response) == "token-1.thumbprint");
        std::string head = co_await ask(port, "token-1", "HEAD");
        CHECK(head.starts_with("HTTP/1.1 200 "));
        CHECK(body(head).empty());
        co_await used.clean_up(http01("token-1"));
        CHECK(used.tokens() == 0);
    }(*listener));
}

TEST_CASE("everything else is 404, and nothing of the request comes back") {
    Bench bench;
    auto listener = bench.listener();
    run(bench.io, [](Http01Listener& used) -> Task<> {
        co_await used.present(http01("token-1"));
        std::uint16_t port = used.ports().front();
        for (std::string path :
             {"/", "/.well-known/acme-challenge/", "/.well-known/acme-challenge/token-2",
              "/.well-known/acme-challenge/token-1/", "/.well-known/acme-challenge/token-1?x=reflected",
              "/.well-known/acme-challenge//token-1", "/.well-known/acme-challenge/..%2ftoken-1",
              "/.well-known/acme-challenge/reflected", "//.well-known/acme-challenge/token-1",
              "/.well-known/acme-challenge/%74oken-1", "/.WELL-KNOWN/acme-challenge/token-1"}) {
            std::string response = co_await exchange(port, "GET " + path + " HTTP/1.1\r\nHost: reflected\r\n\r\n");
            INFO(path);
            CHECK(response.starts_with("HTTP/1.1 404 "));
            CHECK(response.find("reflected") == std::string::npos);
            CHECK(response.find("thumbprint") == std::string::npos);
        }
        for (std::string method : {"POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "TRACE"}) {
            std::string response = co_await ask(port, "token-1", method);
            CHECK_FALSE(response.starts_with("HTTP/1.1 2"));
            CHECK(response.find("thumbprint") == std::string::npos);
        }
        co_await used.clean_up(http01("token-1"));
    }(*listener));
}

TEST_CASE("hostile tokens are refused before anything is opened") {
    Bench bench;
    auto listener = bench.listener();
    run(bench.io, [](Http01Listener& used) -> Task<> {
        for (const std::string& token : hostile_tokens())
            CHECK(co_await code_of(used.present(http01(token))) == "acme.badToken");
        CHECK_FALSE(used.is_open());
        for (const std::string& token : hostile_tokens())
            CHECK(co_await code_of(used.clean_up(http01(token))) == "none");
    }(*listener));
}

TEST_CASE("in mode when_needed the socket is bound with the first token and closed with the last") {
    Bench bench;
    auto listener = bench.listener();
    REQUIRE(listener->open());
    CHECK_FALSE(listener->is_open());
    run(bench.io, [](Http01Listener& used) -> Task<> {
        for (int round = 0; round < 3; ++round) {
            co_await used.present(http01("one"));
            co_await used.present(http01("two"));
            std::uint16_t port = used.ports().front();
            CHECK(connects(port));
            co_await used.clean_up(http01("one"));
            CHECK(used.is_open());
            co_await used.clean_up(http01("two"));
            CHECK_FALSE(used.is_open());
            CHECK_FALSE(connects(port));
        }
    }(*listener));
}

TEST_CASE("in mode always the socket is bound from open to stop") {
    Bench bench;
    auto listener = bench.listener({"127.0.0.1:0"}, ListenMode::always);
    REQUIRE(listener->open());
    std::uint16_t port = listener->ports().front();
    run(bench.io, [](Http01Listener& used, std::uint16_t bound) -> Task<> {
        CHECK((co_await ask(bound, "token")).starts_with("HTTP/1.1 404 "));
        co_await used.present(http01("token"));
        co_await used.clean_up(http01("token"));
        CHECK(used.is_open());
        CHECK(used.ports().front() == bound);
        co_await used.stop();
        CHECK_FALSE(connects(bound));
    }(*listener, port));
}

TEST_CASE("a token presented twice is answered until it was cleaned up twice") {
    Bench bench;
    auto listener = bench.listener();
    run(bench.io, [](Http01Listener& used) -> Task<> {
        co_await used.present(http01("token"));
        co_await used.present(http01("token"));
        co_await used.clean_up(http01("token"));
        CHECK(body(co_await ask(used.ports().front(), "token")) == "token.thumbprint");
        co_await used.clean_up(http01("token"));
        CHECK(used.tokens() == 0);
        co_await used.clean_up(http01("token"));
    }(*listener));
}

TEST_CASE("a token in use is not taken over for another account") {
    Bench bench;
    auto listener = bench.listener();
    run(bench.io, [](Http01Listener& used) -> Task<> {
        co_await used.present(http01("token"));
        acme::ChallengeTask other = http01("token");
        other.key_authorization = "token.other";
        CHECK(co_await code_of(used.present(other)) == "acme.badToken");
        CHECK(body(co_await ask(used.ports().front(), "token")) == "token.thumbprint");
        co_await used.clean_up(http01("token"));
    }(*listener));
}

TEST_CASE("wait_attempted returns with the first request of somebody else, not with certd's own check") {
    Bench bench;
    auto listener = bench.listener();
    run(bench.io, [](Bench& used, Http01Listener& responder) -> Task<> {
        co_await responder.present(http01("token"));
        co_await responder.wait_visible(http01("token"));
        auto limited = [&](Duration limit) {
            return code_of(with_timeout(used.clock, limit, "net.timeout", "Not attempted",
                                        responder.wait_attempted(http01("token"))));
        };
        CHECK(co_await limited(milliseconds(50)) == "net.timeout");
        co_await ask(responder.ports().front(), "other");
        CHECK(co_await limited(milliseconds(50)) == "net.timeout");
        co_await ask(responder.ports().front(), "token");
        CHECK(co_await limited(seconds(10)) == "none");
        co_await responder.clean_up(http01("token"));
        CHECK(co_await limited(seconds(10)) == "none");
    }(bench, *listener));
}

TEST_CASE("a port in use is a problem whose hint names the webroot, and the next attempt succeeds when it is free") {
    Bench bench;
    tcp::acceptor other = occupied(bench.io);
    auto listener = bench.listener({"127.0.0.1:" + std::to_string(other.local_endpoint().port())});
    run(bench.io, [](Http01Listener& used, tcp::acceptor& occupant) -> Task<> {
        try {
            co_await used.present(http01("token"));
            FAIL("the port was free");
        } catch (const Failure& failure) {
            CHECK(failure.problem().code == "net.portInUse");
            CHECK(failure.problem().hint.find("webroot") != std::string::npos);
        }
        CHECK(used.tokens() == 0);
        co_await used.clean_up(http01("token"));
        occupant.close();
        co_await used.present(http01("token"));
        CHECK(body(co_await ask(used.ports().front(), "token")) == "token.thumbprint");
        co_await used.clean_up(http01("token"));
    }(*listener, other));
}

TEST_CASE("when one of several addresses cannot be bound, none stays bound") {
    Bench bench;
    tcp::acceptor free = occupied(bench.io), other = occupied(bench.io);
    std::uint16_t first = free.local_endpoint().port();
    free.close();
    auto listener = bench.listener(
        {"127.0.0.1:" + std::to_string(first), "127.0.0.1:" + std::to_string(other.local_endpoint().port())},
        ListenMode::always);
    auto opened = listener->open();
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == "net.portInUse");
    CHECK_FALSE(listener->is_open());
    CHECK_FALSE(connects(first));
}

TEST_CASE("IPv4 and IPv6 are answered, from two sockets and from a dual-stack one") {
    Bench bench;
    for (const std::vector<std::string>& listen :
         {std::vector<std::string>{"127.0.0.1:0", "[::1]:0"}, {"[::]:0", "0.0.0.0:0"}}) {
        auto listener = bench.listener(listen);
        run(bench.io, [](Http01Listener& used) -> Task<> {
            co_await used.present(http01("token"));
            co_await used.wait_visible(http01("token"));
            CHECK(body(co_await ask(used.ports().front(), "token")) == "token.thumbprint");
            CHECK(body(co_await ask(used.ports().back(), "token", "GET", true)) == "token.thumbprint");
            co_await used.clean_up(http01("token"));
        }(*listener));
    }
}

TEST_CASE("a socket passed by systemd is used and outlives the responder's use of it") {
    Bench bench;
    tcp::acceptor passed = occupied(bench.io);
    std::uint16_t port = passed.local_endpoint().port();
    auto listener = bench.listener({"systemd:http"}, ListenMode::when_needed, [&](std::string name) -> Result<int> {
        CHECK(name == "http");
        return ::dup(passed.native_handle());
    });
    run(bench.io, [](Http01Listener& used, std::uint16_t bound) -> Task<> {
        for (int round = 0; round < 2; ++round) {
            co_await used.present(http01("token"));
            co_await used.wait_visible(http01("token"));
            CHECK(body(co_await ask(bound, "token")) == "token.thumbprint");
            co_await used.clean_up(http01("token"));
        }
    }(*listener, port));
    CHECK(connects(port));
}

TEST_CASE("a passed socket that is missing is a problem") {
    Bench bench;
    auto missing = bench.listener({"systemd:http"}, ListenMode::always, [](std::string) -> Result<int> {
        return failure("net.bind", "systemd passed no socket named http");
    });
    CHECK(missing->open().error().code == "net.bind");
    auto none = bench.listener({"systemd:http"}, ListenMode::always);
    CHECK(none->open().error().code == "net.bind");
}

TEST_CASE("what answers in place of the responder is found before the CA is asked") {
    Bench bench;
    tcp::acceptor passed = occupied(bench.io);
    auto listener = bench.listener({"systemd:http"}, ListenMode::when_needed,
                                   [&](std::string) -> Result<int> { return ::dup(passed.native_handle()); });
    run(bench.io, [](Http01Listener& used, tcp::acceptor& shared) -> Task<> {
        co_await used.present(http01("token"));
        acme::ChallengeTask other = http01("token");
        other.key_authorization = "something else";
        CHECK(co_await code_of(used.wait_visible(other)) == "challenge.notServed");
        ::shutdown(shared.native_handle(), SHUT_RDWR);  // nobody listens any more
        CHECK(co_await code_of(used.wait_visible(http01("token"))) == "challenge.notServed");
        co_await used.clean_up(http01("token"));
    }(*listener, passed));
}

TEST_CASE("slow and half-open clients do not keep the socket from closing") {
    Bench bench;
    auto listener = bench.listener();
    run(bench.io, [](Http01Listener& used) -> Task<> {
        co_await used.present(http01("token"));
        auto executor = co_await asio::this_coro::executor;
        std::vector<tcp::socket> idle;
        for (int count = 0; count < 20; ++count) {
            idle.emplace_back(executor);
            co_await idle.back().async_connect({asio::ip::make_address("127.0.0.1"), used.ports().front()},
                                               asio::use_awaitable);
            co_await asio::async_write(idle.back(), asio::buffer("GET /.well-known/", 17), asio::use_awaitable);
        }
        CHECK(body(co_await ask(used.ports().front(), "token")) == "token.thumbprint");
        co_await used.clean_up(http01("token"));
        CHECK_FALSE(used.is_open());
    }(*listener));
}

TEST_CASE("a thousand tokens at once are answered each with its own") {
    Bench bench;
    auto listener = bench.listener();
    run(bench.io, [](Http01Listener& used) -> Task<> {
        for (int count = 0; count < 1000; ++count)
            co_await used.present(http01("token-" + std::to_string(count)));
        for (int count = 0; count < 1000; count += 100) {
            std::string token = "token-" + std::to_string(count);
            CHECK(body(co_await ask(used.ports().front(), token)) == token + ".thumbprint");
        }
        for (int count = 0; count < 1000; ++count)
            co_await used.clean_up(http01("token-" + std::to_string(count)));
        CHECK_FALSE(used.is_open());
    }(*listener));
}

TEST_CASE("the number of answers kept is bounded") {
    Bench bench;
    auto listener = bench.listener();
    run(bench.io, [](Http01Listener& used) -> Task<> {
        std::string refused = "none";
        int count = 0;
        for (; refused == "none" && count < 20'000; ++count) {
            std::string token = "t" + std::to_string(count);
            refused = co_await code_of(used.present(http01(token)));
        }
        CHECK(refused == "challenge.tooMany");
        for (int index = 0; index < count; ++index)
            co_await used.clean_up(http01("t" + std::to_string(index)));
        CHECK_FALSE(used.is_open());
    }(*listener));
}
