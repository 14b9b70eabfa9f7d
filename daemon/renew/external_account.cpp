// Reading of MAC keys. What is in the file never gets into a message.
#include "daemon/renew/external_account.hpp"

#include "libacme/base/secret.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>

namespace certd {

Result<Bytes> parse_mac_key(std::string_view text) {
    std::string key(trim(text));
    std::ranges::replace(key, '+', '-');
    std::ranges::replace(key, '/', '_');
    while (key.ends_with('='))
        key.pop_back();
    auto octets = parse_base64url(key);
    if (!octets || octets->empty()) return failure("config.secret", "The MAC key is not base64url or base64");
    return *std::move(octets);
}

Result<acme::ExternalBinding> load_binding(const config::ExternalAccount& account) {
    Result<std::string> text = read_secret(account.mac_key_file);
    if (!text) return failure(std::move(text).error());
    Result<Bytes> key = parse_mac_key(*text);
    std::fill(text->begin(), text->end(), '\0');
    if (!key) return failure("config.secret", account.mac_key_file + " holds no MAC key in base64url or base64");
    return acme::ExternalBinding{account.kid, *std::move(key),
                                 hash_from_jws_name(account.algorithm).value_or(HmacHash::sha256)};
}

}  // namespace certd
