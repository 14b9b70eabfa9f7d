// From facts to findings.
#include "daemon/app/findings.hpp"

#include "libacme/base/text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd {

using api::CheckFinding;

namespace {

constexpr std::uint64_t mebibyte = 1 << 20;
constexpr std::uint64_t needed = mebibyte, comfortable = 64 * mebibyte;
constexpr std::uint64_t needed_files = 32, comfortable_files = 1000;
constexpr Duration persist_notice = days(30);
constexpr Duration unremarkable = minutes(2);
// The first instant of a certificate may lie an hour ahead (ChainExpectation), and CAs date it back by one more; beyond
// that what is issued is refused.
constexpr Duration tolerated = hours(2);

std::string size_text(std::uint64_t octets) {
    return octets >= 10 * mebibyte ? fmt::format("{} MiB", octets / mebibyte) : fmt::format("{} KiB", octets / 1024);
}

std::string ca_check(const config::Ca& ca, std::string_view what) {
    return fmt::format("ca.{}.{}", ca.name.text, what);
}

// What to publish so that this CA may issue.
std::string caa_remedy(const CaSight& sight, const Identifier& name, const dns::CaaSet& set) {
    if (!sight.directory || sight.directory->caa_identities.empty())
        return "Add a CAA record with the CA's name as its documentation gives it, or choose a CA that the records "
               "allow";
    bool has_wild = std::ranges::any_of(set.properties,
                                        [](const dns::CaaProperty& property) { return property.tag == "issuewild"; });
    return fmt::format(
        "Add the record {} CAA 0 {} \"{}\", with accounturi and validationmethods only if they name "
        "this account and these methods, or choose a CA that the records allow",
        set.found_at.absolute_text(), name.is_wildcard() && has_wild ? "issuewild" : "issue",
        escape_untrusted(sight.directory->caa_identities.front(), 200));
}

}  // namespace

CheckFinding good(std::string check, std::string text) {
    return {std::move(check), "ok", std::move(text), {}, {}};
}

CheckFinding warning(std::string check, std::string text, std::string hint) {
    return {std::move(check), "warning", std::move(text), std::move(hint), {}};
}

CheckFinding blocked(std::string check, std::string text, std::string hint) {
    return {std::move(check), "blocked", std::move(text), std::move(hint), {}};
}

CheckFinding blocked(std::string check, const Problem& problem) {
    return blocked(std::move(check), describe(problem), problem.hint);
}

CheckFinding about(const Identifier& name, CheckFinding finding) {
    finding.name = name.value;
    return finding;
}

CheckFinding room_finding(const std::string& directory, const std::optional<Room>& room) {
    const std::string check = "store.room";
    if (!room) return warning(check, fmt::format("The room left in {} cannot be told", directory));
    std::string text = fmt::format("{} and {} files are left in {}", size_text(room->octets), room->files, directory);
    std::string hint = "Make room on the file system of the state directory, or give certd a larger share of it";
    if (room->octets < needed || room->files < needed_files) return blocked(check, text, hint);
    if (room->octets < comfortable || room->files < comfortable_files) return warning(check, text, hint);
    return good(check, text);
}

CheckFinding csr_finding(const config::CertificateRequest& used, const config::CertificateRequest& on_disk) {
    const std::string check = "csr";
    if (on_disk.problem) return blocked(check, *on_disk.problem);
    if (on_disk != used) {
        return warning(check, fmt::format("{} has changed since certd read it", on_disk.path),
                       "Run `certctl reload` so that it is used");
    }
    return good(check, fmt::format("{} is for the lineage's names and its own key", on_disk.path));
}

CheckFinding account_finding(const CaSight& sight, const std::optional<Problem>& suspended) {
    std::string check = ca_check(sight.ca, "account");
    if (suspended) return blocked(check, *suspended);
    if (!sight.account_url.empty()) return good(check, "the account is " + escape_untrusted(sight.account_url, 300));
    if (!sight.directory) return warning(check, "There is no account yet");
    if (!sight.directory->terms_of_service.empty() && !sight.ca.agree_tos) {
        return blocked(check, problem("acme.termsNotAgreed", fmt::format("{} has terms of service", sight.ca.name.text),
                                      sight.directory->terms_of_service));
    }
    if (sight.directory->external_account_required && !sight.ca.external_account) {
        return blocked(check, problem("acme.externalAccountRequired",
                                      fmt::format("{} makes no account without a binding", sight.ca.name.text)));
    }
    return good(check, "there is no account yet; the first order makes one");
}

CheckFinding clock_finding(const std::string& ca, const std::optional<Duration>& ahead) {
    std::string check = fmt::format("ca.{}.clock", ca);
    if (!ahead) return warning(check, fmt::format("{} did not say what time it is", ca));
    if (std::chrono::abs(*ahead) <= unremarkable)
        return good(check, fmt::format("the clock agrees with that of {}", ca));
    std::string text = fmt::format("The clock is {} {} that of {}", format_approximate(std::chrono::abs(*ahead)),
                                   *ahead > Duration(0) ? "ahead of" : "behind", ca);
    std::string hint = "Set the clock, best by a time service (systemd-timesyncd, chrony)";
    // Behind by so much, a new certificate is not valid yet and is refused; ahead, only times are wrong.
    if (*ahead < -tolerated) return blocked(check, text, hint);
    return warning(check, text, hint);
}

