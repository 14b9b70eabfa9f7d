// From a plain connection to the point where TLS begins, for the protocols that ask for it in words: SMTP (RFC 3207),
// IMAP (RFC 9051 §6.2.1), POP3 (RFC 2595 §4), FTP (RFC 4217 §4), LDAP (RFC 4511 §4.14) and PostgreSQL (SSLRequest).
#pragma once

#include "libacme/base/start_tls.hpp"
#include "libacme/net/connect.hpp"

#include <string>

namespace certd {

// Asks the server to begin TLS. No limit of its own in time, only in what is read. `name` is the address, for messages.
// Throws Failure(tls.startTls | net.connect). What a server sends beyond its consent is refused: it would be taken for
// part of the handshake, or of what follows (CVE-2011-0411).
Task<> start_tls(TcpSocket& socket, StartTls protocol, std::string name);

}  // namespace certd
