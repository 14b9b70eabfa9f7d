// Where the TXT record of a DNS challenge is looked for. Pure.
#pragma once

#include "libacme/dns/name.hpp"

#include <string>
#include <string_view>

namespace certd {

// "_ujmmovf2vn55tgye": one account's own place below _acme-challenge (draft-ietf-acme-dns-account-label-02 §3.2).
std::string account_label(std::string_view account_url);

// `type`: "dns-01", "dns-account-01" or "dns-persist-01"; `domain` without "*.". Throws Failure(config.name) when the
// name would be too long.
dns::Name challenge_record_name(std::string_view type, const std::string& domain, std::string_view account_url);

}  // namespace certd
