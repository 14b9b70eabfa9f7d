// Connection attempts that race each other, in a task group that has ended before the result is returned.
#include "libacme/net/connect.hpp"

#include "libacme/async/signal.hpp"
#include "libacme/async/task_group.hpp"
#include "libacme/base/text.hpp"

#include <boost/asio/as_tuple.hpp>

#include <algorithm>
#include <exception>
#include <tuple>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace certd {
namespace {

constexpr Duration attempt_delay = milliseconds(250);

struct Race {
    std::unique_ptr<TcpSocket> winner;
    std::vector<std::string> failures;  // "127.0.0.1: Connection refused"
    std::size_t overdue = 0;            // attempts that have used up their time alone
    Signal changed;
};

// Close-on-exec from birth, which asio's own open() is not.
boost::system::error_code open_socket(TcpSocket& socket, const Endpoint& endpoint) {
    const int fd = ::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    if (fd < 0) return {errno, boost::system::system_category()};
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    boost::system::error_code error;
    socket.assign(endpoint.protocol(), fd, error);
    if (error) ::close(fd);
    return error;
}

Task<> attempt(Race& race, Endpoint endpoint) {
    auto socket = std::make_unique<TcpSocket>(co_await asio::this_coro::executor);
    auto error = open_socket(*socket, endpoint);
    if (!error) std::tie(error) = co_await socket->async_connect(endpoint, asio::as_tuple(asio::use_awaitable));
    if (error) {
        race.failures.push_back(endpoint.address().to_string() + ": " + error.message());
    } else if (!race.winner) {
        race.winner = std::move(socket);
    }
    race.changed.notify();
}

Task<> head_start(Clock& clock, Race& race, std::size_t attempts) {
    co_await clock.sleep(attempt_delay);
    race.overdue = std::max(race.overdue, attempts);
    race.changed.notify();
}

Task<> run_race(Clock& clock, Race& race, TaskGroup& tasks, const std::vector<Endpoint>& endpoints) {
    for (std::size_t started = 0; started < endpoints.size();) {
        tasks.spawn("connect", attempt(race, endpoints[started]));
        ++started;
        if (started < endpoints.size()) tasks.spawn("head start", head_start(clock, race, started));
        while (!race.winner && race.failures.size() < started &&
               (race.overdue < started || started == endpoints.size())) {
            co_await race.changed.wait();
        }
        if (race.winner) co_return;
    }
}

}  // namespace

Task<std::unique_ptr<TcpSocket>> connect_any(Clock& clock, std::vector<Endpoint> endpoints, std::string name) {
    Race race;
    TaskGroup tasks(co_await asio::this_coro::executor, nullptr);
    std::exception_ptr error;
    try {
        co_await run_race(clock, race, tasks, endpoints);
        co_await tasks.stop();
    } catch (...) {
        error = std::current_exception();
    }
    if (error) {
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        co_await asio::this_coro::throw_if_cancelled(false);
        co_await tasks.stop();
        std::rethrow_exception(error);
    }
    if (!race.winner) fail("net.connect", "Cannot connect to " + name + " (" + join(race.failures, "; ") + ")");
    co_return std::move(race.winner);
}

Task<std::unique_ptr<TcpSocket>> connect_to(Clock& clock, HostPort address) {
    const auto name = to_string(address);
    co_return co_await connect_any(clock, co_await resolve(address.host, address.port), name);
}

}  // namespace certd
