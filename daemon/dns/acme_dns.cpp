// The editor that gives values to an acme-dns server. The server keeps the two newest values of each registration, so
// that a name and its wildcard go together, and nothing is taken away.
#include "daemon/dns/editors.hpp"
#include "daemon/dns/secret.hpp"
#include "daemon/dns/web_call.hpp"

#include <fmt/format.h>

namespace certd {

namespace {

struct Registration {
    std::string username, password, subdomain, fulldomain;
};

// The file has the form that acme-dns-client programs keep: {"example.com": {"username": …, "password": …}}.
Registration registration_in(const std::string& text, const std::string& domain, const std::string& file) {
    auto json = parse_json(text);
    if (!json || !json->is_object()) fail("config.secret", file + " is not a JSON object of registrations");
    const Json& entry = (*json)[domain];
    Registration found{entry.string_or("username"), entry.string_or("password"), entry.string_or("subdomain"),
                       entry.string_or("fulldomain")};
    if (found.username.empty() || found.password.empty() || found.subdomain.empty() || found.fulldomain.empty()) {
        fail("config.secret",
             fmt::format("{} has no registration of {} with username, password, subdomain and fulldomain", file,
                         domain));
    }
    return found;
}

class AcmeDnsEditor final : public RecordEditor {
   public:
    AcmeDnsEditor(DnsSeams seams, std::shared_ptr<const config::DnsProvider> provider)
        : seams_(seams), provider_(std::move(provider)), options_(std::get<config::DnsAcmeDns>(provider_->kind)) {}

    Task<> add(DnsChange change) override {
        std::string text = co_await secret_from(seams_.workers, options_.accounts_file);
        Registration registration = registration_in(text, change.domain, options_.accounts_file);
        check_delegated(change, registration);
        HttpHeaders headers = json_headers();
        headers.add("X-Api-User", registration.username);
        headers.add("X-Api-Key", registration.password);
        Json body = Json::object({{"subdomain", registration.subdomain}, {"txt", change.value}});
        std::string url = options_.server;
        while (url.ends_with('/'))
            url.pop_back();
        WebCalls calls(seams_.clock, "The DNS provider " + provider_->name, provider_->ca_bundle);
        co_await calls.send_or_fail("POST", url + "/update", std::move(headers), to_text(body));
    }

    Task<> remove(DnsChange) override { co_return; }

   private:
    static void check_delegated(const DnsChange& change, const Registration& registration) {
        if (dns::Name::parse(registration.fulldomain) == change.record) return;
        fail("dns.notDelegated", fmt::format("{} leads to {} and not to its registration {}", change.challenge.text(),
                                             change.record.text(), registration.fulldomain));
    }

    DnsSeams seams_;
    std::shared_ptr<const config::DnsProvider> provider_;
    const config::DnsAcmeDns& options_;
};

}  // namespace

std::unique_ptr<RecordEditor> acme_dns_editor(const DnsSeams& seams,
                                              std::shared_ptr<const config::DnsProvider> provider) {
    return std::make_unique<AcmeDnsEditor>(seams, std::move(provider));
}

}  // namespace certd
