// An HttpServer in the test's own event loop, and a client that sends and reads octets.
#pragma once

#include "libacme/async/task_group.hpp"
#include "libacme/async/timeout.hpp"
#include "libacme/net/http_server.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_task.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <functional>
#include <string>

namespace certd::test {

class OctetClient {
   public:
    using Socket = asio::generic::stream_protocol::socket;
    explicit OctetClient(asio::any_io_executor executor) : socket_(executor) {}

    Task<> connect(std::uint16_t port) {
        asio::ip::tcp::socket socket(socket_.get_executor());
        co_await socket.async_connect({asio::ip::address_v4::loopback(), port}, asio::use_awaitable);
        socket_ = std::move(socket);
    }
    Task<> connect_unix(std::string path) {
        asio::local::stream_protocol::socket socket(socket_.get_executor());
        co_await socket.async_connect(asio::local::stream_protocol::endpoint(path), asio::use_awaitable);
        socket_ = std::move(socket);
    }
    // Stops without a word when the server closes.
    Task<> send(std::string octets) {
        for (std::string_view rest = octets; !rest.empty();) {
            auto [error, bytes] =
                co_await socket_.async_write_some(asio::buffer(rest), asio::as_tuple(asio::use_awaitable));
            if (error) co_return;
            rest.remove_prefix(bytes);
        }
    }
    // What comes up to and including `mark`, or up to the end.
    Task<std::string> read_until(std::string mark) {
        for (;;) {
            const auto place = input_.find(mark);
            if (!mark.empty() && place != std::string::npos) {
                auto text = input_.substr(0, place + mark.size());
                input_.erase(0, text.size());
                co_return text;
            }
            char buffer[4096];
            auto [error, bytes] =
                co_await socket_.async_read_some(asio::buffer(buffer), asio::as_tuple(asio::use_awaitable));
            input_.append(buffer, bytes);
            if (error == asio::error::operation_aborted) throw boost::system::system_error(error);
            if (error) co_return std::exchange(input_, {});
        }
    }
    Task<std::string> read_to_end() { return read_until(""); }
    Socket& socket() { return socket_; }
    void close() { socket_.close(); }

   private:
    Socket socket_;
    std::string input_;
};

using ServerUse = std::function<Task<>(HttpServer&, asio::any_io_executor)>;

inline Task<> use_server(HttpServer& server, ServerUse use) {
    auto executor = co_await asio::this_coro::executor;
    SystemClock clock;
    TaskGroup tasks(executor, [](const std::string&, std::exception_ptr error) { FAIL(describe(problem_of(error))); });
    tasks.spawn("server", server.run());
    std::exception_ptr error;
    try {
        co_await with_timeout(clock, seconds(15), "test.hangs", "the test did not end", use(server, executor));
    } catch (...) {
        error = std::current_exception();
    }
    co_await tasks.stop();
    CHECK(server.connections() == 0);
    if (error) std::rethrow_exception(error);
}

// Runs a server on loopback while `use` runs, and stops it.
inline void with_server(RequestHandler handler, ServerUse use, HttpServerOptions options = {},
                        Listener listener = value_or_fail(Listener::tcp("127.0.0.1:0"))) {
    SystemClock clock;
    HttpServer server(clock, std::move(listener), std::move(options), std::move(handler));
    run_task(use_server(server, std::move(use)));
}

inline std::string request(const std::string& line, const std::string& rest = "\r\n") {
    return line + " HTTP/1.1\r\nHost: x\r\n" + rest;
}

}  // namespace certd::test
