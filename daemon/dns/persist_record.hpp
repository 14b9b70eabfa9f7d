// The record of dns-persist-01 (draft-ietf-acme-dns-persist-01): what to publish, and whether what is published will
// do. Pure.
#pragma once

#include "libacme/base/time.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace certd {

// "ca.example; accounturi=https://…; policy=wildcard"
std::string persist_value(std::string_view issuer, std::string_view account_url, bool wildcard);
// "_validation-persist.example.org. IN TXT "ca.example; …"", cut into character-strings of 255 octets as zone files
// want it.
std::string persist_zone_line(std::string_view record_name, std::string_view value);

struct PersistQuestion {
    std::vector<std::string> issuers;  // issuer domain names of the CA
    std::string account_url;
    bool wildcard = false;  // the name proven is a wildcard
    Time now;
};
struct PersistVerdict {
    bool proves = false;
    std::optional<Time> until;  // persistUntil
    std::string why_not;        // for people; empty for a record that is for another CA
};
// One TXT value. `text` is anybody's.
PersistVerdict judge_persist(std::string_view text, const PersistQuestion& question);

// Issuer domain names as a challenge carries them: 1 to 10 host names. The complaint about them, empty for good ones.
std::string complaint_about_issuers(const std::vector<std::string>& issuers);

}  // namespace certd
