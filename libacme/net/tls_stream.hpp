// One TLS connection from our side: handshake with or without verification, reading and writing, the session to resume.
// The only instantiation of asio's TLS stream; includes OpenSSL.
#pragma once

#include "libacme/crypto/certificate.hpp"
#include "libacme/net/connect.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <openssl/ssl.h>

namespace certd {

using TlsSession = std::shared_ptr<SSL_SESSION>;

struct IoResult {
    boost::system::error_code error;  // asio::error::eof only after the peer's close_notify
    std::size_t bytes = 0;
};

class TlsStream {
   public:
    // `context` is shared by reference count; `name` ("host:port") is for messages.
    TlsStream(std::unique_ptr<TcpSocket> socket, asio::ssl::context& context, std::string name);
    TlsStream(const TlsStream&) = delete;
    TlsStream& operator=(const TlsStream&) = delete;

    void set_server_name(const std::string& host);  // SNI, unless `host` is empty or an address
    void require_host(const std::string& host,
                      Time now);                   // name or address the certificate must be for; valid at `now`
    void offer_only(const std::string& protocol);  // by ALPN (RFC 7301); the server must choose it
    void offer_no_protocol();                      // whatever the context offers
    void resume(const TlsSession& session);        // offered in the handshake
    // The lists, in OpenSSL's words, of the ciphers up to TLS 1.2 and of the signatures that are offered.
    void offer_algorithms(const char* ciphers, const char* signatures);

    // Throws Failure(tls.untrusted | tls.wrongName | tls.expired | tls.handshake).
    Task<> handshake();
    Task<IoResult> read_some(asio::mutable_buffer buffer);
    Task<boost::system::error_code> write(std::string_view data);  // everything, or an error

    Chain peer_chain() const;  // as sent, leaf first; empty after resumption in TLS 1.2
    bool resumed() const { return SSL_session_reused(handle()) == 1; }
    TlsSession session() const { return session_; }  // the newest the server has offered
    // Whether the connection is open and silent, as one between two exchanges must be.
    bool is_quiet();
    void close();  // close_notify if it can be sent at once, then the socket

    static int on_new_session(SSL* handle, SSL_SESSION* session);

   private:
    struct Rejection {
        int error = X509_V_OK;
        int depth = 0;
        std::optional<Certificate> certificate;  // that was found wanting
    };
    static int on_verify(int accepted, X509_STORE_CTX* context);
    [[noreturn]] void fail_handshake(boost::system::error_code error) const;
    [[noreturn]] void fail_verification() const;
    void check_protocol() const;
    SSL* handle() const { return const_cast<TlsStream*>(this)->stream_.native_handle(); }

    std::string name_;
    asio::ssl::stream<TcpSocket> stream_;
    std::string host_;
    std::string protocol_;
    TlsSession session_;
    Rejection rejection_;
};

}  // namespace certd
