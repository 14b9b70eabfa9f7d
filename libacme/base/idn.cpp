// Conversions through libidn2.
#include "libacme/base/idn.hpp"

#include "libacme/base/text.hpp"

#include <algorithm>
#include <memory>

#include <idn2.h>

namespace certd {

namespace {

struct Free {
    void operator()(char* text) const { idn2_free(text); }
};
using Text = std::unique_ptr<char, Free>;

bool is_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](unsigned char octet) { return octet < 0x80; });
}

}  // namespace

Result<Identifier> parse_international_identifier(std::string_view text) {
    if (is_ascii(text)) return parse_identifier(text);
    std::string wildcard = text.starts_with("*.") ? "*." : "";
    std::string name(text.substr(wildcard.size()));
    char* converted = nullptr;
    int status = name.find('\0') != std::string::npos
                     ? IDN2_DISALLOWED
                     : idn2_to_ascii_8z(name.c_str(), &converted, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
    Text owner(converted);
    if (status != IDN2_OK) {
        return failure("config.name",
                       "Not a name for a certificate: '" + escape_untrusted(text, 80) + "': " + idn2_strerror(status));
    }
    return parse_identifier(wildcard + converted);
}

std::string readable_name(const std::string& name) {
    if (name.find("xn--") == std::string::npos) return name;
    char* converted = nullptr;
    int status = idn2_to_unicode_8z8z(name.c_str(), &converted, 0);
    Text owner(converted);
    if (status != IDN2_OK || name == converted) return name;
    // What does not lead back is no name that anybody wrote.
    Result<Identifier> back = parse_international_identifier(converted);
    if (!back || back->value != name) return name;
    return name + " (" + escape_untrusted(converted, 512) + ")";
}

}  // namespace certd
