// dns-persist-01 (draft-ietf-acme-dns-persist-01): an operator has published the record once; it is looked for at the
// authoritative servers before the challenge is answered. Nothing is written.
#pragma once

#include "daemon/dns/editors.hpp"
#include "daemon/dns/persist_record.hpp"
#include "libacme/dns/resolver.hpp"
#include "libacme/protocol/solver.hpp"

#include <map>
#include <optional>
#include <string>

namespace certd {

class DnsPersist01 final : public acme::Solver {
   public:
    // `look_limit`: until when all servers must show the record. It was published long ago, so it is not waited for as
    // for one that was just written.
    DnsPersist01(DnsSeams seams, config::DnsPersist01 options, Duration look_limit = seconds(4))
        : seams_(seams), options_(std::move(options)), look_limit_(look_limit) {}

    const config::DnsPersist01& options() const { return options_; }

    bool can_solve(std::string_view type, const Identifier& identifier, bool wildcard) const override;
    // Problem acme.badResponse for issuer names that are none.
    Task<> present(acme::ChallengeTask task) override;
    // Problems dns.persistMissing, whose hint is the record to publish, and those of look-ups.
    Task<> wait_visible(acme::ChallengeTask task) override;
    Task<> wait_attempted(acme::ChallengeTask task) override;
    Task<> clean_up(acme::ChallengeTask task) override;

    // When the record that last proved this name runs out. Outer nullopt: none was seen by this process.
    std::optional<std::optional<Time>> seen(const Identifier& name) const;

   private:
    DnsSeams seams_;
    config::DnsPersist01 options_;
    Duration look_limit_;
    std::map<Identifier, std::optional<Time>> seen_;
};

// The record to publish, as a line of a zone file; `issuer` is one of the CA's.
std::string persist_line(const Identifier& name, std::string_view issuer, const std::string& account_url);

}  // namespace certd
