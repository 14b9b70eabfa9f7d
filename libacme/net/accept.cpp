// accept4 whenever the socket is readable.
#include "libacme/net/accept.hpp"

#include <boost/asio/generic/stream_protocol.hpp>

#include <cerrno>
#include <cstring>
#include <string>

namespace certd {
namespace {

using StreamSocket = asio::generic::stream_protocol::socket;

constexpr Duration exhausted_pause = milliseconds(100);

Accepted accept_now(int listening) {
    Accepted accepted;
    socklen_t size = sizeof accepted.address;
    accepted.fd =
        ::accept4(listening, reinterpret_cast<sockaddr*>(&accepted.address), &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (accepted.fd < 0) accepted.error = errno;
    return accepted;
}

bool is_exhaustion(int error) {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

// Errors of the listening socket itself; all others concern one connection that did not come about.
bool is_fatal(int error) {
    return error == EBADF || error == EINVAL || error == ENOTSOCK || error == EOPNOTSUPP;
}

// Waits on a descriptor that belongs to somebody else.
struct Borrowed {
    StreamSocket socket;
    Borrowed(const asio::any_io_executor& executor, int fd)
        : socket(executor, asio::generic::stream_protocol(AF_UNSPEC, 0), fd) {}
    Borrowed(const Borrowed&) = delete;
    Borrowed& operator=(const Borrowed&) = delete;
    ~Borrowed() {
        boost::system::error_code ignored;
        socket.release(ignored);
    }
};

Task<> accept_for_ever(Clock& clock, int listening, AcceptHooks hooks) {
    Borrowed borrowed(co_await asio::this_coro::executor, listening);
    bool exhausted = false;
    for (;;) {
        co_await borrowed.socket.async_wait(StreamSocket::wait_read, asio::use_awaitable);
        const auto accepted = accept_now(listening);
        if (accepted.fd >= 0) {
            exhausted = false;
            hooks.take_on(accepted);
        } else if (is_exhaustion(accepted.error)) {
            const auto text = std::string("Cannot accept connections (") + std::strerror(accepted.error) + ")";
            if (!exhausted) hooks.report(problem("net.accept", text));
            exhausted = true;
            hooks.make_room();
            co_await clock.sleep(exhausted_pause);
        } else if (is_fatal(accepted.error)) {
            fail("net.accept", std::string("The listening socket is unusable (") + std::strerror(accepted.error) + ")");
        }
    }
}

}  // namespace

Task<> accept_connections(Clock& clock, int listening, AcceptHooks hooks, TaskGroup& connections) {
    std::exception_ptr error;
    try {
        co_await accept_for_ever(clock, listening, std::move(hooks));
    } catch (...) {
        error = std::current_exception();
    }
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await connections.stop();
    std::rethrow_exception(error);
}

}  // namespace certd
