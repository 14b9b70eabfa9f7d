// Trust anchors and the two kinds of TLS client context: one that verifies, for everything certd talks to, and one for
// the probe, which only looks. May include OpenSSL.
#pragma once

#include "libacme/base/problem.hpp"

#include <boost/asio/ssl/context.hpp>

#include <memory>
#include <string>

#include <openssl/x509_vfy.h>

namespace certd {

using TrustStore = std::shared_ptr<X509_STORE>;

// The certificates of a PEM file, each of them an anchor (an intermediate too). Throws Failure(tls.caBundle) when the
// file cannot be read, is damaged anywhere or holds no certificate: never a smaller trust than was meant, never a
// larger one.
TrustStore load_ca_bundle(const std::string& path);

// The operating system's anchors; set up on the first call and shared by the whole process. Where the system keeps a
// directory of hashed names, certificates are read one by one as they are needed, which costs next to nothing.
TrustStore system_trust();

// TLS 1.2 or later, security level 2, peer verification on, ALPN http/1.1, sessions handed to TlsStream.
boost::asio::ssl::context verifying_context(const TrustStore& trust);

// TLS 1.0 or later with anything an endpoint may still serve; verifies nothing and is used by tls_probe alone.
boost::asio::ssl::context observing_context();

}  // namespace certd
