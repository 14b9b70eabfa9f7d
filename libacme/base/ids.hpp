// Names and numbers of things as types of their own, so that they cannot be mixed up.
#pragma once

#include "libacme/base/problem.hpp"

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace certd {

// A lineage's name: `[a-z0-9][a-z0-9._-]{0,63}`, not ending in "." — the only thing that ever becomes a path.
class LineageName {
   public:
    static Result<LineageName> parse(std::string_view text);  // problem config.lineageName
    const std::string& text() const { return text_; }
    auto operator<=>(const LineageName&) const = default;

   private:
    explicit LineageName(std::string text) : text_(std::move(text)) {}
    std::string text_;
};

// Names given in the configuration; same grammar, checked by the configuration loader.
template <class Tag>
struct Name {
    std::string text;
    auto operator<=>(const Name&) const = default;
};
using CaName = Name<struct CaTag>;
using TargetName = Name<struct TargetTag>;

// The n-th certificate of a lineage, counted from 1; 0 means none.
struct VersionNumber {
    std::uint32_t value = 0;
    explicit operator bool() const { return value != 0; }
    auto operator<=>(const VersionNumber&) const = default;
};

// An ACME identifier (RFC 8555 §9.7.7, RFC 8738). dns values are lower-case A-labels, "*." allowed in front;
// ip values are in the form of RFC 8738 §3.
struct Identifier {
    enum class Type { dns, ip };
    Type type = Type::dns;
    std::string value;
    bool is_wildcard() const { return type == Type::dns && value.starts_with("*."); }
    auto operator<=>(const Identifier&) const = default;
};

// The identifier for a configured name: an IP address literal (canonicalised) or a DNS name (lower-cased, checked).
Result<Identifier> parse_identifier(std::string_view text);  // problem config.name
std::string_view to_string(Identifier::Type type);

}  // namespace certd

template <>
struct std::hash<certd::LineageName> {
    std::size_t operator()(const certd::LineageName& name) const noexcept {
        return std::hash<std::string>{}(name.text());
    }
};
