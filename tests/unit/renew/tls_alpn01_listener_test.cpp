// certd's own tls-alpn-01 responder: answers what was presented, nothing else, and only as long as needed.
#include "daemon/renew/tls_alpn01_listener.hpp"

#include "daemon/renew/external_account.hpp"
#include "libacme/async/timeout.hpp"
#include "libacme/net/tls_probe.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/unit/renew/http01_support.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <cstdlib>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

using namespace certd;
using namespace certd::test;
using asio::ip::tcp;
using config::ListenMode;

namespace {

struct Bench {
    asio::io_context io{1};
    SystemClock clock;

    std::unique_ptr<TlsAlpn01Listener> listener(std::vector<std::string> listen = {"127.0.0.1:0"},
                                                ListenMode mode = ListenMode::when_needed,
                                                PassedSocket passed = nullptr) {
        return std::make_unique<TlsAlpn01Listener>(clock, io.get_executor(), std::move(listen), mode,
                                                   std::move(passed));
    }
};

acme::ChallengeTask task_for(Identifier name, const std::string& token = "token") {
    return {std::move(name), false, "tls-alpn-01", token, token + ".thumbprint"};
}
acme::ChallengeTask dns(const std::string& name, const std::string& token = "token") {
    return task_for({Identifier::Type::dns, name}, token);
}

// The names in the certificate that is served for `server_name`, or the code of the refusal.
Task<std::string> ask(Clock& clock, std::uint16_t port, std::string server_name) {
    try {
        Served served = co_await probe_tls(
            clock, {"127.0.0.1:" + std::to_string(port), std::move(server_name), seconds(5), "acme-tls/1"});
        co_return served.chain.front().names().front().value;
    } catch (const Failure& failure) {
        co_return failure.problem().code;
    }
}

bool connects(std::uint16_t port) {
    asio::io_context io;
    tcp::socket socket(io);
    boost::system::error_code error;
    socket.connect({asio::ip::make_address("127.0.0.1"), port}, error);
    return !error;
}

bool has_ipv6() {
    asio::io_context io;
    tcp::acceptor acceptor(io);
    boost::system::error_code error;
    acceptor.open(tcp::v6(), error);
    if (!error) acceptor.bind({asio::ip::address_v6::loopback(), 0}, error);
    return !error;
}

}  // namespace

