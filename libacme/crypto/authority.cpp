// A small certificate authority, for tests and quick local TLS servers.
#include "libacme/crypto/certificate_fields.hpp"
#include "libacme/crypto/der.hpp"
#include "libacme/crypto/digest.hpp"
#include "libacme/crypto/extensions.hpp"
#include "libacme/crypto/openssl.hpp"

#include <fmt/format.h>

namespace certd {

namespace {

constexpr std::uint8_t version_3[] = {der::context_constructed(0), 3, der::integer, 1, 2};
constexpr std::uint8_t common_name[] = {der::object_identifier, 3, 0x55, 0x04, 0x03};

// A Name with one common name, or none (RFC 5280 §4.1.2.4).
Bytes write_subject(std::string_view name) {
    if (name.empty()) return der::encode(der::sequence, ByteView());
    Bytes value = der::encode(der::sequence, {common_name, der::encode(der::utf8_string, as_bytes(name))});
    return der::encode(der::sequence, der::encode(der::set, value));
}

// UTCTime until 2049, GeneralizedTime from then on (RFC 5280 §4.1.2.5).
Bytes write_time(Time time) {
    auto whole = std::chrono::floor<seconds>(time);
    auto midnight = std::chrono::floor<std::chrono::days>(whole);
    std::chrono::year_month_day date(midnight);
    std::chrono::hh_mm_ss clock(whole - midnight);
    int year = static_cast<int>(date.year());
    bool short_year = year >= 1950 && year < 2050;
    std::string text =
        fmt::format("{:0{}}{:02}{:02}{:02}{:02}{:02}Z", short_year ? year % 100 : year, short_year ? 2 : 4,
                    static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                    clock.minutes().count(), clock.seconds().count());
    return der::encode(short_year ? der::utc_time : der::generalized_time, as_bytes(text));
}

// RFC 7093 §2 method 1 over the whole SubjectPublicKeyInfo: the leftmost 160 bits of its SHA-256.
Bytes key_identifier(ByteView public_key) {
    Bytes identifier = sha256(public_key);
    identifier.resize(20);
    return identifier;
}

// One point, by a full name.
Bytes write_crl_point(std::string_view url) {
    Bytes name = der::encode(der::context_constructed(0), der::encode(der::context(6), as_bytes(url)));
    return der::encode(der::sequence, der::encode(der::sequence, der::encode(der::context_constructed(0), name)));
}

Bytes write_extensions(const CertificateTemplate& subject, ByteView public_key, ByteView authority) {
    static constexpr std::uint8_t is_ca[] = {der::sequence, 3, der::boolean, 1, 0xff}, is_no_ca[] = {der::sequence, 0};
    static constexpr std::uint8_t signs_certificates[] = {der::bit_string, 2, 1, 0x06};  // keyCertSign, cRLSign
    static constexpr std::uint8_t signs_handshakes[] = {der::bit_string, 2, 7, 0x80};    // digitalSignature
    static constexpr std::uint8_t server[] = {der::sequence,
                                              10,
                                              der::object_identifier,
                                              8,  // id-kp-serverAuth
                                              0x2b,
                                              0x06,
                                              0x01,
                                              0x05,
                                              0x05,
                                              0x07,
                                              0x03,
                                              0x01};
    Bytes list;
    auto add = [&](ByteView oid, bool critical, ByteView value) {
        Bytes extension = x509::write_extension(oid, critical, value);
        list.insert(list.end(), extension.begin(), extension.end());
    };
    add(x509::basic_constraints, true, subject.ca ? ByteView(is_ca) : ByteView(is_no_ca));
    add(x509::key_usage, true, subject.ca ? ByteView(signs_certificates) : ByteView(signs_handshakes));
    if (!subject.ca) add(x509::extended_key_usage, false, server);
    if (!subject.names.empty()) {
        add(x509::subject_alternative_name, subject.common_name.empty(), x509::write_names(subject.names));
    }
    if (!subject.acme_identifier.empty()) {
        add(x509::acme_identifier, true, der::encode(der::octet_string, subject.acme_identifier));
    }
    if (!subject.crl_url.empty()) add(x509::crl_distribution_points, false, write_crl_point(subject.crl_url));
    add(x509::subject_key_identifier, false, der::encode(der::octet_string, key_identifier(public_key)));
    add(x509::authority_key_identifier, false, der::encode(der::sequence, der::encode(der::context(0), authority)));
    return der::encode(der::context_constructed(3), der::encode(der::sequence, list));
}

}  // namespace

Certificate make_self_signed(const PrivateKey& key, std::span<const Identifier> names, Time not_before,
                             Time not_after) {
    CertificateTemplate subject;
    subject.common_name = names.empty() || names.front().value.size() > 64 ? "certd" : names.front().value;
    subject.names.assign(names.begin(), names.end());
    subject.not_before = not_before;
    subject.not_after = not_after;
    return issue_certificate(subject, key, nullptr);
}

Certificate issue_certificate(const CertificateTemplate& subject, const PrivateKey& issuer_key,
                              const Certificate* issuer) {
    const Bytes& public_key = subject.public_key_der.empty() ? issuer_key.public_key_der() : subject.public_key_der;
    Bytes serial = subject.serial.empty() ? random_bytes(16) : subject.serial;
    Bytes name = write_subject(subject.common_name);
    ByteView issuer_name = issuer != nullptr ? issuer->handle().subject : ByteView(name);
    Bytes own_identifier = key_identifier(issuer_key.public_key_der());
    ByteView authority = own_identifier;
    if (issuer != nullptr && issuer->handle().subject_key_identifier)
        authority = *issuer->handle().subject_key_identifier;

    ByteView algorithm = openssl::signature_algorithm(issuer_key.type());
    Bytes validity = der::encode(der::sequence, {write_time(subject.not_before), write_time(subject.not_after)});
    Bytes body = der::encode(der::sequence, {version_3, der::encode_unsigned(serial), algorithm, issuer_name, validity,
                                             name, public_key, write_extensions(subject, public_key, authority)});
    Bytes signature = der::encode_bits(openssl::sign(issuer_key, body));
    return value_or_fail(Certificate::from_der(der::encode(der::sequence, {body, algorithm, signature})));
}

}  // namespace certd
