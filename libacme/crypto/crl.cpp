// The scanner of CRLs, and the distribution points of certificates.
#include "libacme/crypto/crl.hpp"

#include "libacme/crypto/certificate_fields.hpp"
#include "libacme/crypto/der.hpp"
#include "libacme/crypto/extensions.hpp"
#include "libacme/crypto/openssl.hpp"
#include "libacme/crypto/pem.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr std::uint8_t uniform_resource = der::context(6);
constexpr std::uint8_t enumerated = 0x0a;

// Content octets of object identifiers: id-ce 20, 21, 27, 28.
constexpr std::uint8_t crl_number[] = {0x55, 0x1d, 0x14};
constexpr std::uint8_t reason_code[] = {0x55, 0x1d, 0x15};
constexpr std::uint8_t delta_indicator[] = {0x55, 0x1d, 0x1b};
constexpr std::uint8_t issuing_point[] = {0x55, 0x1d, 0x1c};

[[noreturn]] void refuse(std::string_view fault) {
    fail("crl.invalid", fmt::format("The CRL cannot be used: {}", fault));
}

template <class T>
T required(std::optional<T> value, std::string_view fault) {
    if (!value) refuse(fault);
    return *std::move(value);
}

bool is(ByteView oid, ByteView known) {
    return std::ranges::equal(oid, known);
}

// The URIs of GeneralNames' content.
std::vector<std::string> uris_of(ByteView names) {
    std::vector<std::string> uris;
    for (der::Reader reader(names); !reader.at_end();) {
        auto name = reader.next();
        if (!name) break;
        if (name->tag == uniform_resource) uris.emplace_back(as_text(name->content));
    }
    return uris;
}

// The URIs of a DistributionPointName (§4.2.1.13); nullopt: it is relative to the issuer's name.
std::optional<std::vector<std::string>> point_uris(ByteView point_name) {
    auto full = der::read_whole(point_name, der::context_constructed(0));
    if (!full) return std::nullopt;
    return uris_of(full->content);
}

bool may_sign_lists(const Certificate& issuer) {
    const std::optional<ByteView>& usage = issuer.handle().key_usage;
    if (!usage) return true;
    auto bits = der::read_whole(*usage, der::bit_string);
    constexpr std::uint8_t crl_sign = 0x02;  // bit 6, counted from the left
    return bits && bits->content.size() >= 2 && (bits->content[1] & crl_sign) != 0;
}

struct Parts {
    ByteView to_be_signed, algorithm, signature, issuer;
    Time this_update, next_update;
    ByteView entries, extensions;  // content; whole SEQUENCE, empty: none
};

// TBSCertList (§5.1.2). The signature is not looked at.
Parts take_apart(ByteView list) {
    constexpr std::string_view malformed = "it is not a certificate list in DER";
    der::Reader outer(required(der::read_whole(list, der::sequence), malformed).content);
    auto body = required(outer.next(der::sequence), malformed),
         algorithm = required(outer.next(der::sequence), malformed);
    auto bits = required(outer.next(der::bit_string), malformed);
    if (!outer.at_end()) refuse(malformed);

    Parts parts;
    parts.to_be_signed = body.whole;
    parts.algorithm = algorithm.whole;
    parts.signature = required(der::read_bits(bits.content), malformed);
    der::Reader reader(body.content);
    if (auto version = reader.next(der::integer); version && (version->content.size() != 1 || version->content[0] != 1))
        refuse("it is of a version that does not exist");
    if (!is(required(reader.next(der::sequence), malformed).whole, parts.algorithm)) refuse(malformed);
    parts.issuer = required(reader.next(der::sequence), malformed).whole;
    parts.this_update = required(read_time(required(reader.next(), malformed)), malformed);
    if (!reader.at(der::utc_time) && !reader.at(der::generalized_time)) refuse("it does not say when it runs out");
    parts.next_update = required(read_time(required(reader.next(), malformed)), malformed);
    if (reader.at(der::sequence)) parts.entries = required(reader.next(), malformed).content;
    if (reader.at(der::context_constructed(0))) parts.extensions = required(reader.next(), malformed).content;
    if (!reader.at_end()) refuse(malformed);
    return parts;
}

