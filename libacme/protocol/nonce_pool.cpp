// The pool of unused nonces.
#include "libacme/protocol/nonce_pool.hpp"

#include "libacme/base/bytes.hpp"

namespace certd::acme {

bool is_usable_nonce(std::string_view nonce) {
    constexpr std::size_t longest = 1024;
    return nonce.size() <= longest && is_base64url(nonce);
}

void NoncePool::put(std::string_view nonce, Duration now) {
    // RFC 8555 §6.5.1: clients ignore values that are not base64url.
    if (!is_usable_nonce(nonce)) return;
    if (nonces_.size() == capacity) nonces_.erase(nonces_.begin());
    nonces_.push_back({std::string(nonce), now});
}

std::optional<std::string> NoncePool::take(Duration now) {
    if (nonces_.empty()) return std::nullopt;
    // The newest is too old: so are the others.
    if (now - nonces_.back().received > age_limit) {
        nonces_.clear();
        return std::nullopt;
    }
    std::string nonce = std::move(nonces_.back().nonce);
    nonces_.pop_back();
    return nonce;
}

}  // namespace certd::acme