std::optional<CheckFinding> profile_finding(const CaSight& sight, const config::Profile& wanted) {
    if (!wanted.name || !sight.directory) return std::nullopt;
    std::vector<std::string> offered;
    for (const auto& [name, description] : sight.directory->profiles) {
        if (name == *wanted.name)
            return good(ca_check(sight.ca, "profile"), fmt::format("the profile '{}' is offered", name));
        offered.push_back(escape_untrusted(name, 64));
    }
    std::string text = fmt::format("{} does not offer the profile '{}' (offered: {})", sight.ca.name.text, *wanted.name,
                                   offered.empty() ? "none" : join(offered, ", "));
    std::string hint = "Choose a profile that the CA's directory lists";
    if (!wanted.required) return warning(ca_check(sight.ca, "profile"), text + "; its default would be used", hint);
    return blocked(ca_check(sight.ca, "profile"), text, hint);
}

std::optional<CheckFinding> budget_finding(const config::Ca& ca, const std::optional<Allowance>& wait, Time now) {
    if (budget_model(ca.limits) == nullptr) return std::nullopt;
    std::string check = ca_check(ca, "limits");
    if (!wait) return good(check, "an order now is within the rate limits, as far as certd has counted");
    return warning(check, fmt::format("An order would wait {}: {}", format_approximate(wait->at - now), wait->reason),
                   "`certctl limits` shows what is used; the order is placed by itself when there is room");
}

CheckFinding caa_finding(const CaSight& sight, const Identifier& name, const dns::CaaSet& set,
                         const std::vector<std::string>& methods) {
    std::string check = ca_check(sight.ca, "caa");
    dns::CaaQuestion question;
    if (sight.directory) question.identities = sight.directory->caa_identities;
    question.wildcard = name.is_wildcard();
    question.account_url = sight.account_url;
    dns::CaaVerdict first, best{dns::CaaAnswer::forbidden, {}};
    std::string best_method;
    for (const std::string& method : methods) {
        question.method = method;
        dns::CaaVerdict verdict = judge_caa(set, question);
        if (method == methods.front()) first = verdict;
        if (best_method.empty() || verdict.answer > best.answer) {
            best = verdict;
            best_method = method;
        }
    }
    if (first.answer == dns::CaaAnswer::allowed) return good(check, first.reason);
    std::string hint = caa_remedy(sight, name, set);
    if (best.answer > first.answer) return warning(check, fmt::format("{}; {} is", first.reason, best_method), hint);
    if (first.answer == dns::CaaAnswer::unclear) return warning(check, first.reason, hint);
    if (!sight.is_first) return warning(check, first.reason, hint);
    return blocked(check, first.reason, hint);
}

CheckFinding address_finding(const std::vector<std::string>& addresses, const std::string& method) {
    const std::string check = "name.address";
    if (!addresses.empty()) return good(check, join(addresses, ", "));
    if (method.empty()) return good(check, "there is none, and no way of proof needs one");
    return warning(check, fmt::format("There is no A or AAAA record as seen from here; {} needs one", method),
                   "Add an address record, or prove the name by dns-01; a CA asks public name servers, which may have "
                   "other records than those asked from here");
}

CheckFinding visit_finding(const std::string& method, std::uint16_t port, const std::vector<Visit>& visits) {
    std::string check = "reach." + method;
    std::vector<std::string> answered, lacking;
    for (const Visit& visit : visits) {
        if (visit.answered) {
            answered.push_back(visit.address);
        } else {
            lacking.push_back(fmt::format("{} ({})", visit.address, visit.instead));
        }
    }
    if (lacking.empty())
        return good(check, fmt::format("port {} answers with certd's token at {}", port, join(answered, ", ")));
    return warning(
        check, fmt::format("Port {} does not answer with certd's token at {}", port, join(lacking, ", ")),
        "Make sure that every address of the name leads here, IPv6 first, through firewall, NAT and proxies; "
        "where this machine cannot reach its own public address this says nothing");
}

CheckFinding persist_finding(const std::optional<Time>& until, Time now) {
    const std::string check = "challenge.dns-persist-01";
    const std::string shown = "the record is shown by all name servers";
    if (!until) return good(check, shown);
    std::string text = fmt::format("{} and runs out at {}", shown, format_rfc3339(*until));
    if (*until - now > persist_notice) return good(check, text);
    text[0] = 'T';
    return warning(check, text, "Publish it with a later persistUntil, or without one");
}

void soften(std::vector<CheckFinding>& ways) {
    bool any = std::ranges::any_of(ways, [](const CheckFinding& way) { return way.result == "ok"; });
    for (CheckFinding& way : ways) {
        if (any && way.result == "blocked") way.result = "warning";
    }
}

}  // namespace certd
