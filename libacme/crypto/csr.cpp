// Certificate signing requests, written as DER directly: OpenSSL's request object costs ten times the signature.
#include "libacme/crypto/csr.hpp"

#include "libacme/crypto/certificate.hpp"
#include "libacme/crypto/der.hpp"
#include "libacme/crypto/extensions.hpp"
#include "libacme/crypto/openssl.hpp"

#include <algorithm>

namespace certd {

namespace {

constexpr std::size_t size_limit = std::size_t{64} << 10;

// The extensionRequest attribute (RFC 2985 §5.4.2) with nothing but the names: CAs refuse what they do not know (RFC
// 8555 §7.4).
Bytes requested_extensions(std::span<const Identifier> names) {
    Bytes extension = x509::write_extension(x509::subject_alternative_name, false, x509::write_names(names));
    Bytes extensions = der::encode(der::set, der::encode(der::sequence, extension));
    return der::encode(der::sequence, {der::encode(der::object_identifier, x509::extension_request), extensions});
}

}  // namespace

Bytes make_csr(const PrivateKey& key, std::span<const Identifier> names) {
    static constexpr std::uint8_t version_1[] = {der::integer, 1, 0}, empty_subject[] = {der::sequence, 0};
    if (names.empty()) fail("crypto.csr", "Cannot request a certificate without a name");
    Bytes attributes = der::encode(der::context_constructed(0), requested_extensions(names));
    Bytes info = der::encode(der::sequence, {version_1, empty_subject, key.public_key_der(), attributes});
    Bytes signature = der::encode_bits(openssl::sign(key, info));
    return der::encode(der::sequence, {info, openssl::signature_algorithm(key.type()), signature});
}

std::optional<x509::RequestParts> x509::read_request(ByteView input) {
    auto request = input.size() <= size_limit ? der::read_whole(input, der::sequence) : std::nullopt;
    if (!request) return std::nullopt;
    der::Reader outer(request->content);
    auto info = outer.next(der::sequence), algorithm = outer.next(der::sequence);
    auto bits = outer.next(der::bit_string);
    auto signature = bits ? der::read_bits(bits->content) : std::nullopt;
    if (!info || !algorithm || !signature || !outer.at_end()) return std::nullopt;

    der::Reader inner(info->content);
    auto version = inner.next(der::integer);
    auto subject = inner.next(der::sequence), public_key = inner.next(der::sequence);
    auto attributes = inner.next(der::context_constructed(0));
    if (!version || !subject || !public_key || !attributes || !inner.at_end()) return std::nullopt;
    return x509::RequestParts{info->whole,      algorithm->whole,  *signature,
                              subject->content, public_key->whole, attributes->content};
}

std::optional<ByteView> x509::requested_names(ByteView attributes) {
    for (der::Reader reader(attributes); !reader.at_end();) {
        auto attribute = reader.next(der::sequence);
        if (!attribute) return std::nullopt;
        der::Reader parts(attribute->content);
        auto oid = parts.next(der::object_identifier);
        auto values = parts.next(der::set);
        if (!oid || !values) return std::nullopt;
        if (!std::ranges::equal(oid->content, x509::extension_request)) continue;
        auto extensions = x509::read_extensions(values->content);
        const x509::Extension* names = extensions ? x509::find(*extensions, x509::subject_alternative_name) : nullptr;
        return names != nullptr ? std::optional(names->value) : std::nullopt;
    }
    return std::nullopt;
}

Result<RequestContent> read_csr(ByteView input) {
    std::optional<x509::RequestParts> parts = x509::read_request(input);
    auto extension = parts ? x509::requested_names(parts->attributes) : std::nullopt;
    auto names = extension ? x509::read_names(*extension) : std::nullopt;
    if (!names) return failure("crypto.csrMalformed", "The certificate request is malformed");
    openssl::KeyOwner key = openssl::read_public_key(parts->public_key);
    if (!key || openssl::verify(key.get(), parts->algorithm, parts->info, parts->signature) != openssl::Verdict::good) {
        return failure("crypto.csrMalformed", "The certificate request is not signed with the key it names");
    }
    return RequestContent{std::move(*names), Bytes(parts->public_key.begin(), parts->public_key.end())};
}

}  // namespace certd
