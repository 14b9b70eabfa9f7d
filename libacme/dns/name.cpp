// Names between text and wire form.
#include "libacme/dns/name.hpp"

#include "libacme/base/text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd::dns {

namespace {

constexpr std::size_t label_limit = 63;
constexpr std::size_t name_limit = 255;

bool is_plain(char letter) {
    return letter > 0x20 && letter < 0x7F && letter != '.' && letter != '\\';
}

}  // namespace

std::optional<Name> Name::parse(std::string_view text) {
    if (text.ends_with('.')) text.remove_suffix(1);
    Name name;
    if (text.empty()) return name;
    std::string wire;
    for (std::string_view label : split(text, '.')) {
        if (label.empty() || label.size() > label_limit || !std::ranges::all_of(label, is_plain)) return std::nullopt;
        wire += static_cast<char>(label.size());
        wire += lower_ascii(label);
    }
    wire += '\0';
    if (wire.size() > name_limit) return std::nullopt;
    name.wire_ = std::move(wire);
    return name;
}

std::optional<Name> Name::from_wire(ByteView wire) {
    if (wire.empty() || wire.size() > name_limit) return std::nullopt;
    std::size_t at = 0;
    while (wire[at] != 0) {
        if (wire[at] > label_limit) return std::nullopt;
        at += wire[at] + std::size_t{1};
        if (at >= wire.size()) return std::nullopt;
    }
    if (at + 1 != wire.size()) return std::nullopt;
    Name name;
    name.wire_ = lower_ascii(as_text(wire));  // no length of a label is an upper-case letter
    return name;
}

std::string Name::text() const {
    if (is_root()) return ".";
    std::string text;
    for (std::size_t at = 0; wire_[at] != 0;) {
        auto length = static_cast<unsigned char>(wire_[at]);
        if (!text.empty()) text += '.';
        for (char octet : wire_.substr(at + 1, length))
            text += is_plain(octet) ? std::string(1, octet)
                                    : fmt::format("\\{:03}", static_cast<unsigned>(static_cast<unsigned char>(octet)));
        at += length + std::size_t{1};
    }
    return text;
}

std::string Name::absolute_text() const {
    return is_root() ? "." : text() + ".";
}

Name Name::parent() const {
    Name name;
    if (!is_root()) name.wire_ = wire_.substr(static_cast<unsigned char>(wire_[0]) + std::size_t{1});
    return name;
}

bool Name::is_at_or_below(const Name& zone) const {
    Name name = *this;
    while (name.wire_.size() > zone.wire_.size())
        name = name.parent();
    return name == zone;
}

}  // namespace certd::dns
