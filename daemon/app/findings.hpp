// The judgements of `certctl check`: from what was seen to one line with its remedy. Only what cannot be right blocks;
// what another look from elsewhere could see otherwise is a warning. Pure.
#pragma once

#include "config/model.hpp"
#include "ctl/api/types.hpp"
#include "daemon/lineage/limits.hpp"
#include "daemon/renew/ca_clients.hpp"
#include "libacme/dns/caa.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace certd {

api::CheckFinding good(std::string check, std::string text);
api::CheckFinding warning(std::string check, std::string text, std::string hint = {});
api::CheckFinding blocked(std::string check, std::string text, std::string hint = {});
api::CheckFinding blocked(std::string check, const Problem& problem);
api::CheckFinding about(const Identifier& name, api::CheckFinding finding);

struct Room {  // left to this user on a file system
    std::uint64_t octets = 0, files = 0;
};
api::CheckFinding room_finding(const std::string& directory, const std::optional<Room>& room);

// What is known of one of the lineage's CAs.
struct CaSight {
    config::Ca ca;
    std::optional<acme::Directory> directory;  // unset: it was not reached
    std::string account_url;                   // empty: there is no account yet
    bool is_first = true;                      // the others are asked after repeated failure only
};
api::CheckFinding account_finding(const CaSight& sight, const std::optional<Problem>& suspended);
// `ahead`: how far this machine's clock is before the CA's; nullopt: the CA did not say its time.
api::CheckFinding clock_finding(const std::string& ca, const std::optional<Duration>& ahead);
// nullopt where nothing is asked for.
std::optional<api::CheckFinding> profile_finding(const CaSight& sight, const config::Profile& wanted);
std::optional<api::CheckFinding> budget_finding(const config::Ca& ca, const std::optional<Allowance>& wait, Time now);

// The request in force, and the one that the file holds now.
api::CheckFinding csr_finding(const config::CertificateRequest& used, const config::CertificateRequest& on_disk);

// `methods`: the ways of proof in the order they are tried.
api::CheckFinding caa_finding(const CaSight& sight, const Identifier& name, const dns::CaaSet& set,
                              const std::vector<std::string>& methods);
// `method`: the one that needs an address; empty: none does.
api::CheckFinding address_finding(const std::vector<std::string>& addresses, const std::string& method);

// A look at one of the name's addresses where a CA would look.
struct Visit {
    std::string address;
    bool answered = false;  // with what was presented
    std::string instead;    // "404", "connection refused", "another certificate"
};
api::CheckFinding visit_finding(const std::string& method, std::uint16_t port, const std::vector<Visit>& visits);

// The record of dns-persist-01 was seen, and runs out then.
api::CheckFinding persist_finding(const std::optional<Time>& until, Time now);

// Ways of one name that do not work while another does are worth a warning only.
void soften(std::vector<api::CheckFinding>& ways);

}  // namespace certd