TEST_CASE("a validation asks for an address by its reverse name (RFC 8738)") {
    CHECK(challenge_server_name({Identifier::Type::dns, "www.example.com"}) == "www.example.com");
    CHECK(challenge_server_name({Identifier::Type::ip, "192.0.2.10"}) == "10.2.0.192.in-addr.arpa");
    CHECK(challenge_server_name({Identifier::Type::ip, "2001:db8::1"}) ==
          "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

TEST_CASE("the TLS responder answers on the IPv6 loopback, for names and for its own address") {
    Bench bench;
    auto listener = bench.listener({"[::1]:0"});
    if (!has_ipv6()) {
        WARN("no IPv6 on this machine: nothing was tested");
        return;
    }
    run(bench.io, [](Bench& used, TlsAlpn01Listener& responder) -> Task<> {
        Identifier name{Identifier::Type::dns, "example.com"}, own{Identifier::Type::ip, "::1"};
        co_await responder.present(task_for(name));
        co_await responder.present(task_for(own, "other"));
        co_await responder.wait_visible(task_for(name));
        co_await responder.wait_visible(task_for(own, "other"));
        const std::string address = "[::1]:" + std::to_string(responder.ports().front());
        for (Identifier asked : {name, own}) {
            ProbeRequest request{address, challenge_server_name(asked), seconds(5), "acme-tls/1"};
            Served served = co_await probe_tls(used.clock, std::move(request));
            CHECK(served.chain.front().names() == std::vector<Identifier>{asked});
        }
        CHECK_FALSE(connects(responder.ports().front()));  // by IPv4
        co_await responder.clean_up(task_for(name));
        co_await responder.clean_up(task_for(own, "other"));
        CHECK_FALSE(responder.is_open());
        co_await responder.stop();
    }(bench, *listener));
}

TEST_CASE("the TLS responder solves tls-alpn-01 for names and addresses, never for wildcards") {
    Bench bench;
    auto listener = bench.listener();
    Identifier name{Identifier::Type::dns, "example.com"};
    CHECK(listener->can_solve("tls-alpn-01", name, false));
    CHECK(listener->can_solve("tls-alpn-01", {Identifier::Type::ip, "192.0.2.1"}, false));
    CHECK_FALSE(listener->can_solve("tls-alpn-01", name, true));
    CHECK_FALSE(listener->can_solve("http-01", name, false));
    CHECK_FALSE(bench.listener({})->can_solve("tls-alpn-01", name, false));
}

TEST_CASE("names and addresses are answered from present to clean-up, and the port is free before and after") {
    Bench bench;
    auto listener = bench.listener();
    REQUIRE(listener->open());
    CHECK_FALSE(listener->is_open());
    run(bench.io, [](Bench& used, TlsAlpn01Listener& responder) -> Task<> {
        acme::ChallengeTask address = task_for({Identifier::Type::ip, "2001:db8::1"}, "other");
        co_await responder.present(dns("www.example.com"));
        co_await responder.present(address);
        co_await responder.wait_visible(dns("www.example.com"));
        co_await responder.wait_visible(address);
        std::uint16_t port = responder.ports().front();
        CHECK(co_await ask(used.clock, port, "www.example.com") == "www.example.com");
        CHECK(co_await ask(used.clock, port, challenge_server_name(address.identifier)) == "2001:db8::1");
        CHECK(co_await ask(used.clock, port, "example.com") == "tls.handshake");
        co_await responder.clean_up(dns("www.example.com"));
        CHECK(co_await ask(used.clock, port, "www.example.com") == "tls.handshake");
        co_await responder.clean_up(address);
        CHECK(responder.names() == 0);
        CHECK_FALSE(responder.is_open());
        CHECK_FALSE(connects(port));
    }(bench, *listener));
}

TEST_CASE("in mode always the TLS port is bound from open to stop and refuses what was not presented") {
    Bench bench;
    auto listener = bench.listener({"127.0.0.1:0"}, ListenMode::always);
    REQUIRE(listener->open());
    run(bench.io, [](Bench& used, TlsAlpn01Listener& responder) -> Task<> {
        std::uint16_t port = responder.ports().front();
        CHECK(co_await ask(used.clock, port, "www.example.com") == "tls.handshake");
        co_await responder.present(dns("www.example.com"));
        co_await responder.clean_up(dns("www.example.com"));
        CHECK(responder.is_open());
        co_await responder.stop();
        CHECK_FALSE(connects(port));
    }(bench, *listener));
}

TEST_CASE("a name has one answer at a time") {
    Bench bench;
    auto listener = bench.listener();
    run(bench.io, [](Bench& used, TlsAlpn01Listener& responder) -> Task<> {
        co_await responder.present(dns("www.example.com", "first"));
        co_await responder.present(dns("www.example.com", "first"));
        CHECK(co_await code_of(responder.present(dns("www.example.com", "second"))) == "challenge.nameInUse");
        co_await responder.clean_up(dns("www.example.com", "second"));
        co_await responder.clean_up(dns("www.example.com", "first"));
        CHECK(co_await ask(used.clock, responder.ports().front(), "www.example.com") == "www.example.com");
        co_await responder.clean_up(dns("www.example.com", "first"));
        CHECK_FALSE(responder.is_open());
        co_await responder.present(dns("www.example.com", "second"));
        co_await responder.clean_up(dns("www.example.com", "second"));
    }(bench, *listener));
}

TEST_CASE("wait_attempted returns with the first handshake of somebody else, not with certd's own") {
    Bench bench;
    auto listener = bench.listener();
    run(bench.io, [](Bench& used, TlsAlpn01Listener& responder) -> Task<> {
        co_await responder.present(dns("www.example.com"));
        co_await responder.wait_visible(dns("www.example.com"));
        auto limited = [&](Duration limit) {
            return code_of(with_timeout(used.clock, limit, "net.timeout", "Not attempted",
                                        responder.wait_attempted(dns("www.example.com"))));
        };
        CHECK(co_await limited(milliseconds(100)) == "net.timeout");
        co_await ask(used.clock, responder.ports().front(), "www.example.com");
        CHECK(co_await limited(seconds(10)) == "none");
        co_await responder.clean_up(dns("www.example.com"));
        CHECK(co_await limited(seconds(10)) == "none");
    }(bench, *listener));
}

TEST_CASE("what keeps the TLS responder from answering is found before the CA is asked") {
    Bench bench;
    tcp::acceptor taken(bench.io, {asio::ip::make_address("127.0.0.1"), 0});
    std::string address = "127.0.0.1:" + std::to_string(taken.local_endpoint().port());
    auto busy = bench.listener({address});
    run(bench.io, [](TlsAlpn01Listener& responder) -> Task<> {
        CHECK(co_await code_of(responder.present(dns("www.example.com"))) == "net.portInUse");
        CHECK(responder.names() == 0);
        co_await responder.clean_up(dns("www.example.com"));
    }(*busy));
    auto shared = bench.listener({"systemd:tls"}, ListenMode::when_needed,
                                 [&](std::string) -> Result<int> { return ::dup(taken.native_handle()); });
    run(bench.io, [](TlsAlpn01Listener& responder, tcp::acceptor& socket) -> Task<> {
        co_await responder.present(dns("www.example.com"));
        co_await responder.wait_visible(dns("www.example.com"));
        ::shutdown(socket.native_handle(), SHUT_RDWR);  // nobody listens any more
        CHECK(co_await code_of(responder.wait_visible(dns("www.example.com"))) == "challenge.notServed");
        co_await responder.clean_up(dns("www.example.com"));
    }(*shared, taken));
    CHECK(bench.listener({"systemd:tls"}, ListenMode::always)->open().error().code == "net.bind");
}

TEST_CASE("MAC keys are read in every form in which CAs print them, and nothing else is") {
    Bytes key{0xfb, 0xff, 0xfe, 0x01};
    for (const char* text : {"-__-AQ", "-__-AQ==", "+//+AQ", "+//+AQ==", "  +//+AQ==\n"}) {
        INFO(text);
        CHECK(parse_mac_key(text).value() == key);
    }
    for (const char* text : {"", "==", "a b", "päd", "A", "-__-AR"})
        CHECK(parse_mac_key(text).error().code == "config.secret");
}

TEST_CASE("a MAC key comes from a file that is not open to everybody, or from a credential of systemd") {
    TempDirectory directory;
    auto file = directory.path() / "mac";
    std::ofstream(file) << "LV9fLQ==\n";
    config::ExternalAccount account{"kid-1", file.string(), "HS384"};
    REQUIRE(::chmod(file.c_str(), 0644) == 0);
    CHECK(load_binding(account).error().code == "storage.permissions");
    REQUIRE(::chmod(file.c_str(), 0600) == 0);
    auto binding = load_binding(account);
    REQUIRE(binding);
    CHECK(binding->kid == "kid-1");
    CHECK(binding->algorithm == HmacHash::sha384);
    CHECK(as_text(binding->mac_key) == "-__-");

    account.mac_key_file = "credential:mac";
    ::unsetenv("CREDENTIALS_DIRECTORY");
    CHECK(load_binding(account).error().code == "config.secret");
    ::setenv("CREDENTIALS_DIRECTORY", directory.path().c_str(), 1);
    CHECK(load_binding(account));
    account.mac_key_file = "credential:other";
    CHECK(load_binding(account).error().code == "storage.missing");
    std::ofstream(file) << "no base64 at all!";
    account.mac_key_file = "credential:mac";
    Problem problem = load_binding(account).error();
    CHECK(problem.code == "config.secret");
    CHECK(describe(problem).find("base64 at") == std::string::npos);
    ::unsetenv("CREDENTIALS_DIRECTORY");
}