std::size_t signer_of(const Parts& parts, std::span<const Certificate> issuers) {
    bool unknown = false;
    for (std::size_t i = 0; i < issuers.size(); ++i) {
        if (!same_name(issuers[i].handle().subject, parts.issuer) || !may_sign_lists(issuers[i])) continue;
        openssl::KeyOwner key = openssl::read_public_key(issuers[i].handle().public_key);
        if (!key) continue;
        openssl::Verdict verdict = openssl::verify(key.get(), parts.algorithm, parts.to_be_signed, parts.signature);
        if (verdict == openssl::Verdict::good) return i;
        unknown = unknown || verdict == openssl::Verdict::unknown_algorithm;
    }
    refuse(unknown ? "it is signed with an algorithm other than ECDSA and RSA PKCS#1 with SHA-2"
                   : "it is not signed by the issuer of the certificate");
}

// §5.2.5, §6.3.3 (b): a list for a part of the certificates must be the one for this point.
void check_issuing_point(ByteView value, const std::string& url) {
    constexpr std::string_view malformed = "its issuing distribution point is malformed";
    der::Reader reader(required(der::read_whole(value, der::sequence), malformed).content);
    if (reader.at(der::context_constructed(0))) {
        auto uris = point_uris(required(reader.next(), malformed).content);
        if (!uris || std::ranges::find(*uris, url) == uris->end()) refuse("it is for another distribution point");
    }
    while (!reader.at_end()) {
        auto field = required(reader.next(), malformed);
        if (field.tag == der::context(3)) refuse("it is for some reasons of revocation only");
        if (field.content.size() != 1) refuse(malformed);
        if (field.content[0] == 0) continue;
        if (field.tag == der::context(2)) refuse("it is for certificates of CAs only");
        if (field.tag == der::context(4)) refuse("it is an indirect one, for the certificates of several CAs");
        if (field.tag == der::context(5)) refuse("it is for attribute certificates only");
        if (field.tag != der::context(1)) refuse(malformed);  // onlyContainsUserCerts
    }
}

void check_extensions(ByteView sequence, const std::string& url) {
    if (sequence.empty()) return;
    auto extensions = required(x509::read_extensions(sequence), "its extensions are malformed");
    for (const x509::Extension& extension : extensions) {
        if (is(extension.oid, delta_indicator)) refuse("it is a delta, which says nothing without another list");
        if (is(extension.oid, issuing_point)) {
            check_issuing_point(extension.value, url);
        } else if (extension.critical && !is(extension.oid, x509::authority_key_identifier) &&
                   !is(extension.oid, crl_number)) {
            refuse("it has a critical extension that is not understood");
        }
    }
}

// The reason of an entry (§5.3). Without memory of its own: there may be millions of them.
CrlReason entry_reason(ByteView sequence) {
    constexpr std::string_view malformed = "the extensions of an entry are malformed";
    auto reason = CrlReason::unspecified;
    for (der::Reader reader(required(der::read_whole(sequence, der::sequence), malformed).content); !reader.at_end();) {
        der::Reader item(required(reader.next(der::sequence), malformed).content);
        ByteView oid = required(item.next(der::object_identifier), malformed).content;
        auto flag = item.next(der::boolean);
        bool critical = flag && flag->content.size() == 1 && flag->content[0] != 0;
        ByteView value = required(item.next(der::octet_string), malformed).content;
        if (!is(oid, reason_code)) {
            if (critical) refuse("an entry has a critical extension that is not understood");
            continue;
        }
        auto code = required(der::read_whole(value, enumerated), malformed);
        if (code.content.size() != 1) refuse(malformed);
        reason = static_cast<CrlReason>(code.content[0]);
    }
    return reason;
}

struct Wanted {
    std::vector<Bytes> serials;
    std::unordered_map<std::string_view, const std::string*> by_octets;  // to the text asked for

