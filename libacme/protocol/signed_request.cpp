// Serialisation and signing of requests.
#include "libacme/protocol/signed_request.hpp"

#include "libacme/base/bytes.hpp"

namespace certd::acme {

namespace {

std::string json_quoted(std::string_view text) {
    return to_text(Json(text));
}

// RFC 8555 §6.2: alg, nonce, url and exactly one of jwk and kid. The URL is the server's text, byte for byte (§6.4).
std::string protected_header(const Signer& signer, std::string_view nonce, const Url& url) {
    std::string identity = signer.kid.empty() ? "\"jwk\":" + signer.key.jwk() : "\"kid\":" + json_quoted(signer.kid);
    return "{\"alg\":\"" + signer.key.algorithm() + "\"," + identity + ",\"nonce\":" + json_quoted(nonce) +
           ",\"url\":" + json_quoted(url.text) + "}";
}

std::string flattened(std::string_view header, std::string_view body, ByteView signature) {
    return "{\"protected\":\"" + std::string(header) + "\",\"payload\":\"" + std::string(body) + "\",\"signature\":\"" +
           base64url(signature) + "\"}";
}

}  // namespace

std::string sign_request(const Signer& signer, std::string_view nonce, const Url& url,
                         const std::optional<Json>& payload) {
    std::string header = base64url(protected_header(signer, nonce, url));
    std::string body = payload ? base64url(to_text(*payload)) : std::string();
    return flattened(header, body, signer.key.sign(header + "." + body));
}

std::string sign_inner(const PrivateKey& key, const Url& url, const Json& payload) {
    std::string header = base64url("{\"alg\":\"" + key.algorithm() + "\",\"jwk\":" + key.jwk() +
                                   ",\"url\":" + json_quoted(url.text) + "}");
    std::string body = base64url(to_text(payload));
    return flattened(header, body, key.sign(header + "." + body));
}

Json bind_external(const ExternalBinding& binding, const PrivateKey& account_key, const Url& url) {
    std::string header =
        base64url("{\"alg\":\"" + std::string(jws_name(binding.algorithm)) + "\",\"kid\":" + json_quoted(binding.kid) +
                  ",\"url\":" + json_quoted(url.text) + "}");
    std::string body = base64url(account_key.jwk());
    std::string input = header + "." + body;
    Bytes mac = hmac(binding.algorithm, binding.mac_key, as_bytes(input));
    return Json::object({{"protected", header}, {"payload", body}, {"signature", base64url(ByteView(mac))}});
}

}  // namespace certd::acme
