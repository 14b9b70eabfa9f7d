#include "libacme/net/http_server.hpp"

#include "libacme/async/signal.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/unit/net/server_fixture.hpp"

#include <sys/socket.h>
#include <unistd.h>

using namespace certd;
using namespace certd::test;

namespace {

Task<> echo(ServerRequest request, Responder& responder) {
    co_await responder.send(200, "text/plain",
                            request.method + " " + request.path + " [" + request.query + "] " + request.body);
}

}  // namespace

TEST_CASE("a request reaches the handler in its parts and the answer comes back whole") {
    with_server(echo, [](HttpServer& server, asio::any_io_executor executor) -> Task<> {
        OctetClient client(executor);
        co_await client.connect(server.port());
        co_await client.send("POST /v1/x%2Fy?a=1&b HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody");
        const auto head = co_await client.read_until("\r\n\r\n");
        CHECK(head.starts_with("HTTP/1.1 200 OK\r\nDate: "));
        CHECK(head.find("\r\nContent-Type: text/plain\r\nContent-Length: 27\r\n\r\n") != std::string::npos);
        CHECK(co_await client.read_until("body") == "POST /v1/x%2Fy [a=1&b] body");
    });
}

TEST_CASE("query parameters are found and decoded") {
    ServerRequest request;
    request.query = "a=1&name=x%2Fy+z&flag&empty=&a=2&%6e=q&bad=%zz%4";
    CHECK(request.parameter("a") == "1");
    CHECK(request.parameter("name") == "x/y+z");
    CHECK(request.parameter("flag") == "");
    CHECK(request.parameter("empty") == "");
    CHECK(request.parameter("n") == "q");
    CHECK(request.parameter("bad") == "%zz%4");
    CHECK_FALSE(request.parameter("none"));
}

TEST_CASE("pipelined requests are answered in order on one connection") {
    with_server(echo, [](HttpServer& server, asio::any_io_executor executor) -> Task<> {
        OctetClient client(executor);
        co_await client.connect(server.port());
        std::string many;
        for (int i = 0; i < 50; ++i)
            many += request("GET /" + std::to_string(i));
        co_await client.send(many);
        for (int i = 0; i < 50; ++i) {
            CHECK((co_await client.read_until("[] ")).ends_with("GET /" + std::to_string(i) + " [] "));
        }
        CHECK(server.connections() == 1);
    });
}

TEST_CASE("HEAD is answered like GET without the body") {
    with_server(echo, [](HttpServer& server, asio::any_io_executor executor) -> Task<> {
        OctetClient client(executor);
        co_await client.connect(server.port());
        co_await client.send(request("HEAD /x") + request("GET /y", "Connection: close\r\n\r\n"));
        const auto all = co_await client.read_to_end();
        CHECK(all.find("Content-Length: 10\r\n\r\nHTTP/1.1 200 OK") != std::string::npos);
        CHECK(all.ends_with("Connection: close\r\nContent-Length: 10\r\n\r\nGET /y [] "));
    });
}

TEST_CASE("an HTTP/1.0 client gets its answer and the end of the connection") {
    with_server(echo, [](HttpServer& server, asio::any_io_executor executor) -> Task<> {
        OctetClient client(executor);
        co_await client.connect(server.port());
        co_await client.send("GET /old HTTP/1.0\r\n\r\n");
        CHECK((co_await client.read_to_end()).ends_with("\r\n\r\nGET /old [] "));
    });
}

