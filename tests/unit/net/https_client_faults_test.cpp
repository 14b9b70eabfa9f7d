// Hostile and broken servers (faults F22–F24): each ends in a Problem of its own, within the limits.
#include "libacme/net/https_client.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/net/client_fixture.hpp"

#include <chrono>

#include <openssl/ssl.h>

using namespace certd;
using namespace certd::test;

namespace {

Problem answered_with(RawScript steps, HttpsClientOptions options = client_options()) {
    steps.insert(steps.begin(), raw::Receive{});
    RawServer server(tls_options(), steps);
    return problem_of_request(get(server.url("/")), std::move(options));
}

HttpsClientOptions impatient() {
    auto options = client_options();
    options.request_timeout = milliseconds(300);
    options.connect_timeout = milliseconds(300);
    return options;
}

Problem shown(const TlsIdentity& identity, const std::string& host = "127.0.0.1") {
    RawServerOptions options;
    options.identity = identity;
    RawServer server(options, RawScript{raw::Receive{}, raw::Send{http_answer(200, "secret")}});
    const auto problem = problem_of_request(get(server.url("/", host)));
    CHECK(server.requests().empty());  // nothing was said to a server that is not who it should be
    return problem;
}

}  // namespace

TEST_CASE("a certificate of an unknown authority is refused") {
    const TestAuthority stranger("Stranger");
    const auto problem = shown(stranger.issue({"127.0.0.1"}));
    CHECK(problem.code == "tls.untrusted");
    CHECK(problem.what.find("127.0.0.1:") != std::string::npos);
    CHECK(problem.remote.find("Stranger") != std::string::npos);
}

TEST_CASE("a self-signed certificate is refused") {
    const auto key = PrivateKey::generate(KeyType::ecdsa_p256);
    const std::vector names = {parse_identifier("127.0.0.1").value()};
    const auto validity = TestAuthority::usual_validity();
    CHECK(shown({make_self_signed(key, names, validity.from, validity.to).pem(), key.pem()}).code == "tls.untrusted");
}

TEST_CASE("a certificate for another name or address is refused, and its names are told") {
    const auto problem = shown(authority().issue({"a.example", "b.example"}), "localhost");
    CHECK(problem.code == "tls.wrongName");
    CHECK(problem.what.ends_with("is not for localhost"));
    CHECK(problem.remote.find("names a.example b.example") != std::string::npos);
    CHECK(shown(authority().issue({"127.0.0.2"})).code == "tls.wrongName");
    CHECK(shown(authority().issue({"localhost"})).code == "tls.wrongName");
    CHECK(shown(authority().issue({"127.0.0.1"}), "localhost").code == "tls.wrongName");
}

TEST_CASE("a certificate that has expired or is not valid yet is refused, and the date is told") {
    const auto now = TestAuthority::usual_validity().from;
    const auto expired = shown(authority().issue({"127.0.0.1"}, {now - days(90), now - hours(1)}));
    CHECK(expired.code == "tls.expired");
    CHECK(expired.what.find("expired at " + format_rfc3339(std::chrono::floor<seconds>(now - hours(1)))) !=
          std::string::npos);
    const auto early = shown(authority().issue({"127.0.0.1"}, {now + days(2), now + days(90)}));
    CHECK(early.code == "tls.expired");
    CHECK(early.what.find("is not valid yet") != std::string::npos);
}

TEST_CASE("a server of TLS 1.0 is refused") {
    auto options = tls_options();
    options.greatest_version = TLS1_VERSION;
    options.security_level = 0;
    RawServer server(options, RawScript{raw::Receive{}, raw::Send{http_answer(200, "x")}});
    CHECK(problem_of_request(get(server.url("/"))).code == "tls.handshake");
    CHECK(server.requests().empty());
}

TEST_CASE("a server that chooses a protocol nobody offered is refused") {
    auto options = tls_options();
    options.alpn = "h2";
    RawServer server(options, RawScript{raw::Hold{}});
    CHECK(problem_of_request(get(server.url("/"))).code == "tls.handshake");
    CHECK(server.requests().empty());
}

TEST_CASE("a server that does not speak TLS, hangs up or stays silent in the handshake ends the request") {
    const auto in_the_clear = [](RawScript script) {
        RawServer server({}, std::move(script));
        return problem_of_request(get(server.url("/")), impatient());
    };
    const auto plain = in_the_clear({raw::Send{"HTTP/1.1 400 Bad Request\r\n\r\n"}, raw::Hold{}});
    CHECK(plain.code == "tls.handshake");
    CHECK(plain.what.find("does not speak TLS") != std::string::npos);
    CHECK(in_the_clear({raw::Close{}}).code == "tls.handshake");
    const auto reset = in_the_clear({raw::Reset{}});  // may already be seen by connect()
    CHECK((reset.code == "tls.handshake" || reset.code == "net.connect"));
    const auto silent = in_the_clear({raw::Hold{}});
    CHECK(silent.code == "net.timeout");
    CHECK(silent.what.find("in the TLS handshake") != std::string::npos);
}

