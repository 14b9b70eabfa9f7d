// Answers to tls-alpn-01, written with the DER of ordinary certificates.
#include "libacme/crypto/challenge_certificate.hpp"

#include "libacme/crypto/digest.hpp"

namespace certd {

Certificate make_challenge_certificate(const PrivateKey& key, const Identifier& name,
                                       std::string_view key_authorization, Time now) {
    CertificateTemplate subject;
    subject.common_name = "ACME challenge";  // not the name: it stands in the SAN and nowhere else
    subject.names = {name};
    // CAs ignore the dates; a day to both sides suits any clock.
    subject.not_before = std::chrono::floor<seconds>(now) - days(1);
    subject.not_after = subject.not_before + days(2);
    subject.acme_identifier = sha256(as_bytes(key_authorization));
    return issue_certificate(subject, key, nullptr);
}

}  // namespace certd
