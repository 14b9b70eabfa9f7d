// The client against servers that misbehave.
#include "ctl/client.hpp"

#include "ctl/exit_code.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/ctl/scripted_server.hpp"

#include <fstream>

#include <fmt/format.h>
#include <unistd.h>

using namespace certd;
using namespace certd::ctl;
using namespace certd::test;

namespace {

ClientLimits brief() {
    ClientLimits limits;
    limits.answer = milliseconds(200);
    limits.silence = milliseconds(200);
    limits.document = 100'000;
    limits.line = 1000;
    return limits;
}

std::string code_of(const std::string& answer, bool hold_open = false) {
    ScriptedServer server({answer}, hold_open);
    Result<Json> result = Client(server.path(), brief()).get("/v1/status");
    return result ? "ok" : result.error().code;
}

// All lines of a stream, then "end" or the code of the problem.
std::vector<std::string> lines_of(const std::string& answer) {
    ScriptedServer server({answer});
    Result<Exchange> exchange = Client(server.path(), brief()).stream("GET", "/v1/events");
    if (!exchange) return {exchange.error().code};
    std::vector<std::string> lines;
    for (;;) {
        Result<bool> more = exchange->read_available();
        while (std::optional<std::string> line = exchange->take_line())
            lines.push_back(*line);
        if (!more || !*more) {
            lines.push_back(more ? "end" : more.error().code);
            return lines;
        }
        wait_readable({&*exchange}, milliseconds(200));
    }
}

}  // namespace

TEST_CASE("a document is read whole") {
    ScriptedServer server({response(200, "application/json; charset=utf-8", R"({"pid":7})")});
    std::string text;
    Result<Json> json = Client(server.path(), brief()).get("/v1/status", &text);
    REQUIRE(json);
    CHECK(json->int_or("pid") == 7);
    CHECK(text == R"({"pid":7})");
    REQUIRE(server.requests().size() == 1);
    CHECK(server.requests()[0].starts_with("GET /v1/status HTTP/1.1\r\nHost: certd\r\n"));
}

TEST_CASE("a problem document becomes the problem it tells of") {
    ScriptedServer server(
        {response(403, "application/problem+json",
                  R"({"kind":"control","code":"control.forbidden","what":"uid 7 may not","status":403})")});
    Result<Json> json = Client(server.path(), brief()).post("/v1/reload", Json::object());
    REQUIRE_FALSE(json);
    CHECK(json.error().code == "control.forbidden");
    CHECK(exit_code_for(json.error()) == ExitCode::not_permitted);
}

TEST_CASE("answers that are not HTTP, not JSON, too large, halved or missing are each told apart") {
    CHECK(code_of("SSH-2.0-OpenSSH_9.2\r\n\r\n") == "control.protocol");
    CHECK(code_of(response(200, "application/json", "{\"a\":")) == "control.protocol");
    CHECK(code_of(response(200, "application/json", std::string(200'000, ' '))) == "control.protocol");
    CHECK(code_of(response(500, "text/html", "<h1>oops</h1>")) == "control.protocol");
    CHECK(code_of(response(404, "application/problem+json", "[]")) == "control.protocol");
    CHECK(code_of("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}") == "control.connectionLost");
    CHECK(code_of("") == "control.connectionLost");
    CHECK(code_of("HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n") == "control.protocol");
    CHECK(code_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n") == "control.protocol");
    CHECK(code_of("", true) == "control.timeout");
    CHECK(code_of("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}", true) == "control.timeout");
    CHECK(code_of("HTTP/1.1 200 OK\r\n\r\n{}") == "ok");
}

TEST_CASE("a stream is handed out line by line") {
    CHECK(lines_of(stream_of({"{\"a\":1}", "{}", "{\"b\":2}"})) ==
          std::vector<std::string>{"{\"a\":1}", "{}", "{\"b\":2}", "end"});
    CHECK(lines_of(stream_of({})) == std::vector<std::string>{"end"});
    CHECK(lines_of(response(200, "application/json", "{\"whole\":1}")) ==
          std::vector<std::string>{"{\"whole\":1}", "end"});
    std::string split =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n5\r\n\":1}\n\r\n2\r\n{}\r\n0\r\n\r\n";
    CHECK(lines_of(split) == std::vector<std::string>{"{\"a\":1}", "{}", "end"});
}

TEST_CASE("a stream that breaks off or never ends a line is a problem") {
    CHECK(lines_of(stream_of({"{}"}, true)) == std::vector<std::string>{"{}", "control.connectionLost"});
    CHECK(lines_of(stream_of({std::string(5000, 'x')}, true)).back() == "control.connectionLost");
    std::string endless = "HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + std::string(90'000, 'x');
    CHECK(lines_of(endless).back() == "control.protocol");
    CHECK(lines_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n") ==
          std::vector<std::string>{"control.protocol"});
}

TEST_CASE("an unreachable daemon is told apart by why") {
    TempDirectory directory;
    std::string path = (directory.path() / "control.sock").string();
    auto problem_at = [](const std::string& socket) { return Client(socket).get("/v1/status").error(); };
    CHECK(problem_at(path).what == "Cannot reach certd: there is no socket " + path);
    CHECK(problem_at(path + "/below").code == "control.unreachable");
    { std::ofstream(path) << "not a socket"; }
    CHECK(problem_at(path).what == "Cannot reach certd: nobody listens on " + path);
    CHECK(problem_at("").code == "control.unreachable");
    CHECK(problem_at(std::string(200, 'x')).code == "control.unreachable");
    CHECK(exit_code_for(problem_at(path)) == ExitCode::unreachable);
}

TEST_CASE("a socket that may not be used is a matter of permission") {
    if (::geteuid() == 0) return;  // root may use every socket
    TempDirectory directory;
    ScriptedServer server({""});
    std::filesystem::permissions(server.path(), std::filesystem::perms::none);
    Result<Json> json = Client(server.path()).get("/v1/status");
    REQUIRE_FALSE(json);
    CHECK(json.error().code == "control.socketPermission");
}

TEST_CASE("names are percent-encoded for paths and queries") {
    CHECK(percent_encode("a.b_c-1") == "a.b_c-1");
    CHECK(percent_encode("a,b/?\x01") == "a%2Cb%2F%3F%01");
}
