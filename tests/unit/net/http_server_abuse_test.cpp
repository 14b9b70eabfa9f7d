// Hostile clients (faults F25, S9) and a process without descriptors (F36): bounded, and ordinary clients are still
// served.
#include "libacme/net/http_server.hpp"
#include "tests/unit/net/server_fixture.hpp"

#include <chrono>
#include <memory>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace certd;
using namespace certd::test;

namespace {

Task<> hello(ServerRequest request, Responder& responder) {
    co_await responder.send(200, "text/plain", "hello " + request.path);
}

Task<std::string> exchange(HttpServer& server, asio::any_io_executor executor, std::string octets) {
    OctetClient client(executor);
    co_await client.connect(server.port());
    co_await client.send(std::move(octets));
    co_return co_await client.read_to_end();
}

// While it lives no descriptor is left to the process. `highest` is one that is in use.
class Scarcity {
   public:
    explicit Scarcity(int highest) {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        auto tight = before_;
        tight.rlim_cur = static_cast<rlim_t>(highest) + 1;
        ::setrlimit(RLIMIT_NOFILE, &tight);
        for (int fd; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;)
            hoard_.push_back(fd);
    }
    ~Scarcity() {
        for (const int fd : hoard_)
            ::close(fd);
        ::setrlimit(RLIMIT_NOFILE, &before_);
    }

   private:
    rlimit before_{};
    std::vector<int> hoard_;
};

const std::string polite = "GET /ok HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

}  // namespace

TEST_CASE("what is not a plain request is refused with the fitting status and the connection closed") {
    with_server(hello, [](HttpServer& server, asio::any_io_executor executor) -> Task<> {
        const std::pair<std::string, std::string> table[] = {
            {"GET /\r\n\r\n", "400"},
            {"GET http://evil.example/ HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
            {"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n", "405"},
            {"\x16\x03\x01\x02\x00\x01 hello\r\n\r\n", "400"},
            {"GET /" + std::string(100'000, 'a') + " HTTP/1.1\r\n\r\n", "414"},
            {request("GET /", "X: " + std::string(100'000, 'a') + "\r\n\r\n"), "431"},
            {request("POST /", "Content-Length: 100000\r\n\r\n" + std::string(100'000, 'a')), "413"},
            {request("POST /", "Transfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n"), "413"},
        };
        for (const auto& [octets, status] : table) {
            CAPTURE(octets.substr(0, 60));
            CHECK((co_await exchange(server, executor, octets)).starts_with("HTTP/1.1 " + status + " "));
        }
        CHECK((co_await exchange(server, executor, polite)).ends_with("hello /ok"));
        CHECK((co_await exchange(server, executor, request("GET /..%2f..%2fetc/passwd", "Connection: close\r\n\r\n")))
                  .ends_with("hello /..%2f..%2fetc/passwd"));
    });
}

TEST_CASE("a request that does not become complete in time is answered with 408, a silent connection is closed") {
    HttpServerOptions options;
    options.header_timeout = milliseconds(150);
    options.idle_timeout = milliseconds(150);
    with_server(
        hello,
        [](HttpServer& server, asio::any_io_executor executor) -> Task<> {
            CHECK((co_await exchange(server, executor, "GET / HTTP/1.1\r\nHo")).starts_with("HTTP/1.1 408 "));
            CHECK((co_await exchange(server, executor, request("POST /", "Content-Length: 9\r\n\r\nabc")))
                      .starts_with("HTTP/1.1 408 "));
            CHECK((co_await exchange(server, executor, "")).empty());
            CHECK(
                (co_await exchange(server, executor, request("GET /"))).ends_with("hello /"));  // idle after its answer
        },
        options);
}

TEST_CASE("a drip of octets does not prolong the time a request has") {
    HttpServerOptions options;
    options.header_timeout = milliseconds(300);
    with_server(
        hello,
        [](HttpServer& server, asio::any_io_executor executor) -> Task<> {
            SystemClock clock;
            OctetClient client(executor);
            co_await client.connect(server.port());
            const auto started = std::chrono::steady_clock::now();
            for (int i = 0; i < 30; ++i) {
                co_await client.send("a");
                co_await clock.sleep(milliseconds(20));
            }
            CHECK((co_await client.read_to_end()).starts_with("HTTP/1.1 408 "));
            CHECK(std::chrono::steady_clock::now() - started < seconds(4));
        },
        options);
}

TEST_CASE("many silent and slow connections are bounded and do not keep an ordinary client out") {
    HttpServerOptions options;
    options.connections = 20;
    with_server(
        hello,
        [](HttpServer& server, asio::any_io_executor executor) -> Task<> {
            std::vector<std::unique_ptr<OctetClient>> slow;
            for (int i = 0; i < 200; ++i) {
                slow.push_back(std::make_unique<OctetClient>(executor));
                co_await slow.back()->connect(server.port());
                co_await slow.back()->send(i % 2 == 0 ? "" : "GET / HTTP/1.1\r\n");
                CHECK(server.connections() <= 22);  // one or two more are on their way out
            }
            CHECK((co_await exchange(server, executor, polite)).ends_with("hello /ok"));
            CHECK((co_await slow.front()->read_to_end()).empty());  // the oldest were closed
        },
        options);
}

TEST_CASE("a new connection is refused when every other one has a handler at work") {
    HttpServerOptions options;
    options.connections = 2;
    SystemClock clock;
    const auto handler = [&](ServerRequest, Responder& responder) -> Task<> {
        co_await clock.sleep(milliseconds(300));
        co_await responder.send(200, "text/plain", "worked");
    };
    with_server(
        handler,
        [&](HttpServer& server, asio::any_io_executor executor) -> Task<> {
            OctetClient first(executor), second(executor);
            for (auto* client : {&first, &second}) {
                co_await client->connect(server.port());
                co_await client->send(polite);
            }
            co_await clock.sleep(milliseconds(50));
            CHECK((co_await exchange(server, executor, polite)).empty());
            CHECK((co_await first.read_to_end()).ends_with("worked"));
            CHECK((co_await second.read_to_end()).ends_with("worked"));
        },
        options);
}

TEST_CASE("listening survives a process without descriptors and goes on when there are some") {
    std::vector<Problem> problems;
    HttpServerOptions options;
    options.on_problem = [&](const Problem& problem) { problems.push_back(problem); };
    with_server(
        hello,
        [&](HttpServer& server, asio::any_io_executor executor) -> Task<> {
            SystemClock clock;
            // Everything runs once before descriptors are scarce: the undefined-behaviour sanitizer needs some for what
            // is new to it.
            CHECK((co_await exchange(server, executor, polite)).ends_with("hello /ok"));
            co_await clock.sleep(milliseconds(1));
            OctetClient idle(executor), waiting(executor);
            co_await idle.connect(server.port());
            while (server.connections() < 1)
                co_await clock.sleep(milliseconds(1));
            waiting.socket().assign(asio::generic::stream_protocol(AF_INET, 0),
                                    ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));

            std::string idle_heard;
            {
                const Scarcity scarcity(waiting.socket().native_handle());
                co_await waiting.socket().async_connect(
                    asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), server.port()), asio::use_awaitable);
                while (problems.empty())
                    co_await clock.sleep(milliseconds(5));
                idle_heard = co_await idle.read_to_end();  // gave its descriptor up for the new one
            }
            CHECK(idle_heard.empty());
            co_await waiting.send(polite);
            CHECK((co_await waiting.read_to_end()).ends_with("hello /ok"));
        },
        options);
    REQUIRE(problems.size() == 1);
    CHECK(problems.front().code == "net.accept");
}
