// Handing one message to a mail server (RFC 5321): in the clear, with STARTTLS (RFC 3207) or over TLS from the start
// (RFC 8314), with AUTH PLAIN or LOGIN (RFC 4954) where a password is given. The server's certificate is verified.
#pragma once

#include "libacme/async/clock.hpp"
#include "libacme/net/address.hpp"

#include <memory>
#include <string>
#include <vector>

struct x509_store_st;

namespace certd {

enum class SmtpTls { none, starttls, tls };

struct SmtpServer {
    HostPort address;
    SmtpTls tls = SmtpTls::starttls;
    std::shared_ptr<x509_store_st> trust;  // load_ca_bundle(…); unset: the system's
    std::string username, password;        // empty: no authentication
    std::string own_name;                  // for EHLO; empty: an address literal
};

struct Envelope {
    std::string from;
    std::vector<std::string> to;
    std::string message;  // header and body, with lines that end in CRLF
};

// The server's words for having taken it ("2.0.0 Ok: queued as …"). When it refuses one of the recipients nobody gets
// the message. Everything together may take as long as `limit`. A password is not sent without TLS except to this
// machine. Throws Failure(net.resolve | net.connect | net.timeout | net.closed | tls.* | notify.mail); the server's own
// words are in `remote`.
Task<std::string> send_mail(Clock& clock, Duration limit, SmtpServer server, Envelope envelope);

}  // namespace certd
