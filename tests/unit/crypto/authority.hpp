// A two-level authority for the tests of this folder.
#pragma once

#include "libacme/crypto/certificate.hpp"

namespace certd::test {

inline Identifier dns(std::string name) {
    return {Identifier::Type::dns, std::move(name)};
}
inline Identifier ip(std::string address) {
    return {Identifier::Type::ip, std::move(address)};
}
inline Time at(std::string_view text) {
    return parse_rfc3339(text).value();
}

struct Authority {
    PrivateKey root_key = PrivateKey::generate(KeyType::ecdsa_p256);
    Certificate root = issue_certificate(ca_template("Test root"), root_key, nullptr);
    PrivateKey key = PrivateKey::generate(KeyType::ecdsa_p256);
    Certificate certificate = intermediate();
    PrivateKey leaf_key = PrivateKey::generate(KeyType::ecdsa_p256);
    Time now = at("2026-11-23T12:00:00Z");

    static CertificateTemplate ca_template(std::string name) {
        return {.common_name = std::move(name),
                .names = {},
                .not_before = at("2026-01-01T00:00:00Z"),
                .not_after = at("2036-01-01T00:00:00Z"),
                .ca = true,
                .serial = {},
                .public_key_der = {}};
    }
    Certificate intermediate() const {
        CertificateTemplate subject = ca_template("Test intermediate");
        subject.public_key_der = key.public_key_der();
        return issue_certificate(subject, root_key, &root);
    }
    // The leaf every check accepts; tests change one thing.
    CertificateTemplate leaf_template() const {
        return {.common_name = {},
                .names = {dns("example.com"), dns("www.example.com")},
                .not_before = now - hours(1),
                .not_after = now + days(90),
                .ca = false,
                .serial = {},
                .public_key_der = leaf_key.public_key_der()};
    }
    Certificate leaf(const CertificateTemplate& subject) const { return issue_certificate(subject, key, &certificate); }
    ChainExpectation expectation() const {
        ChainExpectation expected;
        expected.key = &leaf_key;
        expected.names = {dns("www.example.com"), dns("example.com")};
        expected.now = now;
        return expected;
    }
};

}  // namespace certd::test
