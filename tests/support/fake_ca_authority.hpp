// The signing side of the fake CA: one root, one intermediate and any number of alternate roots per process.
#pragma once

#include "libacme/crypto/certificate.hpp"

#include <string>
#include <vector>

namespace certd::test {

enum class CertificateFault {
    none,
    other_key,
    missing_name,
    extra_name,
    expired,
    not_yet_valid,
    previous_serial,
    empty_chain,
    reversed_chain,
    ca_leaf,
    private_key_inside,
    text_around
};

enum class AlternateFault { none, loop, thousand, other_leaf, missing };

struct LeafOrder {
    std::vector<Identifier> names;
    Bytes public_key_der;
    Time not_before, not_after;
    Bytes serial;  // empty: random
    CertificateFault fault = CertificateFault::none;
    std::string crl_url = {};
};

Certificate sign_leaf(LeafOrder order);
// The PEM chain up to "Fake Root <alternate>", the fault of the default chain included.
std::string chain_text(const Certificate& leaf, int alternate, CertificateFault fault = CertificateFault::none);
// Who signs leaves, and lists of revoked ones.
const Certificate& fake_intermediate();
const PrivateKey& fake_intermediate_key();
// The root's certificate, as a trust anchor.
const Certificate& fake_root();

}  // namespace certd::test
