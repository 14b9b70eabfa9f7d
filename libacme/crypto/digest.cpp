// Digests through the fetched algorithms, randomness straight from the kernel.
#include "libacme/crypto/digest.hpp"

#include "libacme/crypto/openssl.hpp"

#include <cerrno>
#include <cstring>

#include <sys/random.h>

namespace certd {

Bytes sha256(ByteView bytes) {
    return openssl::digest(openssl::Hash::sha256, bytes);
}

std::string sha256_hex(ByteView bytes) {
    return hex(sha256(bytes));
}

std::string sha256_hex(std::string_view text) {
    return sha256_hex(as_bytes(text));
}

std::string sha1_hex(ByteView bytes) {
    return hex(openssl::digest(openssl::Hash::sha1, bytes));
}

Bytes random_bytes(std::size_t count) {
    Bytes bytes(count);
    std::size_t filled = 0;
    while (filled < count) {
        ssize_t got = ::getrandom(bytes.data() + filled, count - filled, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) fail("crypto.random", "Cannot get random octets from the system", std::strerror(errno));
        filled += static_cast<std::size_t>(got);
    }
    return bytes;
}

}  // namespace certd
