// The handler behind a real HttpServer on a real Unix socket.
#include "tests/support/catch.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/unit/control/fake_operations.hpp"

#include "libacme/async/task_group.hpp"
#include "libacme/async/timeout.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <boost/asio/redirect_error.hpp>

#include <fmt/format.h>
#include <unistd.h>

using namespace certd;
using namespace certd::test;
using Socket = asio::local::stream_protocol::socket;

namespace {

// The server and `body` on one loop; whatever happens, both have ended afterwards.
struct SocketWorld {
    TempDirectory directory;
    asio::io_context io{1};
    SystemClock clock;
    FakeOperations operations{clock};
    std::string path = (directory.path() / "control.sock").string();
    control::ControlHandler handler{io.get_executor(), operations, rules(), clock};

    static control::AccessRules rules() {
        control::AccessRules rules = ControlWorld::rules();
        rules.own_uid = ::geteuid();
        return rules;
    }

    void run(std::function<Task<>()> body) {
        HttpServer server(clock, value_or_fail(Listener::unix_socket(path, 0600, std::nullopt)), {}, handler.handler());
        std::exception_ptr error;
        bool done = false;
        asio::co_spawn(io, drive(server, std::move(body)), [&](std::exception_ptr failed) {
            error = failed;
            done = true;
        });
        io.run();
        if (error) std::rethrow_exception(error);
        CHECK(done);
    }

    Task<> drive(HttpServer& server, std::function<Task<>()> body) {
        TaskGroup group(co_await asio::this_coro::executor, nullptr);
        group.spawn("server", server.run());
        std::exception_ptr error;
        try {
            co_await with_timeout(clock, seconds(30), "net.timeout", "The test took too long", body());
        } catch (...) {
            error = std::current_exception();
        }
        co_await group.stop();
        co_await handler.stop();
        if (error) std::rethrow_exception(error);
    }

    Task<Socket> connect() {
        Socket socket(co_await asio::this_coro::executor);
        co_await socket.async_connect(asio::local::stream_protocol::endpoint(path), asio::use_awaitable);
        co_return socket;
    }

    static Task<> send(Socket& socket, std::string text) {
        co_await asio::async_write(socket, asio::buffer(text), asio::use_awaitable);
    }

    // Reads until `end` has been seen, or the connection is closed when it is empty.
    static Task<std::string> receive(Socket& socket, std::string end) {
        std::string text;
        for (;;) {
            std::array<char, 4096> buffer;
            boost::system::error_code error;
            std::size_t got =
                co_await socket.async_read_some(asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, error));
            text.append(buffer.data(), got);
            if (error || (!end.empty() && text.find(end) != std::string::npos)) co_return text;
        }
    }

    Task<std::string> ask(std::string request) {
        Socket socket = co_await connect();
        co_await send(socket, std::move(request));
        co_return co_await receive(socket, "");
    }
};

std::string get(std::string_view path) {
    return fmt::format("GET {} HTTP/1.1\r\nHost: certd\r\nConnection: close\r\n\r\n", path);
}

std::string post(std::string_view path, std::string_view body) {
    return fmt::format("POST {} HTTP/1.1\r\nHost: certd\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{}", path,
                       body.size(), body);
}

}  // namespace

TEST_CASE("the control API answers over its Unix socket, with the caller known by its credentials") {
    SocketWorld world;
    world.run([&]() -> Task<> {
        std::string answer = co_await world.ask(get("/v1/lineages?view=table"));
        CHECK(answer.starts_with("HTTP/1.1 200 "));
        CHECK(answer.find(R"("name":"example.com")") != std::string::npos);
        std::string paused = co_await world.ask(post("/v1/lineages/example.com/pause", "{}"));
        CHECK(paused.find(R"("outcome":"paused")") != std::string::npos);
        REQUIRE(world.operations.bus.recent().size() == 1);
        CHECK(world.operations.bus.recent()[0].data.int_or("uid") == static_cast<std::int64_t>(::geteuid()));
        CHECK(world.operations.bus.recent()[0].data.int_or("pid") == ::getpid());
    });
}

TEST_CASE("malformed requests, and bodies that are too large, end in an answer or a closed connection") {
    SocketWorld world;
    world.run([&]() -> Task<> {
        const std::vector<std::string> malformed = {
            "\r\n\r\n",
            "GET\r\n\r\n",
            "GET /v1/status\r\n\r\n",
            "GET /v1/status HTTP/3.0\r\n\r\n",
            std::string("\x16\x03\x01\x02\x00\x01\x00", 7) + std::string(100, '\xff') + "\r\n\r\n",
            "POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
            "POST /v1/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "GET /v1/status HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n",
            "GET /" + std::string(20'000, 'x') + " HTTP/1.1\r\nHost: x\r\n\r\n"};
        for (const std::string& request : malformed) {
            std::string answer = co_await world.ask(request);
            CHECK((answer.empty() || answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.1 5")));
        }
        std::string answer = co_await world.ask(post("/v1/reload", std::string(100'000, ' ')));
        CHECK(answer.starts_with("HTTP/1.1 413 "));
        CHECK(world.operations.calls.empty());
        std::string after = co_await world.ask(get("/healthz"));
        CHECK(after.starts_with("HTTP/1.1 200 "));
    });
}

TEST_CASE("a stream arrives line by line while the job runs, and a client that leaves does not end it") {
    SocketWorld world;
    world.run([&]() -> Task<> {
        Socket staying = co_await world.connect();
        Socket leaving = co_await world.connect();
        co_await world.send(staying, post("/v1/lineages/example.com/renew", ""));
        co_await world.send(leaving, post("/v1/lineages/example.com/renew", ""));
        co_await world.receive(staying, "\"started\"");
        co_await world.receive(leaving, "\"started\"");
        CHECK(world.operations.watchers == 2);
        leaving.close();
        world.operations.step(7, "Placing an order");
        co_await world.receive(staying, "Placing an order");
        CHECK(world.operations.watchers == 2);
        CHECK(world.handler.calls() == 2);
        world.operations.end_job(api::JobResult{"example.com", "issued", 5, "done"});
        std::string rest = co_await world.receive(staying, "");
        CHECK(rest.find(R"("outcome":"issued")") != std::string::npos);
    });
    CHECK(world.handler.calls() == 0);
}

TEST_CASE("many connections that say nothing do not keep others from being served") {
    SocketWorld world;
    world.run([&]() -> Task<> {
        std::vector<Socket> silent;
        for (int i = 0; i < 300; ++i)
            silent.push_back(co_await world.connect());
        std::string answer = co_await world.ask(get("/v1/status"));
        CHECK(answer.starts_with("HTTP/1.1 200 "));
    });
}

TEST_CASE("stopping the server ends followed streams") {
    SocketWorld world;
    world.run([&]() -> Task<> {
        static_cast<void>(co_await world.ask(get("/healthz")));
        Socket follower = co_await world.connect();
        co_await world.send(follower, get("/v1/events?follow=1"));
        world.operations.step(7, "seen");
        co_await world.receive(follower, "seen");
    });
}
