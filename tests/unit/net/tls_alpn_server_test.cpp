// The server side of tls-alpn-01 against real TLS clients, wrong ones and hostile ones (faults F26, S9).
#include "libacme/net/tls_alpn_server.hpp"

#include "libacme/async/task_group.hpp"
#include "libacme/async/timeout.hpp"
#include "libacme/crypto/challenge_certificate.hpp"
#include "libacme/net/tls_probe.hpp"
#include "tests/unit/net/server_fixture.hpp"

#include <openssl/ssl.h>

using namespace certd;
using namespace certd::test;

namespace {

// A TLS client whose octets pass through the test's hands.
struct HandClient {
    std::string name = "www.example.com";                 // SNI; empty: none
    std::vector<std::string> protocols = {"acme-tls/1"};  // ALPN; empty: none
    int greatest_version = 0, least_version = 0;
    std::size_t padding = 0;   // octets of a private extension
    std::size_t fragment = 0;  // octets per packet; 0: all at once
    Duration pause{};          // between packets
};

int add_padding(SSL*, unsigned, unsigned, const unsigned char** out, std::size_t* size, X509*, std::size_t, int*,
                void* argument) {
    const auto* octets = static_cast<const std::string*>(argument);
    *out = reinterpret_cast<const unsigned char*>(octets->data());
    *size = octets->size();
    return 1;
}

std::string taken(BIO* bio) {
    std::string octets(static_cast<std::size_t>(BIO_ctrl_pending(bio)), '\0');
    if (!octets.empty()) BIO_read(bio, octets.data(), static_cast<int>(octets.size()));
    return octets;
}

// False when the server has closed meanwhile.
Task<bool> send_in_fragments(OctetClient& client, const HandClient& how, std::string octets) {
    SystemClock clock;
    std::size_t step = how.fragment == 0 ? octets.size() : how.fragment;
    for (std::size_t at = 0; at < octets.size(); at += step) {
        std::string packet = octets.substr(at, step);
        auto [error, bytes] =
            co_await client.socket().async_write_some(asio::buffer(packet), asio::as_tuple(asio::use_awaitable));
        if (error || bytes < packet.size()) co_return false;
        if (how.pause > Duration(0)) co_await clock.sleep(how.pause);
    }
    co_return true;
}

// Whether the handshake came to its end.
Task<bool> shakes_hands(std::uint16_t port, HandClient how) {
    std::string padding(how.padding, 'x');
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
    SSL_CTX_set_security_level(context.get(), 0);
    SSL_CTX_set_min_proto_version(context.get(), how.least_version);
    SSL_CTX_set_max_proto_version(context.get(), how.greatest_version);
    if (how.padding > 0) {
        SSL_CTX_add_custom_ext(context.get(), 65280, SSL_EXT_CLIENT_HELLO, &add_padding, nullptr, &padding, nullptr,
                               nullptr);
    }
    std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), &SSL_free);
    BIO* in = BIO_new(BIO_s_mem());
    BIO* out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl.get(), in, out);
    SSL_set_connect_state(ssl.get());
    if (!how.name.empty()) SSL_set_tlsext_host_name(ssl.get(), how.name.c_str());
    std::string list;
    for (const std::string& protocol : how.protocols)
        list += static_cast<char>(protocol.size()) + protocol;
    if (!list.empty())
        SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const unsigned char*>(list.data()),
                            static_cast<unsigned>(list.size()));

    OctetClient client(co_await asio::this_coro::executor);
    co_await client.connect(port);
    client.socket().set_option(asio::ip::tcp::no_delay(true));
    bool done = false;
    for (;;) {
        done = SSL_do_handshake(ssl.get()) == 1;
        bool sent = co_await send_in_fragments(client, how, taken(out));
        if (!sent) co_return false;
        if (done) break;
        char buffer[4096];
        auto [error, bytes] =
            co_await client.socket().async_read_some(asio::buffer(buffer), asio::as_tuple(asio::use_awaitable));
        if (error) break;
        BIO_write(in, buffer, static_cast<int>(bytes));
    }
    // In TLS 1.3 the client is done before the server has judged it: what comes next tells.
    if (done) co_await client.read_to_end();
    co_return done;
}

struct Bench {
    PrivateKey key = PrivateKey::generate(KeyType::ecdsa_p256);
    Certificate certificate =
        make_challenge_certificate(key, {Identifier::Type::dns, "www.example.com"}, "t.x", SystemClock().now());
    std::shared_ptr<const ServerIdentity> identity = make_server_identity(certificate, key);
    std::vector<std::string> answered;
};

using Use = std::function<Task<>(Bench&, TlsAlpnServer&)>;

Task<> use_alpn_server(Bench& bench, TlsAlpnServer& server, Use use) {
    auto executor = co_await asio::this_coro::executor;
    SystemClock clock;
    TaskGroup tasks(executor, [](const std::string&, std::exception_ptr error) { FAIL(describe(problem_of(error))); });
    tasks.spawn("server", server.run());
    std::exception_ptr error;
    try {
        co_await with_timeout(clock, seconds(20), "test.hangs", "the test did not end", use(bench, server));
    } catch (...) {
        error = std::current_exception();
    }
    co_await tasks.stop();
    CHECK(server.connections() == 0);
    if (error) std::rethrow_exception(error);
}

