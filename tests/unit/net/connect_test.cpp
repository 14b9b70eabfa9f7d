#include "libacme/net/connect.hpp"

#include "libacme/async/timeout.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/raw_server.hpp"
#include "tests/support/run_task.hpp"

#include <chrono>
#include <vector>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace certd;
using namespace certd::test;

namespace {

Endpoint endpoint(const char* address, std::uint16_t port = 1) {
    return {asio::ip::make_address(address), port};
}

std::vector<std::string> texts(const std::vector<Endpoint>& endpoints) {
    std::vector<std::string> result;
    for (const auto& each : endpoints)
        result.push_back(each.address().to_string());
    return result;
}

// A port on loopback where connections are never answered: its queue is full and nobody accepts.
class DeafPort {
   public:
    DeafPort() : listening_(::socket(AF_INET, SOCK_STREAM, 0)) {
        address_.sin_family = AF_INET;
        address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address_;
        ::bind(listening_, reinterpret_cast<sockaddr*>(&address_), size);
        ::getsockname(listening_, reinterpret_cast<sockaddr*>(&address_), &size);
        ::listen(listening_, 0);
        for (int i = 0; i < 4; ++i) {
            waiting_.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
            ::connect(waiting_.back(), reinterpret_cast<sockaddr*>(&address_), size);
        }
    }
    ~DeafPort() {
        for (const int fd : waiting_)
            ::close(fd);
        ::close(listening_);
    }
    Endpoint endpoint() const { return ::endpoint("127.0.0.1", ntohs(address_.sin_port)); }

   private:
    int listening_;
    sockaddr_in address_{};
    std::vector<int> waiting_;
};

// The port a race ends at; the socket does not outlive its event loop.
std::uint16_t reaches(Clock& clock, std::vector<Endpoint> endpoints) {
    return run_task([](Clock& time, std::vector<Endpoint> all) -> Task<std::uint16_t> {
        const auto socket = co_await connect_any(time, std::move(all), "test");
        CHECK((::fcntl(socket->native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
        co_return socket->remote_endpoint().port();
    }(clock, std::move(endpoints)));
}

}  // namespace

TEST_CASE("host and port are told apart, and what is neither is refused") {
    CHECK(parse_host_port("127.0.0.1:443") == HostPort{"127.0.0.1", 443});
    CHECK(parse_host_port("[::1]:443") == HostPort{"::1", 443});
    CHECK(parse_host_port("web1.internal:8443") == HostPort{"web1.internal", 8443});
    CHECK(parse_host_port(":80") == HostPort{"", 80});
    for (const auto* text :
         {"", "host", "host:", "host:x", "host:65536", "::1:443", "[::1]", "[::1:443", "a b:1", "a/b:1"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_host_port(text));
    }
    CHECK(to_string(HostPort{"::1", 443}) == "[::1]:443");
}

TEST_CASE("address families take turns and repeated addresses are dropped") {
    const auto ordered =
        take_turns({endpoint("::1"), endpoint("::2"), endpoint("::1"), endpoint("::3"), endpoint("1.1.1.1")}, 8);
    CHECK(texts(ordered) == std::vector<std::string>{"::1", "1.1.1.1", "::2", "::3"});
    CHECK(take_turns({endpoint("::1"), endpoint("::2"), endpoint("::3")}, 2).size() == 2);
    CHECK(take_turns({}, 8).empty());
}

TEST_CASE("addresses need no look-up and localhost is found") {
    CHECK(texts(run_task(resolve("::1", 7))) == std::vector<std::string>{"::1"});
    const auto found = run_task(resolve("localhost", 7));
    REQUIRE_FALSE(found.empty());
    CHECK(found.front().address().is_loopback());
    CHECK(found.front().port() == 7);
}

TEST_CASE("a name that cannot exist is a problem that says so") {
    const auto problem = problem_from(resolve("a..b", 7));
    CHECK(problem.code == "net.resolve");
    CHECK(problem.what.starts_with("Cannot resolve a..b ("));
}

TEST_CASE("a look-up can be given up") {
    SystemClock clock;
    const auto problem = problem_from(with_timeout(clock, milliseconds(0), "net.timeout", "", resolve("localhost", 7)));
    CHECK((problem.code == "net.timeout" || problem.code.empty()));
}

TEST_CASE("the next address is tried at once when one refuses") {
    RawServer server({}, RawScript{});
    SystemClock clock;
    const auto started = std::chrono::steady_clock::now();
    CHECK(reaches(clock, {endpoint("::1", 1), endpoint("127.0.0.1", server.port())}) == server.port());
    CHECK(std::chrono::steady_clock::now() - started < milliseconds(200));
}

TEST_CASE("an address that never answers does not hold up the others") {
    DeafPort deaf;
    RawServer server({}, RawScript{});
    SystemClock clock;
    const auto started = std::chrono::steady_clock::now();
    CHECK(reaches(clock, {deaf.endpoint(), endpoint("127.0.0.1", server.port())}) == server.port());
    CHECK(std::chrono::steady_clock::now() - started < milliseconds(3000));
}

TEST_CASE("when every address fails each is named with its reason") {
    SystemClock clock;
    const auto problem =
        problem_from(connect_any(clock, {endpoint("127.0.0.1", 1), endpoint("127.0.0.2", 1)}, "host:1"));
    CHECK(problem.code == "net.connect");
    CHECK(problem.what == "Cannot connect to host:1 (127.0.0.1: Connection refused; 127.0.0.2: Connection refused)");
}

TEST_CASE("an attempt that never ends stops with its caller's limit") {
    DeafPort deaf;
    SystemClock clock;
    auto attempt = connect_any(clock, {deaf.endpoint(), deaf.endpoint()}, "deaf");
    CHECK(problem_from(with_timeout(clock, milliseconds(400), "net.timeout", "", std::move(attempt))).code ==
          "net.timeout");
}
