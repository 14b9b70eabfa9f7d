// The error queue and digests.
#include "libacme/crypto/openssl.hpp"

#include <openssl/err.h>

#include <array>

namespace certd::openssl {

std::string last_error() {
    std::string text;
    while (unsigned long code = ERR_get_error()) {
        const char* reason = ERR_reason_error_string(code);
        if (!text.empty()) text += ", ";
        text += reason != nullptr ? std::string(reason) : std::to_string(code);
    }
    return text;
}

const EVP_MD* fetched(Hash hash) {
    static const std::array<DigestOwner, 4> digests = {
        DigestOwner(EVP_MD_fetch(nullptr, "SHA256", nullptr)), DigestOwner(EVP_MD_fetch(nullptr, "SHA384", nullptr)),
        DigestOwner(EVP_MD_fetch(nullptr, "SHA512", nullptr)), DigestOwner(EVP_MD_fetch(nullptr, "SHA1", nullptr))};
    return digests[static_cast<std::size_t>(hash)].get();
}

Bytes digest(Hash hash, ByteView data) {
    Bytes out(EVP_MAX_MD_SIZE);
    unsigned int length = 0;
    if (EVP_Digest(data.data(), data.size(), out.data(), &length, fetched(hash), nullptr) != 1) {
        fail("crypto.key", "Cannot compute a digest", last_error());
    }
    out.resize(length);
    return out;
}

}  // namespace certd::openssl
