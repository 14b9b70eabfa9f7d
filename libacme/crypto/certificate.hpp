// An X.509 certificate as read-only values, and a chain with the checks a download must pass (RFC 8555 §7.4.2, §11.4).
#pragma once

#include "libacme/base/bytes.hpp"
#include "libacme/base/ids.hpp"
#include "libacme/crypto/key.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace certd {

class Certificate {
   public:
    static Result<Certificate> from_der(ByteView der);  // problem crypto.certificateMalformed

    const Bytes& der() const;
    std::string pem() const;
    std::string fingerprint_sha256() const;  // of the DER, lower-case hex
    std::string serial() const;              // lower-case hex of the DER INTEGER's content octets
    Time not_before() const;
    Time not_after() const;
    std::vector<Identifier> names() const;  // SAN dNSName and iPAddress, sorted, lower case
    std::string subject() const;            // one line, RFC 2253 form; untrusted text
    std::string issuer() const;
    std::string issuer_common_name() const;
    bool is_ca() const;
    Bytes public_key_der() const;                           // SubjectPublicKeyInfo
    std::optional<Bytes> authority_key_identifier() const;  // raw keyIdentifier octets
    bool issued_by(const Certificate& issuer) const;        // name and signature

    // The parsed fields, for the X.509 code of this folder only.
    struct Handle;
    const Handle& handle() const { return *handle_; }

   private:
    explicit Certificate(std::shared_ptr<const Handle> handle) : handle_(std::move(handle)) {}
    std::shared_ptr<const Handle> handle_;  // immutable: copies share it
};

using Chain = std::vector<Certificate>;  // leaf first

// Strict PEM as downloaded: only CERTIFICATE blocks, no text around them, 1–10 certificates, at most 64 KiB.
// Problem crypto.chainMalformed. Linear time (faults S7).
Result<Chain> parse_chain(std::string_view pem);
std::string chain_pem(std::span<const Certificate> chain);

// What an issued chain must satisfy before it may become a version.
struct ChainExpectation {
    const PrivateKey* key = nullptr;
    Bytes public_key_der = {};  // SubjectPublicKeyInfo, where the private key is somebody else's; empty: not checked
    std::vector<Identifier> names;  // SAN must equal this set
    Time now;
    Duration clock_skew = hours(1);  // not_before may lie this far ahead
    std::string previous_serial;     // refused when equal; empty: no predecessor
};
// Problems crypto.wrongKey, crypto.wrongNames, crypto.expired, crypto.notYetValid, crypto.sameSerial, crypto.caLeaf,
// crypto.brokenChain.
Result<void> check_chain(std::span<const Certificate> chain, const ChainExpectation& expectation);

// A self-signed certificate, for tests and quick local TLS servers.
Certificate make_self_signed(const PrivateKey& key, std::span<const Identifier> names, Time not_before, Time not_after);
// Signed by `issuer` with `issuer_key`; `ca` sets basicConstraints. For test authorities.
struct CertificateTemplate {
    std::string common_name;
    std::vector<Identifier> names;
    Time not_before, not_after;
    bool ca = false;
    Bytes serial;  // empty: 16 random octets
    Bytes public_key_der;
    Bytes acme_identifier;     // the digest of RFC 8737 §3, as a critical extension; empty: none
    std::string crl_url = {};  // its distribution point (RFC 5280 §4.2.1.13); empty: none
};
Certificate issue_certificate(const CertificateTemplate& subject, const PrivateKey& issuer_key,
                              const Certificate* issuer);
// The SAN set and public key of a DER request whose signature is valid; problem crypto.csrMalformed.
struct RequestContent {
    std::vector<Identifier> names;
    Bytes public_key_der;
};
Result<RequestContent> read_csr(ByteView der);

}  // namespace certd
