// Reading of foreign requests. The text in them may be anybody's: escaped wherever it is shown.
#include "libacme/base/text.hpp"
#include "libacme/crypto/certificate.hpp"
#include "libacme/crypto/csr.hpp"
#include "libacme/crypto/der.hpp"
#include "libacme/crypto/extensions.hpp"
#include "libacme/crypto/openssl.hpp"
#include "libacme/crypto/pem.hpp"

#include <algorithm>

namespace certd {

namespace {

constexpr std::size_t size_limit = std::size_t{64} << 10;
constexpr std::uint8_t common_name[] = {0x55, 0x04, 0x03};
constexpr std::uint8_t dns_name = der::context(2), ip_address = der::context(7);

tl::unexpected<Problem> refused(std::string_view fault) {
    return failure("crypto.csrMalformed", "The certificate request " + std::string(fault));
}

std::optional<Bytes> der_of(std::string_view content) {
    if (content.starts_with(static_cast<char>(der::sequence))) {
        ByteView octets = as_bytes(content);
        return Bytes(octets.begin(), octets.end());
    }
    for (std::string_view label : {"CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"}) {
        std::string begin = "-----BEGIN " + std::string(label) + "-----",
                    end = "-----END " + std::string(label) + "-----";
        std::size_t start = content.find(begin);
        std::size_t stop = start == std::string_view::npos ? start : content.find(end, start);
        if (stop == std::string_view::npos) continue;
        std::string block = std::string(content.substr(start, stop + end.size() - start)) + "\n";
        std::erase(block, '\r');
        auto blocks = read_pem_blocks(block, label, 1);
        if (blocks && blocks->size() == 1) return std::move(blocks->front());
    }
    return std::nullopt;
}

// Only what can be ordered: `a b.example` in a request is no better than in a configuration.
Result<void> check_names(ByteView extension, const std::vector<Identifier>& names) {
    auto list = der::read_whole(extension, der::sequence);
    for (der::Reader reader(list ? list->content : ByteView()); !reader.at_end();) {
        auto item = reader.next();
        if (!item || (item->tag != dns_name && item->tag != ip_address))
            return refused("asks for something that is neither a DNS name nor an IP address");
    }
    for (const Identifier& name : names) {
        Result<Identifier> parsed = parse_identifier(name.value);
        if (!parsed || *parsed != name)
            return refused("asks for a name that no certificate can have: " + escape_untrusted(name.value, 260));
    }
    if (names.empty()) return refused("asks for no name: its subject alternative name is empty");
    return {};
}

// RFC 8555 §7.4: a name that stands in the subject only is asked for as well; CAs refuse a common name that is none.
Result<void> check_subject(ByteView subject, const std::vector<Identifier>& names) {
    for (der::Reader sets(subject); !sets.at_end();) {
        auto set = sets.next(der::set);
        for (der::Reader attributes(set ? set->content : subject); !attributes.at_end();) {
            auto attribute = set ? attributes.next(der::sequence) : std::nullopt;
            der::Reader parts(attribute ? attribute->content : ByteView());
            auto oid = parts.next(der::object_identifier);
            auto value = parts.next();
            if (!oid || !value) return refused("is malformed: its subject cannot be read");
            if (!std::ranges::equal(oid->content, common_name)) continue;
            std::string text = lower_ascii(as_text(value->content));
            auto is_it = [&](const Identifier& name) { return name.value == text; };
            if (std::ranges::none_of(names, is_it)) {
                return refused("has a common name that is not among its subject alternative names: " +
                               escape_untrusted(text, 260));
            }
        }
    }
    return {};
}

// CAs take points in the uncompressed form only (RFC 5480 §2.2), and one key has to have one digest.
bool is_usual_form(KeyType type, ByteView public_key) {
    if (type == KeyType::ecdsa_p256) return public_key.size() == 91;
    return type != KeyType::ecdsa_p384 || public_key.size() == 120;
}

}  // namespace

Result<ForeignRequest> read_foreign_request(std::string_view content) {
    if (content.size() > size_limit) return refused("is larger than 64 KiB");
    std::optional<Bytes> der = der_of(content);
    if (!der) return refused("is neither PEM nor DER of one");
    std::optional<x509::RequestParts> parts = x509::read_request(*der);
    if (!parts) return refused("is malformed");
    std::optional<ByteView> extension = x509::requested_names(parts->attributes);
    if (!extension) return refused("asks for no name: it has no subject alternative name");
    Result<RequestContent> read = read_csr(*der);
    if (!read) return failure(std::move(read).error());
    if (Result<void> checked = check_names(*extension, read->names); !checked) return failure(checked.error());
    if (Result<void> checked = check_subject(parts->subject, read->names); !checked) return failure(checked.error());

    openssl::KeyOwner key = openssl::read_public_key(read->public_key_der);
    std::optional<KeyType> type = key ? openssl::supported_type(key.get()) : std::nullopt;
    if (!type || !is_usual_form(*type, read->public_key_der)) {
        return failure(
            "crypto.csrKey",
            "The key of the certificate request is not ECDSA P-256 or P-384 in uncompressed form, nor RSA of "
            "2048, 3072 or 4096 bits with exponent 65537");
    }
    return ForeignRequest{*std::move(der), std::move(read->names), *type, std::move(read->public_key_der)};
}

}  // namespace certd
