// The JWS that is the body of every ACME POST (RFC 8555 §6.2). Pure.
#pragma once

#include "libacme/base/json.hpp"
#include "libacme/crypto/hmac.hpp"
#include "libacme/crypto/key.hpp"
#include "libacme/net/url.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace certd::acme {

// Who signs: the account by its URL, or, with an empty `kid`, the key by itself (newAccount, revocation by certificate
// key).
struct Signer {
    const PrivateKey& key;
    std::string_view kid;
};

// Flattened JSON serialisation with one signature; no payload is POST-as-GET, which is not the same as `{}` (§6.3).
std::string sign_request(const Signer& signer, std::string_view nonce, const Url& url,
                         const std::optional<Json>& payload);

// A signature inside a request (§7.3.5): by the key itself, for `url`, without a nonce.
std::string sign_inner(const PrivateKey& key, const Url& url, const Json& payload);

// What binds an account to one outside of ACME (§7.3.4): the account's public key, authenticated with the MAC key.
struct ExternalBinding {
    std::string kid;
    Bytes mac_key;
    HmacHash algorithm = HmacHash::sha256;
};
Json bind_external(const ExternalBinding& binding, const PrivateKey& account_key, const Url& url);

}  // namespace certd::acme
