// The fields of a parsed certificate, as views into its DER. Internal to libacme/crypto.
#pragma once

#include "libacme/crypto/certificate.hpp"
#include "libacme/crypto/der.hpp"

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
    std::optional<ByteView> crl_distribution_points, key_usage;  // values of the extensions

    Handle() = default;
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
};

// UTCTime YYMMDDHHMMSSZ or GeneralizedTime YYYYMMDDHHMMSSZ (RFC 5280 §4.1.2.5), nothing else.
std::optional<Time> read_time(const der::Element& element);
// Of two Names, as RFC 5280 §7.1 compares them: without case and superfluous space.
bool same_name(ByteView left, ByteView right);

// nullptr: not a certificate in DER (RFC 5280 §4.1).
std::shared_ptr<const Certificate::Handle> read_certificate(Bytes der);

}  // namespace certd