TEST_CASE("a client that expects 100 Continue gets it before it sends its body") {
    with_server(echo, [](HttpServer& server, asio::any_io_executor executor) -> Task<> {
        OctetClient client(executor);
        co_await client.connect(server.port());
        co_await client.send(request("PUT /x", "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
        CHECK(co_await client.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
        co_await client.send("ok");
        CHECK((co_await client.read_until("ok")).ends_with("PUT /x [] ok"));
    });
}

TEST_CASE("without keep-alive every connection carries one request") {
    HttpServerOptions options;
    options.keep_alive = false;
    with_server(
        echo,
        [](HttpServer& server, asio::any_io_executor executor) -> Task<> {
            OctetClient client(executor);
            co_await client.connect(server.port());
            co_await client.send(request("GET /1") + request("GET /2"));
            const auto all = co_await client.read_to_end();
            CHECK(all.find("GET /1") != std::string::npos);
            CHECK(all.find("GET /2") == std::string::npos);
        },
        options);
}

TEST_CASE("a handler that throws or forgets to answer gives 500, and the connection goes on") {
    std::vector<Problem> problems;
    HttpServerOptions options;
    options.on_problem = [&](const Problem& problem) { problems.push_back(problem); };
    const auto handler = [](ServerRequest request, Responder& responder) -> Task<> {
        if (request.path == "/throw") throw std::runtime_error("secret detail");
        if (request.path == "/fail") fail("storage.full", "Cannot write");
        if (request.path == "/answer") co_await responder.send(200, "text/plain", "fine");
    };
    with_server(
        handler,
        [](HttpServer& server, asio::any_io_executor executor) -> Task<> {
            OctetClient client(executor);
            co_await client.connect(server.port());
            for (const auto* path : {"/throw", "/fail", "/forget"}) {
                co_await client.send(request(std::string("GET ") + path));
                const auto head = co_await client.read_until("\r\n\r\n");
                CHECK(head.starts_with("HTTP/1.1 500 Internal Server Error\r\n"));
                CHECK(head.find("Content-Type: application/problem+json\r\n") != std::string::npos);
                const auto body = co_await client.read_until("}");
                CHECK(body.find("\"internal.unexpected\"") != std::string::npos);
                CHECK(body.find("secret") == std::string::npos);
            }
            co_await client.send(request("GET /answer"));
            CHECK((co_await client.read_until("fine")).starts_with("HTTP/1.1 200 OK\r\n"));
        },
        options);
    REQUIRE(problems.size() == 2);
    CHECK(problems[1].code == "storage.full");
}

TEST_CASE("extra headers are sent, but never one that could begin a header of its own") {
    const auto handler = [](ServerRequest, Responder& responder) -> Task<> {
        HttpHeaders extra;
        extra.add("Retry-After", "5");
        extra.add("X-Bad", "a\r\nX-Evil: b");
        co_await responder.send(204, "", "ignored", std::move(extra));
    };
    with_server(handler, [](HttpServer& server, asio::any_io_executor executor) -> Task<> {
        OctetClient client(executor);
        co_await client.connect(server.port());
        co_await client.send(request("GET /", "Connection: close\r\n\r\n"));
        const auto all = co_await client.read_to_end();
        CHECK(all.starts_with("HTTP/1.1 204 No Content\r\n"));
        CHECK(all.ends_with("\r\nRetry-After: 5\r\nConnection: close\r\n\r\n"));
    });
}

TEST_CASE("an answer can be streamed in chunks and the connection used again") {
    const auto handler = [](ServerRequest, Responder& responder) -> Task<> {
        co_await responder.start(200, "application/x-ndjson");
        co_await responder.write("{\"a\":1}\n");
        co_await responder.write("");
        co_await responder.write(std::string(20, 'x'));
        co_await responder.finish();
    };
    with_server(handler, [](HttpServer& server, asio::any_io_executor executor) -> Task<> {
        OctetClient client(executor);
        co_await client.connect(server.port());
        for (int i = 0; i < 2; ++i) {
            co_await client.send(request("GET /"));
            const auto head = co_await client.read_until("\r\n\r\n");
            CHECK(head.find("Transfer-Encoding: chunked\r\n") != std::string::npos);
            CHECK(head.find("Content-Length") == std::string::npos);
            CHECK(co_await client.read_until("0\r\n\r\n") ==
                  "8\r\n{\"a\":1}\n\r\n14\r\nxxxxxxxxxxxxxxxxxxxx\r\n0\r\n\r\n");
        }
        co_await client.send(request("HEAD /") + "GET / HTTP/1.0\r\n\r\n");
        const auto rest = co_await client.read_to_end();
        CHECK(rest.find("chunked\r\n\r\nHTTP/1.1 200 OK\r\n") != std::string::npos);
        CHECK(rest.ends_with("Connection: close\r\n\r\n{\"a\":1}\nxxxxxxxxxxxxxxxxxxxx"));
    });
}

TEST_CASE("a stream that breaks off is visibly incomplete") {
    const auto handler = [](ServerRequest, Responder& responder) -> Task<> {
        co_await responder.start(200, "text/plain");
        co_await responder.write("half");
        throw std::runtime_error("broken");
    };
    with_server(handler, [](HttpServer& server, asio::any_io_executor executor) -> Task<> {
        OctetClient client(executor);
        co_await client.connect(server.port());
        co_await client.send(request("GET /"));
        CHECK((co_await client.read_to_end()).ends_with("4\r\nhalf\r\n"));
    });
}

TEST_CASE("a handler that waits is cancelled when its client goes away") {
    bool waiting = false, cancelled = false;
    Signal changed, never;
    const auto handler = [&](ServerRequest, Responder& responder) -> Task<> {
        co_await responder.start(200, "application/x-ndjson");
        struct Note {
            bool& cancelled;
            Signal& changed;
            ~Note() {
                cancelled = true;
                changed.notify();
            }
        } note{cancelled, changed};
        waiting = true;
        changed.notify();
        co_await never.wait();
    };
    const auto use = [&](HttpServer& server, asio::any_io_executor executor, std::string path) -> Task<> {
        for (const std::string extra : {"", "more", "GET /pipelined HTTP/1.1\r\nHost: x\r\n\r\n"}) {
            waiting = cancelled = false;
            OctetClient client(executor);
            if (path.empty()) {
                co_await client.connect(server.port());
            } else {
                co_await client.connect_unix(path);
            }
            co_await client.send(request("GET /") + extra);
            while (!waiting)
                co_await changed.wait();
            CHECK_FALSE(cancelled);
            client.close();
            while (!cancelled)
                co_await changed.wait();
        }
    };
    SECTION("over TCP") {
        with_server(handler, [&](HttpServer& server, asio::any_io_executor executor) -> Task<> {
            return use(server, executor, "");
        });
    }
    SECTION("over a Unix socket") {
        const TempDirectory directory;
        const auto path = (directory.path() / "s").string();
        with_server(
            handler,
            [&](HttpServer& server, asio::any_io_executor executor) -> Task<> { return use(server, executor, path); },
            {}, Listener::unix_socket(path, 0600, std::nullopt).value());
    }
}

TEST_CASE("a Unix client that has finished sending still gets its answer") {
    const TempDirectory directory;
    const auto path = (directory.path() / "s").string();
    SystemClock clock;
    const auto handler = [&](ServerRequest, Responder& responder) -> Task<> {
        co_await clock.sleep(milliseconds(50));
        co_await responder.send(200, "text/plain", "late");
    };
    with_server(
        handler,
        [&](HttpServer&, asio::any_io_executor executor) -> Task<> {
            OctetClient client(executor);
            co_await client.connect_unix(path);
            co_await client.send(request("GET /"));
            client.socket().shutdown(asio::socket_base::shutdown_send);
            CHECK((co_await client.read_to_end()).ends_with("late"));
        },
        {}, Listener::unix_socket(path, 0600, std::nullopt).value());
}

TEST_CASE("a client that does not read its answer is given up after the write limit") {
    HttpServerOptions options;
    options.write_timeout = milliseconds(200);
    std::string code;
    Signal ended;
    const auto handler = [&](ServerRequest, Responder& responder) -> Task<> {
        try {
            co_await responder.start(200, "text/plain");
            for (;;)
                co_await responder.write(std::string(1 << 20, 'x'));
        } catch (const Failure& failure) {
            code = failure.problem().code;
        }
        ended.notify();
    };
    with_server(
        handler,
        [&](HttpServer& server, asio::any_io_executor executor) -> Task<> {
            OctetClient client(executor);
            co_await client.connect(server.port());
            co_await client.send(request("GET /"));
            while (code.empty())
                co_await ended.wait();
            CHECK(code == "net.timeout");
        },
        options);
}

TEST_CASE("the peer of a Unix socket is known by its credentials, that of TCP by its address") {
    const auto handler = [](ServerRequest request, Responder& responder) -> Task<> {
        const auto& peer = request.peer;
        co_await responder.send(200, "text/plain",
                                peer.address + " " + std::to_string(peer.uid.value_or(9999)) + " " +
                                    std::to_string(peer.gid.value_or(9999)) + " " +
                                    std::to_string(peer.pid.value_or(0)) + ".");
    };
    const TempDirectory directory;
    const auto path = (directory.path() / "s").string();
    with_server(
        handler,
        [&](HttpServer&, asio::any_io_executor executor) -> Task<> {
            OctetClient client(executor);
            co_await client.connect_unix(path);
            co_await client.send(request("GET /", "Connection: close\r\n\r\n"));
            const auto answer = co_await client.read_to_end();
            CHECK(answer.ends_with("unix " + std::to_string(::getuid()) + " " + std::to_string(::getgid()) + " " +
                                   std::to_string(::getpid()) + "."));
        },
        {}, Listener::unix_socket(path, 0600, std::nullopt).value());
}

TEST_CASE("stopping the server ends its connections, idle, half-way and at work") {
    Signal never;
    std::size_t ended = 0;
    const auto handler = [&](ServerRequest, Responder&) -> Task<> {
        struct Count {
            std::size_t& ended;
            ~Count() { ++ended; }
        } count{ended};
        co_await never.wait();
    };
    std::vector<int> descriptors;  // stay open until the server has stopped
    with_server(handler, [&](HttpServer& server, asio::any_io_executor executor) -> Task<> {
        std::vector<std::unique_ptr<OctetClient>> clients;
        for (const std::string sent : {"", "GET / HT", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"}) {
            clients.push_back(std::make_unique<OctetClient>(executor));
            co_await clients.back()->connect(server.port());
            co_await clients.back()->send(sent);
        }
        SystemClock clock;
        while (server.connections() < 3)
            co_await clock.sleep(milliseconds(5));
        co_await clock.sleep(milliseconds(20));
        CHECK(ended == 0);
        for (auto& client : clients)
            descriptors.push_back(client->socket().release());
    });
    CHECK(ended == 1);
    for (const int fd : descriptors)
        ::close(fd);
}
