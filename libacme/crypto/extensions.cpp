// Reading and writing of X.509 extensions.
#include "libacme/crypto/extensions.hpp"

#include "libacme/base/text.hpp"
#include "libacme/crypto/der.hpp"

#include <algorithm>

#include <arpa/inet.h>

namespace certd::x509 {

namespace {

constexpr std::uint8_t dns_name = der::context(2);
constexpr std::uint8_t ip_address = der::context(7);

std::optional<Extension> read_extension(ByteView content) {
    der::Reader reader(content);
    auto oid = reader.next(der::object_identifier);
    if (!oid) return std::nullopt;
    Extension extension{oid->content, false, {}};
    if (reader.at(der::boolean)) {
        auto critical = reader.next();
        if (!critical || critical->content.size() != 1) return std::nullopt;
        extension.critical = critical->content[0] != 0;
    }
    auto value = reader.next(der::octet_string);
    if (!value || !reader.at_end()) return std::nullopt;
    extension.value = value->content;
    return extension;
}

// Octets of 4 or 16 as RFC 8738 §3 writes them; others have no text that a configured name could equal.
std::string ip_text(ByteView octets) {
    char text[INET6_ADDRSTRLEN] = {};
    int family = octets.size() == 4 ? AF_INET : AF_INET6;
    if (octets.size() != 4 && octets.size() != 16) return hex(octets);
    return ::inet_ntop(family, octets.data(), text, sizeof text) != nullptr ? std::string(text) : hex(octets);
}

Bytes ip_octets(const std::string& text) {
    bool v6 = text.find(':') != std::string::npos;
    Bytes octets(v6 ? 16 : 4);
    if (::inet_pton(v6 ? AF_INET6 : AF_INET, text.c_str(), octets.data()) != 1) {
        fail("crypto.csr", "Cannot write " + escape_untrusted(text, 64) + " as an IP address into a certificate");
    }
    return octets;
}

Bytes write_name(const Identifier& name) {
    if (name.type == Identifier::Type::ip) return der::encode(ip_address, ip_octets(name.value));
    bool ascii = std::ranges::all_of(name.value, [](char letter) { return letter > 0x20 && letter < 0x7f; });
    if (name.value.empty() || !ascii) {
        fail("crypto.csr", "Cannot write " + escape_untrusted(name.value, 64) + " as a DNS name into a certificate");
    }
    return der::encode(dns_name, as_bytes(name.value));
}

}  // namespace

std::optional<std::vector<Extension>> read_extensions(ByteView sequence) {
    auto outer = der::read_whole(sequence, der::sequence);
    if (!outer) return std::nullopt;
    std::vector<Extension> extensions;
    for (der::Reader reader(outer->content); !reader.at_end();) {
        auto item = reader.next(der::sequence);
        auto extension = item ? read_extension(item->content) : std::nullopt;
        if (!extension || find(extensions, extension->oid) != nullptr) return std::nullopt;
        if (extensions.size() == 64) return std::nullopt;  // keeps the search for doubles from growing quadratic
        extensions.push_back(*extension);
    }
    return extensions;
}

const Extension* find(std::span<const Extension> extensions, ByteView oid) {
    auto found =
        std::ranges::find_if(extensions, [&](const Extension& item) { return std::ranges::equal(item.oid, oid); });
    return found != extensions.end() ? &*found : nullptr;
}

std::optional<std::vector<Identifier>> read_names(ByteView general_names) {
    auto outer = der::read_whole(general_names, der::sequence);
    if (!outer) return std::nullopt;
    std::vector<Identifier> names;
    for (der::Reader reader(outer->content); !reader.at_end();) {
        auto name = reader.next();
        if (!name) return std::nullopt;
        if (name->tag == dns_name) names.push_back({Identifier::Type::dns, lower_ascii(as_text(name->content))});
        if (name->tag == ip_address) names.push_back({Identifier::Type::ip, ip_text(name->content)});
    }
    std::ranges::sort(names);
    names.erase(std::ranges::unique(names).begin(), names.end());
    return names;
}

Bytes write_extension(ByteView oid, bool critical, ByteView value) {
    static constexpr std::uint8_t yes[] = {der::boolean, 1, 0xff};
    return der::encode(der::sequence, {der::encode(der::object_identifier, oid), critical ? ByteView(yes) : ByteView(),
                                       der::encode(der::octet_string, value)});
}

Bytes write_names(std::span<const Identifier> names) {
    Bytes content;
    for (const Identifier& name : names) {
        Bytes encoded = write_name(name);
        content.insert(content.end(), encoded.begin(), encoded.end());
    }
    return der::encode(der::sequence, content);
}

}  // namespace certd::x509