void with_alpn_server(Use use, TlsAlpnServerOptions options = {}) {
    SystemClock clock;
    Bench bench;
    TlsAlpnServer server(
        clock, value_or_fail(Listener::tcp("127.0.0.1:0")), std::move(options),
        [&](const std::string& name) { return name == "www.example.com" ? bench.identity : nullptr; },
        [&](const std::string& name) { bench.answered.push_back(name); });
    run_task(use_alpn_server(bench, server, std::move(use)));
}

}  // namespace

TEST_CASE("a name that was presented is answered with its certificate, in TLS 1.2 and 1.3, and nothing more is said") {
    with_alpn_server([](Bench& bench, TlsAlpnServer& server) -> Task<> {
        SystemClock clock;
        Served served = co_await probe_tls(
            clock, {"127.0.0.1:" + std::to_string(server.port()), "WWW.example.com", seconds(5), "acme-tls/1"});
        CHECK(served.fingerprint == bench.certificate.fingerprint_sha256());
        CHECK(served.chain.size() == 1);
        for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            HandClient client;
            client.least_version = client.greatest_version = version;
            CHECK(co_await shakes_hands(server.port(), client));
        }
        CHECK(bench.answered.size() == 3);
    });
}

TEST_CASE("whoever is not a validation of a presented name is refused before anything is signed") {
    with_alpn_server([](Bench& bench, TlsAlpnServer& server) -> Task<> {
        std::vector<HandClient> wrong(8);
        wrong[0].name.clear();
        wrong[1].name = "other.example.com";
        wrong[2].name = "ww.example.com";
        wrong[3].protocols.clear();
        wrong[4].protocols = {"h2", "http/1.1"};
        wrong[5].protocols = {"acme-tls/1", "http/1.1"};
        wrong[6].protocols = {"acme-tls/2"};
        wrong[7].least_version = wrong[7].greatest_version = TLS1_1_VERSION;
        for (const HandClient& client : wrong) {
            INFO(client.name << " " << client.protocols.size());
            CHECK_FALSE(co_await shakes_hands(server.port(), client));
        }
        HandClient oldest;
        oldest.least_version = oldest.greatest_version = TLS1_VERSION;
        CHECK_FALSE(co_await shakes_hands(server.port(), oldest));
        CHECK(bench.answered.empty());
        CHECK(co_await shakes_hands(server.port(), {}));
    });
}

TEST_CASE("a hello that comes one octet a packet, or with 16 KiB of extensions, is read all the same") {
    with_alpn_server([](Bench& bench, TlsAlpnServer& server) -> Task<> {
        HandClient slow;
        slow.fragment = 1;
        CHECK(co_await shakes_hands(server.port(), slow));
        HandClient large;
        large.padding = 15'800;
        CHECK(co_await shakes_hands(server.port(), large));
        CHECK(bench.answered.size() == 2);
    });
}

TEST_CASE("what is no TLS is closed, and a client that hangs up harms nobody") {
    with_alpn_server([](Bench& bench, TlsAlpnServer& server) -> Task<> {
        auto executor = co_await asio::this_coro::executor;
        for (std::string text : {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(20'000, '\xff'),
                                 std::string("\x16\x03\x01\xff\xff", 5) + std::string(70'000, 'x')}) {
            OctetClient client(executor);
            co_await client.connect(server.port());
            co_await client.send(text);
            co_await client.read_to_end();
        }
        for (int i = 0; i < 5; ++i) {
            OctetClient client(executor);
            co_await client.connect(server.port());
            co_await client.send(std::string("\x16\x03\x01", 3));
            client.close();
        }
        CHECK(co_await shakes_hands(server.port(), {}));
        CHECK(bench.answered.size() == 1);
    });
}

TEST_CASE("silent and dripping clients are closed at the deadline") {
    TlsAlpnServerOptions options;
    options.deadline = milliseconds(300);
    with_alpn_server(
        [](Bench& bench, TlsAlpnServer& server) -> Task<> {
            SystemClock clock;
            OctetClient silent(co_await asio::this_coro::executor);
            co_await silent.connect(server.port());
            Duration begun = clock.monotonic();
            co_await silent.read_to_end();
            CHECK(clock.monotonic() - begun >= milliseconds(200));
            HandClient dripping;
            dripping.fragment = 1;
            dripping.pause = milliseconds(5);
            CHECK_FALSE(co_await shakes_hands(server.port(), dripping));
            CHECK(bench.answered.empty());
            CHECK(co_await shakes_hands(server.port(), {}));
        },
        options);
}

TEST_CASE("idle connections beyond the limit make room for the next (S9)") {
    TlsAlpnServerOptions options;
    options.connections = 8;
    with_alpn_server(
        [](Bench&, TlsAlpnServer& server) -> Task<> {
            auto executor = co_await asio::this_coro::executor;
            std::vector<std::unique_ptr<OctetClient>> idle;
            for (int i = 0; i < 200; ++i) {
                idle.push_back(std::make_unique<OctetClient>(executor));
                co_await idle.back()->connect(server.port());
            }
            CHECK(co_await shakes_hands(server.port(), {}));
            CHECK(server.connections() <= 9);
        },
        options);
}
