// The walk from issuer to issuer.
#include "libacme/crypto/chain_path.hpp"

#include <algorithm>

namespace certd {

namespace {

bool may_issue(const Certificate& certificate, Time now) {
    return certificate.is_ca() && certificate.not_before() <= now && now < certificate.not_after();
}

bool is_label_of(std::string_view wildcard, std::string_view name) {
    const std::size_t dot = name.find('.');
    return dot != std::string_view::npos && dot > 0 && name.substr(dot) == wildcard.substr(1);
}

}  // namespace

// No certificate is passed twice, so that the walk ends whatever was shown.
bool leads_to(std::span<const Certificate> shown, const Certificate& top, Time now) {
    if (shown.empty()) return false;
    std::vector<const Certificate*> left;
    for (const Certificate& certificate : shown.subspan(1))
        left.push_back(&certificate);
    const Certificate* here = &shown.front();
    while (here->der() != top.der()) {
        const auto issuer = std::ranges::find_if(left, [&](const Certificate* candidate) {
            return may_issue(*candidate, now) && here->issued_by(*candidate);
        });
        if (issuer == left.end()) return false;
        here = *issuer;
        left.erase(issuer);
    }
    return true;
}

bool is_for_name(std::span<const Identifier> names, std::string_view server_name) {
    const Result<Identifier> wanted = parse_identifier(server_name);
    if (!wanted) return false;
    return std::ranges::any_of(names, [&](const Identifier& name) {
        if (name.type != wanted->type) return false;
        return name.value == wanted->value || (name.is_wildcard() && is_label_of(name.value, wanted->value));
    });
}

}  // namespace certd