    explicit Wanted(const std::vector<std::string>& texts) {
        serials.reserve(texts.size());  // the keys refer into it
        for (const std::string& text : texts) {
            auto octets = parse_hex(text);
            if (!octets) continue;
            serials.push_back(*std::move(octets));
            by_octets.emplace(as_text(serials.back()), &text);
        }
    }
    Wanted(const Wanted&) = delete;
    Wanted& operator=(const Wanted&) = delete;
};

void scan(ByteView entries, const std::vector<std::string>& serials, CrlAnswer& answer) {
    constexpr std::string_view malformed = "an entry is malformed";
    const Wanted wanted(serials);
    for (der::Reader list(entries); !list.at_end(); ++answer.entries) {
        der::Reader entry(required(list.next(der::sequence), malformed).content);
        ByteView serial = required(entry.next(der::integer), malformed).content;
        auto since = required(entry.next(), malformed);
        auto reason = CrlReason::unspecified;
        if (!entry.at_end()) reason = entry_reason(required(entry.next(der::sequence), malformed).whole);
        if (!entry.at_end()) refuse(malformed);
        auto found = wanted.by_octets.find(as_text(serial));
        if (found == wanted.by_octets.end()) continue;
        CrlHit hit{required(read_time(since), malformed), reason};
        if (reason == CrlReason::remove_from_crl) {
            answer.revoked.erase(*found->second);
        } else {
            answer.revoked.insert_or_assign(*found->second, hit);
        }
    }
}

CrlAnswer read_der(ByteView list, const CrlQuestion& question) {
    Parts parts = take_apart(list);
    CrlAnswer answer;
    answer.issuer = signer_of(parts, question.issuers);  // before anything that it says is believed
    answer.this_update = parts.this_update;
    answer.next_update = parts.next_update;
    check_extensions(parts.extensions, question.url);
    if (parts.this_update > saturating_add(question.now, question.clock_skew))
        refuse(fmt::format("it is of {}, which lies ahead", format_rfc3339(parts.this_update)));
    if (parts.next_update <= question.now)
        fail("crl.stale", fmt::format("The CRL has run out at {}", format_rfc3339(parts.next_update)));
    scan(parts.entries, question.serials, answer);
    return answer;
}

constexpr std::array<std::string_view, 11> reason_names{
    "unspecified",     "keyCompromise", "cACompromise",  "affiliationChanged", "superseded",  "cessationOfOperation",
    "certificateHold", "unused",        "removeFromCRL", "privilegeWithdrawn", "aACompromise"};

}  // namespace

std::string_view to_string(CrlReason reason) {
    auto code = static_cast<std::size_t>(reason);
    return code < reason_names.size() ? reason_names[code] : "unspecified";
}

std::vector<std::string> crl_urls(const Certificate& certificate) {
    std::vector<std::string> urls;
    const std::optional<ByteView>& value = certificate.handle().crl_distribution_points;
    auto points = value ? der::read_whole(*value, der::sequence) : std::nullopt;
    if (!points) return urls;
    for (der::Reader reader(points->content); !reader.at_end();) {
        auto point = reader.next(der::sequence);
        if (!point) break;
        der::Reader fields(point->content);
        auto name = fields.next(der::context_constructed(0));
        auto uris = name && fields.at_end() ? point_uris(name->content) : std::nullopt;  // no reasons, no cRLIssuer
        if (!uris) continue;
        for (std::string& uri : *uris) {
            if (uri.starts_with("http://") || uri.starts_with("https://")) urls.push_back(std::move(uri));
        }
    }
    return urls;
}

Result<CrlAnswer> read_crl(std::string_view list, const CrlQuestion& question) {
    try {
        if (!list.starts_with("-----BEGIN")) return read_der(as_bytes(list), question);
        auto blocks = read_pem_blocks(list, "X509 CRL", 1);
        if (!blocks || blocks->size() != 1) refuse("it is neither DER nor one block of PEM");
        return read_der(blocks->front(), question);
    } catch (const Failure& failed) {
        return failure(failed.problem());
    }
}

}  // namespace certd
