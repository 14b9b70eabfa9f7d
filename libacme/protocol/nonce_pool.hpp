// Unused anti-replay nonces (RFC 8555 §6.5). Pure: the caller supplies the time.
#pragma once

#include "libacme/base/time.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace certd::acme {

// Whether a Replay-Nonce may be used: base64url (§6.5.1) and of a sane length.
bool is_usable_nonce(std::string_view nonce);

// Last in, first out, because servers forget old nonces first; small and short-lived for the same reason.
class NoncePool {
   public:
    static constexpr std::size_t capacity = 10;
    static constexpr Duration age_limit = minutes(5);

    void put(std::string_view nonce, Duration now);  // an unusable nonce is ignored
    std::optional<std::string> take(Duration now);   // each is given out once
    void clear() { nonces_.clear(); }
    std::size_t size() const { return nonces_.size(); }

   private:
    struct Entry {
        std::string nonce;
        Duration received;
    };
    std::vector<Entry> nonces_;  // oldest first
};

}  // namespace certd::acme
