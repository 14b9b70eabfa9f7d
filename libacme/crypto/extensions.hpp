// X.509 extensions and GeneralNames (RFC 5280 §4.2) as DER, for certificates and requests, and where they stand in a
// request. Internal to libacme/crypto.
#pragma once

#include "libacme/base/bytes.hpp"
#include "libacme/base/ids.hpp"

#include <optional>
#include <span>
#include <vector>

namespace certd::x509 {

// Content octets of object identifiers.
inline constexpr std::uint8_t subject_key_identifier[] = {0x55, 0x1d, 0x0e};
inline constexpr std::uint8_t key_usage[] = {0x55, 0x1d, 0x0f};
inline constexpr std::uint8_t subject_alternative_name[] = {0x55, 0x1d, 0x11};
inline constexpr std::uint8_t basic_constraints[] = {0x55, 0x1d, 0x13};
inline constexpr std::uint8_t crl_distribution_points[] = {0x55, 0x1d, 0x1f};
inline constexpr std::uint8_t authority_key_identifier[] = {0x55, 0x1d, 0x23};
inline constexpr std::uint8_t extended_key_usage[] = {0x55, 0x1d, 0x25};
inline constexpr std::uint8_t acme_identifier[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x1f};  // RFC 8737 §6.1
inline constexpr std::uint8_t extension_request[] = {0x2a, 0x86, 0x48, 0x86, 0xf7,
                                                     0x0d, 0x01, 0x09, 0x0e};  // RFC 2985 §5.4.2

struct Extension {
    ByteView oid;
    bool critical = false;
    ByteView value;  // inside the OCTET STRING
};

// The items of an Extensions SEQUENCE; nullopt when malformed or when one appears twice.
std::optional<std::vector<Extension>> read_extensions(ByteView sequence);
const Extension* find(std::span<const Extension> extensions, ByteView oid);

// The dNSName and iPAddress entries of GeneralNames, lower case, sorted, each once. Other kinds are left out.
std::optional<std::vector<Identifier>> read_names(ByteView general_names);

Bytes write_extension(ByteView oid, bool critical, ByteView value);
// Throws Failure(crypto.csr) for a name that cannot be written.
Bytes write_names(std::span<const Identifier> names);

// The parts of a CertificationRequest (RFC 2986 §4); the views refer into it.
struct RequestParts {
    ByteView info, algorithm, signature;  // info: what is signed
    ByteView subject;                     // content of the Name
    ByteView public_key;                  // SubjectPublicKeyInfo
    ByteView attributes;                  // their content
};
std::optional<RequestParts> read_request(ByteView der);  // at most 64 KiB; the signature is not looked at
// The subjectAltName asked for among the attributes (RFC 2985 §5.4.2); nullopt: none, or malformed.
std::optional<ByteView> requested_names(ByteView attributes);

}  // namespace certd::x509
