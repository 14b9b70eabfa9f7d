// asio's TLS stream, driven one operation at a time, and the translation of OpenSSL's verdicts into Problems.
#include "libacme/net/tls_stream.hpp"

#include "libacme/base/text.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>

#include <cerrno>
#include <chrono>
#include <vector>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

namespace certd {
namespace {

constexpr auto as_tuple = asio::as_tuple(asio::use_awaitable);

// Where an SSL keeps the pointer to its TlsStream; asio uses the slot of the application data itself.
int stream_index() {
    static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}

bool is_address(const std::string& host) {
    boost::system::error_code error;
    asio::ip::make_address(host, error);
    return !error;
}

std::string without_final_dot(std::string host) {
    if (host.ends_with('.')) host.pop_back();
    return host;
}

std::optional<Certificate> copy_certificate(X509* certificate) {
    unsigned char* der = nullptr;
    const int size = i2d_X509(certificate, &der);
    if (size <= 0) return std::nullopt;
    const std::unique_ptr<unsigned char, void (*)(unsigned char*)> owner(der,
                                                                         [](unsigned char* p) { OPENSSL_free(p); });
    auto parsed = Certificate::from_der(ByteView(der, static_cast<std::size_t>(size)));
    return parsed ? std::optional(std::move(*parsed)) : std::nullopt;
}

// What the server says of itself; shown as its text, never as ours.
std::string describe_certificate(const std::optional<Certificate>& certificate) {
    if (!certificate) return {};
    std::vector<std::string> names;
    for (const auto& name : certificate->names())
        names.push_back(name.value);
    return "subject " + certificate->subject() + ", issuer " + certificate->issuer() +
           (names.empty() ? std::string() : ", names " + join(names, " "));
}

std::string handshake_reason(boost::system::error_code error) {
    if (error == asio::error::eof || error == asio::ssl::error::stream_truncated ||
        error == asio::error::connection_reset) {
        return "the other side closed the connection";
    }
    if (ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_WRONG_VERSION_NUMBER) {
        return "the other side does not speak TLS";
    }
    return error.message();
}

}  // namespace

TlsStream::TlsStream(std::unique_ptr<TcpSocket> socket, asio::ssl::context& context, std::string name)
    : name_(std::move(name)), stream_(std::move(*socket), context) {
    SSL_set_ex_data(handle(), stream_index(), this);
}

void TlsStream::set_server_name(const std::string& host) {
    if (host.empty() || is_address(host)) return;
    SSL_set_tlsext_host_name(handle(), without_final_dot(host).c_str());
}

void TlsStream::require_host(const std::string& host, Time now) {
    host_ = without_final_dot(host);
    X509_VERIFY_PARAM* expected = SSL_get0_param(handle());
    const int set = is_address(host_) ? X509_VERIFY_PARAM_set1_ip_asc(expected, host_.c_str())
                                      : X509_VERIFY_PARAM_set1_host(expected, host_.c_str(), host_.size());
    if (set != 1) fail("tls.handshake", "Cannot verify a certificate for " + host_);
    X509_VERIFY_PARAM_set_hostflags(expected,
                                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    X509_VERIFY_PARAM_set_time(expected, std::chrono::floor<seconds>(now).time_since_epoch().count());
    SSL_set_verify(handle(), SSL_VERIFY_PEER, &TlsStream::on_verify);
}

void TlsStream::offer_only(const std::string& protocol) {
    protocol_ = protocol;
    std::string list = static_cast<char>(protocol.size()) + protocol;
    ByteView octets = as_bytes(list);
    SSL_set_alpn_protos(handle(), octets.data(), static_cast<unsigned>(octets.size()));
}

void TlsStream::offer_no_protocol() {
    SSL_set_alpn_protos(handle(), nullptr, 0);
}

void TlsStream::resume(const TlsSession& session) {
    if (session) SSL_set_session(handle(), session.get());
}

void TlsStream::offer_algorithms(const char* ciphers, const char* signatures) {
    if (SSL_set_cipher_list(handle(), ciphers) != 1 || SSL_set1_sigalgs_list(handle(), signatures) != 1) {
        ERR_clear_error();
        fail("tls.handshake", "Cannot restrict what is offered to " + name_);
    }
}

int TlsStream::on_verify(int accepted, X509_STORE_CTX* context) {
    if (accepted == 1) return 1;
    auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* stream = static_cast<TlsStream*>(SSL_get_ex_data(ssl, stream_index()));
    stream->rejection_.error = X509_STORE_CTX_get_error(context);
    stream->rejection_.depth = X509_STORE_CTX_get_error_depth(context);
    if (X509* certificate = X509_STORE_CTX_get_current_cert(context)) {
        stream->rejection_.certificate = copy_certificate(certificate);
    }
    return 0;
}

int TlsStream::on_new_session(SSL* handle, SSL_SESSION* session) {
    static_cast<TlsStream*>(SSL_get_ex_data(handle, stream_index()))->session_ = TlsSession(session, &SSL_SESSION_free);
    return 1;  // the reference is ours now
}

Task<> TlsStream::handshake() {
    const auto [error] = co_await stream_.async_handshake(asio::ssl::stream_base::client, as_tuple);
    if (error) fail_handshake(error);
    check_protocol();
}

// A server that picks what was not offered (ALPN of h2, say) would answer in something we cannot read.
void TlsStream::check_protocol() const {
    const unsigned char* chosen = nullptr;
    unsigned length = 0;
    SSL_get0_alpn_selected(handle(), &chosen, &length);
    const auto protocol = as_text(ByteView(chosen, length));
    if (protocol_.empty() ? length == 0 || protocol == "http/1.1" : protocol == protocol_) return;
    if (length == 0) fail("tls.handshake", "TLS handshake with " + name_ + " did not choose " + protocol_);
    fail("tls.handshake", "TLS handshake with " + name_ + " chose a protocol that was not offered",
         std::string(protocol));
}

void TlsStream::fail_handshake(boost::system::error_code error) const {
    if (error == asio::error::operation_aborted) throw boost::system::system_error(error);
    if (rejection_.error != X509_V_OK) fail_verification();
    fail("tls.handshake", "TLS handshake with " + name_ + " failed (" + handshake_reason(error) + ")");
}

void TlsStream::fail_verification() const {
    const auto remote = describe_certificate(rejection_.certificate);
    const std::string subject =
        (rejection_.depth == 0 ? "The certificate of " : "A CA certificate in the chain of ") + name_;
    switch (rejection_.error) {
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            fail("tls.wrongName", subject + " is not for " + host_, remote);
        case X509_V_ERR_CERT_HAS_EXPIRED:
            fail("tls.expired",
                 subject + " expired" +
                     (rejection_.certificate ? " at " + format_rfc3339(rejection_.certificate->not_after())
                                             : std::string()),
                 remote);
        case X509_V_ERR_CERT_NOT_YET_VALID:
            fail("tls.expired",
                 subject + " is not valid yet" +
                     (rejection_.certificate ? ", only from " + format_rfc3339(rejection_.certificate->not_before())
                                             : std::string()),
                 remote);
        default:
            fail("tls.untrusted", subject + " is not trusted (" + X509_verify_cert_error_string(rejection_.error) + ")",
                 remote);
    }
}

Task<IoResult> TlsStream::read_some(asio::mutable_buffer buffer) {
    const auto [error, bytes] = co_await stream_.async_read_some(buffer, as_tuple);
    if (error == asio::error::operation_aborted) throw boost::system::system_error(error);
    co_return IoResult{error, bytes};
}

Task<boost::system::error_code> TlsStream::write(std::string_view data) {
    while (!data.empty()) {
        const auto [error, bytes] = co_await stream_.async_write_some(asio::buffer(data), as_tuple);
        if (error == asio::error::operation_aborted) throw boost::system::system_error(error);
        if (error) co_return error;
        data.remove_prefix(bytes);
    }
    co_return boost::system::error_code{};
}

Chain TlsStream::peer_chain() const {
    Chain chain;
    const STACK_OF(X509)* sent = SSL_get_peer_cert_chain(handle());
    for (int i = 0; sent != nullptr && i < sk_X509_num(sent); ++i) {
        if (auto certificate = copy_certificate(sk_X509_value(sent, i))) chain.push_back(std::move(*certificate));
    }
    return chain;
}

bool TlsStream::is_quiet() {
    if (SSL_has_pending(handle()) == 1 || BIO_pending(SSL_get_rbio(handle())) > 0) return false;
    char byte = 0;
    const auto received = ::recv(stream_.next_layer().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return received < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

void TlsStream::close() {
    boost::system::error_code ignored;
    stream_.next_layer().non_blocking(true, ignored);  // the peer's own close_notify is not waited for
    stream_.shutdown(ignored);
    stream_.next_layer().close(ignored);
    ERR_clear_error();
}

}  // namespace certd
