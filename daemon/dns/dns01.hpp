// dns-01 (RFC 8555 §8.4) and dns-account-01 (draft-ietf-acme-dns-account-label-02), which differ in the record's name:
// a TXT record that an editor puts in place, looked for at the authoritative servers of the zone it ends up in.
#pragma once

#include "daemon/dns/editors.hpp"
#include "libacme/dns/resolver.hpp"
#include "libacme/protocol/solver.hpp"

#include <map>
#include <string>

namespace certd {

class Dns01 final : public acme::Solver {
   public:
    // `type`: "dns-01" or "dns-account-01".
    Dns01(DnsSeams seams, std::shared_ptr<const config::DnsProvider> provider, std::unique_ptr<RecordEditor> editor,
          std::string type = "dns-01");

    const config::DnsProvider& provider() const { return *provider_; }
    const std::string& type() const { return type_; }

    bool can_solve(std::string_view type, const Identifier& identifier, bool wildcard) const override;
    // Problems acme.badToken, dns.notAllowed, those of look-ups and of the editor. The same task may be presented
    // several times; its record stays until it was cleaned up as often.
    Task<> present(acme::ChallengeTask task) override;
    Task<> wait_visible(acme::ChallengeTask task) override;  // dns.notVisible
    Task<> wait_attempted(acme::ChallengeTask task) override;
    Task<> clean_up(acme::ChallengeTask task) override;

    // What present() would change and whom wait_visible() would ask. Changes nothing; the problems of present() but for
    // those of the editor.
    struct Preview {
        dns::Name challenge;            // _acme-challenge.<domain>, maybe with the account's label before it
        dns::Name record;               // the end of its CNAMEs
        std::optional<dns::Name> zone;  // not looked for where propagation.servers says whom to ask
        std::vector<dns::NameServer> servers;
    };
    Task<Preview> preview(acme::ChallengeTask task);

   private:
    struct Placed {
        DnsChange change;
        std::size_t times = 0;
    };
    using Key = std::pair<std::string, std::string>;  // domain and value
    void check_allowed(const std::string& domain) const;
    Task<DnsChange> plan(acme::ChallengeTask task);
    Task<std::vector<dns::NameServer>> authorities(dns::Name record);

    DnsSeams seams_;
    std::shared_ptr<const config::DnsProvider> provider_;
    std::unique_ptr<RecordEditor> editor_;
    std::string type_;
    std::map<Key, Placed> placed_;
};

// RFC 8555 §8.4: base64url of the SHA-256 of the key authorization.
std::string dns01_value(const std::string& key_authorization);

}  // namespace certd
