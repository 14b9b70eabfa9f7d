// The fake CA's external account bindings, key changes and revocations.
#include "libacme/crypto/hmac.hpp"
#include "tests/support/fake_ca_state.hpp"

#include <algorithm>

namespace certd::test {

// RFC 8555 §7.3.4.
void FakeCa::State::check_binding(const Request& request) {
    const Json& binding = request.json["externalAccountBinding"];
    if (!binding.is_object()) refuse(403, "externalAccountRequired", "bind an external account");
    auto jws = parse_jws(to_text(binding));
    if (!jws) violation("the binding: " + jws.error());
    auto algorithm = hash_from_jws_name(jws->header.string_or("alg"));
    if (!algorithm) violation("the binding is not authenticated by a MAC");
    if (!jws->header["nonce"].is_null()) violation("the binding has a nonce");
    if (jws->header.string_or("url") != request.url) violation("the binding is for another URL");
    Result<Json> bound = parse_json(jws->payload);
    auto key = bound ? JwkPublicKey::parse(*bound) : std::nullopt;
    if (!key || key->thumbprint() != request.new_key->thumbprint()) violation("the binding is for another key");
    std::string kid = jws->header.string_or("kid");
    auto known = knobs().external_keys.find(kid);
    if (known == knobs().external_keys.end()) refuse(403, "unauthorized", "no such external account");
    if (hmac(*algorithm, known->second, as_bytes(jws->signing_input)) != jws->signature)
        refuse(403, "unauthorized", "the binding's MAC is wrong");
    if (!spent_bindings.insert(kid).second) refuse(403, "unauthorized", "the external account is bound already");
}

// RFC 8555 §7.3.5.
HttpResponse FakeCa::State::key_change(Request& request) {
    auto inner = parse_jws(request.payload);
    if (!inner) violation("the inner JWS: " + inner.error());
    auto key = JwkPublicKey::parse(inner->header["jwk"]);
    if (!key || !key->verify(*inner)) violation("the new key has not signed");
    if (!inner->header["nonce"].is_null()) violation("the inner JWS has a nonce");
    if (inner->header.string_or("url") != request.url) violation("the inner JWS is for another URL");
    Result<Json> payload = parse_json(inner->payload);
    auto old_key = payload ? JwkPublicKey::parse((*payload)["oldKey"]) : std::nullopt;
    if (!payload || payload->string_or("account") != request.account->url) violation("the account is another one");
    if (!old_key || old_key->thumbprint() != request.account->key.thumbprint()) violation("the old key is another one");
    if (account_of_thumbprint.contains(key->thumbprint())) refuse(409, "malformed", "the key has an account");
    account_of_thumbprint.erase(request.account->key.thumbprint());
    account_of_thumbprint.emplace(key->thumbprint(), request.account->number);
    request.account->key = *std::move(key);
    return json_answer(200, Json::object({{"status", request.account->status}}));
}

// RFC 8555 §7.6.
HttpResponse FakeCa::State::revoke(Request& request) {
    if (!only_members(request.json, {"certificate", "reason"})) violation("revokeCert has members of its own");
    auto der = parse_base64url(request.json.string_or("certificate"));
    if (!der) violation("the certificate is not base64url");
    auto found =
        std::ranges::find_if(certificates, [&](const CertificateEntry& entry) { return entry.leaf.der() == *der; });
    if (found == certificates.end()) refuse(404, "malformed", "no such certificate");
    if (request.new_key && request.new_key->subject_public_key_info() != found->leaf.public_key_der())
        refuse(403, "unauthorized", "another certificate's key");
    if (request.account && found->account != request.account->number)
        refuse(403, "unauthorized", "another account's certificate");
    if (found->revoked) refuse(400, "alreadyRevoked", "it is revoked");
    auto reason = static_cast<int>(request.json.int_or("reason", -1));
    if (reason != -1 && reason != 0 && reason != 1 && reason != 3 && reason != 4 && reason != 5)
        refuse(400, "badRevocationReason", "not one of 0, 1, 3, 4, 5");
    found->revoked = reason;
    HttpResponse response;
    response.status = 200;
    return response;
}

}  // namespace certd::test
