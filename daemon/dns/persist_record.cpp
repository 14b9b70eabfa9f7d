// Records of dns-persist-01.
#include "daemon/dns/persist_record.hpp"

#include "libacme/base/text.hpp"
#include "libacme/dns/caa.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr std::size_t shown = 200;
constexpr std::size_t most_issuers = 10;

// draft-ietf-acme-dns-persist §4: the value is of the form of a CAA issue value, and its tags are compared without
// regard to case.
std::vector<std::string> values_of(const dns::IssueValue& value, std::string_view tag) {
    std::vector<std::string> found;
    for (const auto& [name, text] : value.parameters) {
        if (equals_ignoring_case(name, tag)) found.push_back(text);
    }
    return found;
}

std::optional<Time> time_of(const std::string& text) {
    std::int64_t number = 0;
    auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size() || number < 0) return std::nullopt;
    return saturating_add(Time{}, seconds(std::min<std::int64_t>(number, 253'402'300'799)));  // the year 9999
}

bool is_host_name(const std::string& text) {
    return !text.empty() && text.size() <= 253 && text.front() != '.' && text.front() != '-' &&
           text.find("..") == std::string::npos && std::ranges::all_of(text, [](char letter) {
               return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                      (letter >= '0' && letter <= '9') || letter == '-' || letter == '.';
           });
}

}  // namespace

std::string persist_value(std::string_view issuer, std::string_view account_url, bool wildcard) {
    return fmt::format("{}; accounturi={}{}", issuer, account_url, wildcard ? "; policy=wildcard" : "");
}

std::string persist_zone_line(std::string_view record_name, std::string_view value) {
    std::string line = fmt::format("{} IN TXT", record_name);
    do {
        line += fmt::format(" \"{}\"", escape_untrusted(value.substr(0, 255)));
        value.remove_prefix(std::min<std::size_t>(value.size(), 255));
    } while (!value.empty());
    return line;
}

PersistVerdict judge_persist(std::string_view text, const PersistQuestion& question) {
    auto value = dns::parse_issue_value(text);
    auto is_issuer = [&](const std::string& issuer) { return value && equals_ignoring_case(issuer, value->issuer); };
    if (std::ranges::none_of(question.issuers, is_issuer)) return {};
    std::vector<std::string> accounts = values_of(*value, "accounturi"), policies = values_of(*value, "policy"),
                             untils = values_of(*value, "persistUntil");
    PersistVerdict verdict;
    if (!untils.empty()) verdict.until = time_of(untils.front());
    if (accounts.size() != 1 || policies.size() > 1 || untils.size() > 1) {
        verdict.why_not = fmt::format("a record for {} lacks accounturi or says something twice", value->issuer);
    } else if (accounts.front() != question.account_url) {
        verdict.why_not = fmt::format("a record for {} is for the account {}", value->issuer,
                                      escape_untrusted(accounts.front(), shown));
    } else if (question.wildcard && (policies.empty() || !equals_ignoring_case(policies.front(), "wildcard"))) {
        verdict.why_not = fmt::format("the record for {} lacks policy=wildcard", value->issuer);
    } else if (!untils.empty() && !verdict.until) {
        verdict.why_not = fmt::format("the persistUntil of the record for {} is no number of seconds", value->issuer);
    } else if (verdict.until && *verdict.until <= question.now) {
        verdict.why_not = fmt::format("the record for {} ran out at {}", value->issuer, format_rfc3339(*verdict.until));
    } else {
        verdict.proves = true;
    }
    return verdict;
}

std::string complaint_about_issuers(const std::vector<std::string>& issuers) {
    if (issuers.empty()) return "it names no issuer";
    if (issuers.size() > most_issuers) return "it names more than ten issuers";
    if (!std::ranges::all_of(issuers, is_host_name)) return "an issuer's name is no host name";
    return {};
}

}  // namespace certd
