// Names of challenge records.
#include "daemon/dns/challenge_names.hpp"

#include "libacme/base/problem.hpp"
#include "libacme/crypto/digest.hpp"

#include <fmt/format.h>

namespace certd {

namespace {

constexpr std::size_t label_octets = 10;

// RFC 4648 §6, in lower case; the octets are a multiple of five, so that nothing is padded.
std::string base32(ByteView octets) {
    constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz234567";
    std::string text;
    unsigned bits = 0, held = 0;
    for (std::uint8_t octet : octets) {
        held = (held << 8U | octet) & 0xFFFU;
        for (bits += 8; bits >= 5; bits -= 5)
            text += alphabet[held >> (bits - 5) & 31U];
    }
    return text;
}

std::string prefix_of(std::string_view type, std::string_view account_url) {
    if (type == "dns-account-01") return account_label(account_url) + "._acme-challenge.";
    return type == "dns-persist-01" ? "_validation-persist." : "_acme-challenge.";
}

}  // namespace

std::string account_label(std::string_view account_url) {
    Bytes digest = sha256(as_bytes(account_url));
    return "_" + base32(ByteView(digest).first(label_octets));
}

dns::Name challenge_record_name(std::string_view type, const std::string& domain, std::string_view account_url) {
    if (auto name = dns::Name::parse(prefix_of(type, account_url) + domain)) return *name;
    fail("config.name", fmt::format("{} is too long for the name of a challenge record", domain));
}

}  // namespace certd
