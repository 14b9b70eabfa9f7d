// Chains: strict reading of what a CA sends, and the checks before it may become a version (RFC 8555 §7.4.2, §11.4).
#include "libacme/base/text.hpp"
#include "libacme/crypto/certificate.hpp"
#include "libacme/crypto/certificate_fields.hpp"
#include "libacme/crypto/openssl.hpp"
#include "libacme/crypto/pem.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace certd {

namespace {

constexpr std::size_t chain_limit = std::size_t{64} << 10;
constexpr std::size_t certificate_limit = 10;

std::string listed(std::span<const Identifier> names) {
    std::vector<std::string> texts;
    for (const Identifier& name : names)
        texts.push_back(name.value);
    return join(texts, ", ");
}

// The same key may be written in another form, e.g. a compressed point.
bool is_for_key(const Certificate& leaf, ByteView wanted) {
    ByteView public_key = leaf.handle().public_key;
    if (std::ranges::equal(public_key, wanted)) return true;
    openssl::KeyOwner read = openssl::read_public_key(public_key), key = openssl::read_public_key(wanted);
    return read && key && EVP_PKEY_eq(read.get(), key.get()) == 1;
}

Result<void> check_names(const Certificate& leaf, std::vector<Identifier> ordered) {
    std::ranges::sort(ordered);
    ordered.erase(std::ranges::unique(ordered).begin(), ordered.end());
    if (leaf.handle().names == ordered) return {};
    return failure("crypto.wrongNames",
                   fmt::format("The certificate's names are not those ordered ({})", listed(ordered)),
                   listed(leaf.handle().names));
}

Result<void> check_validity(const Certificate& leaf, const ChainExpectation& expectation) {
    if (leaf.not_after() <= expectation.now) {
        return failure("crypto.expired",
                       fmt::format("The certificate expired at {}", format_rfc3339(leaf.not_after())));
    }
    if (leaf.not_before() > saturating_add(expectation.now, expectation.clock_skew)) {
        return failure("crypto.notYetValid",
                       fmt::format("The certificate is not valid before {}", format_rfc3339(leaf.not_before())));
    }
    return {};
}

Result<void> check_links(std::span<const Certificate> chain) {
    for (std::size_t index = 1; index < chain.size(); ++index) {
        const Certificate& issuer = chain[index];
        if (issuer.is_ca() && chain[index - 1].issued_by(issuer)) continue;
        return failure("crypto.brokenChain",
                       fmt::format("Certificate {} of the chain was not issued by the one after it", index),
                       issuer.subject());
    }
    return {};
}

}  // namespace

Result<Chain> parse_chain(std::string_view pem) {
    // Before anything looks at the content (faults S7).
    if (pem.size() > chain_limit)
        return failure("crypto.chainMalformed", "The certificate chain is larger than 64 KiB");
    auto blocks = read_pem_blocks(pem, "CERTIFICATE", certificate_limit);
    if (!blocks) return failure("crypto.chainMalformed", "The certificate chain is malformed: " + blocks.error());
    if (blocks->empty()) return failure("crypto.chainMalformed", "The certificate chain is empty");
    Chain chain;
    for (const Bytes& der : *blocks) {
        auto certificate = Certificate::from_der(der);
        if (!certificate) {
            return failure("crypto.chainMalformed",
                           fmt::format("Certificate {} of the chain is not valid DER of X.509", chain.size() + 1));
        }
        chain.push_back(std::move(*certificate));
    }
    return chain;
}

std::string chain_pem(std::span<const Certificate> chain) {
    std::string text;
    for (const Certificate& certificate : chain)
        text += certificate.pem();
    return text;
}

Result<void> check_chain(std::span<const Certificate> chain, const ChainExpectation& expectation) {
    if (chain.empty()) return failure("crypto.brokenChain", "The certificate chain is empty");
    const Certificate& leaf = chain.front();
    if (leaf.is_ca()) {
        return failure("crypto.caLeaf", "The chain begins with a CA certificate instead of the one ordered",
                       leaf.subject());
    }
    ByteView key = expectation.key != nullptr ? expectation.key->public_key_der() : expectation.public_key_der;
    if (!key.empty() && !is_for_key(leaf, key)) {
        return failure("crypto.wrongKey", "The certificate is for another key than the one requested");
    }
    if (auto checked = check_names(leaf, expectation.names); !checked) return checked;
    if (auto checked = check_validity(leaf, expectation); !checked) return checked;
    if (!expectation.previous_serial.empty() && leaf.serial() == expectation.previous_serial) {
        return failure("crypto.sameSerial", "The certificate is the previous one again: its serial number is the same");
    }
    return check_links(chain);
}

}  // namespace certd
