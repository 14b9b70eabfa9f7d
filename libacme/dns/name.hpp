// A domain name in the form DNS compares: lower-case labels (RFC 4343), at most 63 octets each and 255 in all
// (RFC 1035 §2.3.4).
#pragma once

#include "libacme/base/bytes.hpp"

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace certd::dns {

class Name {
   public:
    Name() = default;  // the root
    // "_acme-challenge.example.org", with or without the dot at its end. Visible ASCII only.
    static std::optional<Name> parse(std::string_view text);
    // One label after another, each with its length before it, and the empty one at the end (RFC 1035 §3.1).
    static std::optional<Name> from_wire(ByteView wire);

    const std::string& wire() const { return wire_; }
    // Without the dot at the end, "." for the root; octets that could mislead a reader are written \DDD.
    std::string text() const;
    std::string absolute_text() const;  // with the dot at the end
    bool is_root() const { return wire_.size() == 1; }
    Name parent() const;  // of the root: the root
    bool is_at_or_below(const Name& zone) const;

    auto operator<=>(const Name&) const = default;

   private:
    std::string wire_ = std::string(1, '\0');
};

}  // namespace certd::dns