TEST_CASE("nobody listening is told with the address that was tried") {
    const auto refused = problem_of_request(get("https://127.0.0.1:1/"));
    CHECK(refused.code == "net.connect");
    CHECK(refused.what == "Cannot connect to 127.0.0.1:1 (127.0.0.1: Connection refused)");
}

TEST_CASE("an answer with too much header is refused") {
    std::string many = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 5000; ++i)
        many += "X-" + std::to_string(i) + ": aaaaaaaaaaaaaaaaaaaa\r\n";
    CHECK(answered_with({raw::Send{many}, raw::Hold{}}).code == "net.tooLarge");
    CHECK(answered_with({raw::Send{"HTTP/1.1 200 OK\r\nX: " + std::string(200'000, 'a')}, raw::Hold{}}).code ==
          "net.tooLarge");
}

TEST_CASE("a body beyond the limit is refused, the announced one before it is sent") {
    const auto announced =
        answered_with({raw::Send{"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n"}, raw::Hold{}});
    CHECK(announced.code == "net.tooLarge");
    const std::string chunk = "100000\r\n" + std::string(0x100000, 'x') + "\r\n";
    CHECK(answered_with(
              {raw::Send{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + "1\r\nx\r\n"}, raw::Hold{}})
              .code == "net.tooLarge");
    CHECK(answered_with({raw::Send{"HTTP/1.1 200 OK\r\n\r\n" + std::string(0x100001, 'x')}, raw::Hold{}}).code ==
          "net.tooLarge");
}

TEST_CASE("chunk sizes that overflow and chunk headers without end are refused") {
    const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    CHECK(answered_with({raw::Send{head + "FFFFFFFFFFFFFFFFF\r\n"}, raw::Hold{}}).code == "net.malformed");
    CHECK(answered_with({raw::Send{head + "FFFFFFFFFFFFFFFF\r\n"}, raw::Hold{}}).code == "net.tooLarge");
    CHECK(answered_with({raw::Send{head + "-1\r\n"}, raw::Hold{}}).code == "net.malformed");
    CHECK(answered_with({raw::Send{head + "1;" + std::string(200'000, 'x')}, raw::Hold{}}).code == "net.tooLarge");
}

TEST_CASE("garbage, another protocol and contradictory framing are refused") {
    CHECK(answered_with({raw::Send{"\x01\x02\x03 garbage\r\n\r\n"}, raw::Hold{}}).code == "net.malformed");
    CHECK(answered_with({raw::Send{std::string("\0\0\x12\x04\0\0\0\0\0", 9)}, raw::Hold{}}).code ==
          "net.malformed");  // h2
    CHECK(answered_with({raw::Send{"HTTP/2.0 200 OK\r\n\r\n"}, raw::Hold{}}).code == "net.malformed");
    CHECK(answered_with({raw::Send{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx"}, raw::Hold{}})
              .code == "net.malformed");
    CHECK(answered_with({raw::Send{"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"}, raw::Hold{}}).code ==
          "net.malformed");
    CHECK(answered_with({raw::Send{http_answer(200, "x", "Content-Encoding: gzip\r\n")}, raw::Hold{}}).code ==
          "net.malformed");
    std::string interim;
    for (int i = 0; i < 50; ++i)
        interim += "HTTP/1.1 100 Continue\r\n\r\n";
    CHECK(answered_with({raw::Send{interim}, raw::Hold{}}).code == "net.malformed");
}

TEST_CASE("an answer that breaks off is refused, whatever part of it came") {
    CHECK(answered_with({raw::Send{"HTTP/1.1 200"}, raw::Close{}}).code == "net.closed");
    CHECK(answered_with({raw::Send{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"}, raw::Close{}}).code ==
          "net.closed");
    CHECK(
        answered_with({raw::Send{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"}, raw::Close{}}).code ==
        "net.closed");
    // Cut off below TLS: somebody in between may have done it.
    CHECK(
        answered_with({raw::Send{"HTTP/1.1 200 OK\r\n\r\nup to the close"}, raw::Pause{milliseconds(20)}, raw::Reset{}})
            .code == "net.closed");
}

TEST_CASE("a slow drip, a body that never comes and no answer at all end with the limit of the whole exchange") {
    const auto started = std::chrono::steady_clock::now();
    const auto dripping =
        answered_with({raw::Drip{"HTTP/1.1 200 OK\r\nX: aaaaaaaaaaaaaaaaaaa", milliseconds(5)}}, impatient());
    CHECK(dripping.code == "net.timeout");
    CHECK(dripping.what.find("No complete answer to GET https://127.0.0.1:") == 0);
    CHECK(dripping.what.ends_with("within 300ms"));
    CHECK(answered_with({raw::Send{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"}, raw::Hold{}}, impatient())
              .code == "net.timeout");
    CHECK(answered_with({raw::Send{"HTTP/1.1 200 OK\r\n\r\nno FIN"}, raw::Hold{}}, impatient()).code == "net.timeout");
    CHECK(answered_with({raw::Hold{}}, impatient()).code == "net.timeout");
    CHECK(std::chrono::steady_clock::now() - started < std::chrono::seconds(5));
}
