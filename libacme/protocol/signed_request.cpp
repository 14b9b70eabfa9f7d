// Serialisation and signing of requests.
#include "libacme/protocol/signed_request.hpp"

#include "libacme/base/bytes.hpp"

namespace certd::acme {

namespace {

std::string quoted(std::string_view text) {
    return to_text(Json(text));
}

// RFC 8555 §6.2: alg, nonce, url and exactly one of jwk and kid. The URL is the server's text, byte for byte (§6.4).
std::string protected_header(const Signer& signer, std::string_view nonce, const Url& url) {
    std::string identity = signer.kid.empty() ? "\"jwk\":" + signer.key.jwk() : "\"kid\":" + quoted(signer.kid);
    return "{\"alg\":\"" + signer.key.algorithm() + "\"," + identity + ",\"nonce\":" + quoted(nonce) +
           ",\"url\":" + quoted(url.text) + "}";
}

}  // namespace

std::string sign_request(const Signer& signer, std::string_view nonce, const Url& url,
                         const std::optional<Json>& payload) {
    std::string header = base64url(protected_header(signer, nonce, url));
    std::string body = payload ? base64url(to_text(*payload)) : std::string();
    std::string signature = base64url(ByteView(signer.key.sign(header + "." + body)));
    return "{\"protected\":\"" + header + "\",\"payload\":\"" + body + "\",\"signature\":\"" + signature + "\"}";
}

}  // namespace certd::acme
