// The fields of a parsed certificate, as views into its DER. Internal to libacme/crypto.
#pragma once

#include "libacme/crypto/certificate.hpp"

namespace certd {

struct Certificate::Handle {
    Bytes der;
    // Whole elements, with tag and length.
    ByteView to_be_signed, signature_algorithm, issuer, subject, public_key;
    ByteView signature;  // octets
    ByteView serial;     // content octets
    Time not_before, not_after;
    std::vector<Identifier> names;
    bool ca = false;
    std::optional<ByteView> subject_key_identifier, authority_key_identifier;

    Handle() = default;
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
};

// nullptr: not a certificate in DER (RFC 5280 §4.1).
std::shared_ptr<const Certificate::Handle> read_certificate(Bytes der);

}  // namespace certd
