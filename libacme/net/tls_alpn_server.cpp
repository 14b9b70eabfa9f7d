// Handshakes over asio's TLS stream; OpenSSL's callbacks decide whom to answer before anything is signed.
#include "libacme/net/tls_alpn_server.hpp"

#include "libacme/async/task_group.hpp"
#include "libacme/async/timeout.hpp"
#include "libacme/base/text.hpp"
#include "libacme/crypto/openssl.hpp"
#include "libacme/net/accept.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <algorithm>
#include <list>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <unistd.h>

namespace certd {

struct ServerIdentity {
    openssl::CertificateOwner certificate;
    openssl::KeyOwner key;
};

std::shared_ptr<const ServerIdentity> make_server_identity(const Certificate& certificate, const PrivateKey& key) {
    EVP_PKEY* shared = key.handle().key.get();
    EVP_PKEY_up_ref(shared);
    return std::make_shared<const ServerIdentity>(
        ServerIdentity{openssl::to_x509(certificate), openssl::KeyOwner(shared)});
}

namespace {

using TcpSocket = asio::ip::tcp::socket;

std::string server_name_of(const SSL* handle) {
    const char* name = SSL_get_servername(handle, TLSEXT_NAMETYPE_host_name);
    return name != nullptr ? lower_ascii(name) : std::string();
}

SSL_CTX* new_server_context() {
    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    if (context == nullptr) throw std::bad_alloc();
    // RFC 8737 §3: TLS 1.2 or later.
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
    return context;
}

}  // namespace

struct TlsAlpnServer::State {
    State(Clock& server_clock, Listener server_listener, TlsAlpnServerOptions server_options, Choose server_choose,
          Answered server_answered)
        : clock(server_clock),
          listener(std::move(server_listener)),
          options(std::move(server_options)),
          choose(std::move(server_choose)),
          answered(std::move(server_answered)),
          context(new_server_context()),
          offer(static_cast<char>(options.protocol.size()) + options.protocol) {
        SSL_CTX_set_client_hello_cb(context.native_handle(), &on_client_hello, this);
        SSL_CTX_set_tlsext_servername_callback(context.native_handle(), &on_server_name);
        SSL_CTX_set_tlsext_servername_arg(context.native_handle(), this);
        SSL_CTX_set_alpn_select_cb(context.native_handle(), &on_protocols, this);
    }

    Clock& clock;
    Listener listener;
    TlsAlpnServerOptions options;
    Choose choose;
    Answered answered;
    asio::ssl::context context;
    std::string offer;                  // the list of one protocol, as ALPN carries it
    std::list<TcpSocket*> connections;  // the oldest first

    // RFC 8737 §3: a validation offers this protocol alone. Whoever offers none or others is no validation.
    static int on_client_hello(SSL* handle, int* alert, void* argument) {
        const auto& state = *static_cast<const State*>(argument);
        const unsigned char* data = nullptr;
        std::size_t size = 0;
        bool offers =
            SSL_client_hello_get0_ext(handle, TLSEXT_TYPE_application_layer_protocol_negotiation, &data, &size) == 1;
        // Two octets of length go before the list (RFC 7301 §3.1).
        if (offers && size > 2 && as_text(ByteView(data, size).subspan(2)) == state.offer)
            return SSL_CLIENT_HELLO_SUCCESS;
        *alert = SSL_AD_NO_APPLICATION_PROTOCOL;
        return SSL_CLIENT_HELLO_ERROR;
    }

    static int on_server_name(SSL* handle, int* alert, void* argument) {
        const auto& state = *static_cast<const State*>(argument);
        std::string name = server_name_of(handle);
        auto identity = name.empty() ? nullptr : state.choose(name);
        if (identity && SSL_use_certificate(handle, identity->certificate.get()) == 1 &&
            SSL_use_PrivateKey(handle, identity->key.get()) == 1) {
            return SSL_TLSEXT_ERR_OK;
        }
        *alert = SSL_AD_UNRECOGNIZED_NAME;
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }

    static int on_protocols(SSL*, const unsigned char** chosen, unsigned char* length, const unsigned char* offered,
                            unsigned, void*) {
        *chosen = offered + 1;  // the only one, as on_client_hello has seen
        *length = offered[0];
        return SSL_TLSEXT_ERR_OK;
    }

    // A connection that was closed here stays in the list until its coroutine has noticed.
    static bool is_open(const TcpSocket* connection) { return connection->is_open(); }
    std::size_t open_connections() const {
        return static_cast<std::size_t>(std::ranges::count_if(connections, is_open));
    }
    void close_oldest() {
        boost::system::error_code ignored;
        auto oldest = std::ranges::find_if(connections, is_open);
        if (oldest != connections.end()) (*oldest)->close(ignored);
    }

    Task<> shake_hands(asio::ssl::stream<TcpSocket>& stream) const {
        const auto [error] =
            co_await stream.async_handshake(asio::ssl::stream_base::server, asio::as_tuple(asio::use_awaitable));
        if (!error) {
            answered(server_name_of(stream.native_handle()));
            boost::system::error_code ignored;
            stream.next_layer().non_blocking(true, ignored);  // the client's own close_notify is not waited for
            stream.shutdown(ignored);
        }
        ERR_clear_error();
    }

    Task<> serve(std::unique_ptr<asio::ssl::stream<TcpSocket>> stream) {
        const auto place = connections.insert(connections.end(), &stream->next_layer());
        struct Leave {
            std::list<TcpSocket*>& connections;
            std::list<TcpSocket*>::iterator place;
            ~Leave() { connections.erase(place); }
        } leave{connections, place};
        try {
            co_await with_timeout(clock, options.deadline, "net.timeout", "No TLS handshake in time",
                                  shake_hands(*stream));
        } catch (const Failure&) {
            // Too slow: closed, as every connection is.
        }
    }

    void take_on(const Accepted& accepted, TaskGroup& tasks, const asio::any_io_executor& executor) {
        TcpSocket socket(executor);
        boost::system::error_code error;
        socket.assign(accepted.address.ss_family == AF_INET6 ? asio::ip::tcp::v6() : asio::ip::tcp::v4(), accepted.fd,
                      error);
        if (error) {
            ::close(accepted.fd);
            return;
        }
        if (open_connections() >= options.connections) close_oldest();
        tasks.spawn("handshake", serve(std::make_unique<asio::ssl::stream<TcpSocket>>(std::move(socket), context)));
    }
};

TlsAlpnServer::TlsAlpnServer(Clock& clock, Listener listener, TlsAlpnServerOptions options, Choose choose,
                             Answered answered)
    : state_(std::make_shared<State>(clock, std::move(listener), std::move(options), std::move(choose),
                                     std::move(answered))) {}

TlsAlpnServer::~TlsAlpnServer() = default;

Task<> TlsAlpnServer::run() {
    const auto state = state_;
    auto executor = co_await asio::this_coro::executor;
    TaskGroup tasks(executor, nullptr);
    AcceptHooks hooks;
    hooks.take_on = [&](const Accepted& accepted) { state->take_on(accepted, tasks, executor); };
    hooks.make_room = [&] { state->close_oldest(); };
    hooks.report = [&](const Problem& problem) {
        if (state->options.on_problem) state->options.on_problem(problem);
    };
    co_await accept_connections(state->clock, state->listener.fd(), std::move(hooks), tasks);
}

std::size_t TlsAlpnServer::connections() const {
    return state_->open_connections();
}

std::uint16_t TlsAlpnServer::port() const {
    return state_->listener.port();
}

}  // namespace certd
