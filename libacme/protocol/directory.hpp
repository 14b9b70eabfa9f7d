// The CA's directory (RFC 8555 §7.1.1) as values, and the rule which URLs of the CA may be asked. Pure.
#pragma once

#include "libacme/net/url.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace certd::acme {

struct Directory {  // unknown members are ignored, null members are absent
    Url new_nonce, new_account, new_order;
    std::optional<Url> new_authz, revoke_cert, key_change, renewal_info;
    std::string terms_of_service;  // untrusted text
    std::string website;
    std::vector<std::string> caa_identities;
    bool external_account_required = false;
    std::vector<std::pair<std::string, std::string>> profiles;
};

// Problem acme.badResponse when it is no directory or lacks a member the base flow needs, acme.badUrl when a member's
// URL is not one the directory's server may send us to.
Result<Directory> parse_directory(std::string_view body, const Url& source);

// Why a URL given by the CA is not asked; empty when it may be. Allowed are https on the directory's own host and port
// and, once the directory is known, on the hosts and ports of its members (faults S4, S18).
std::string_view url_refusal(const Url& url, const Url& source, const Directory* directory);

}  // namespace certd::acme
