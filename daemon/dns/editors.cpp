// From the configured kind to its editor.
#include "daemon/dns/editors.hpp"

#include "libacme/base/problem.hpp"

namespace certd {

using Provider = std::shared_ptr<const config::DnsProvider>;

Task<bool> RecordEditor::wait_visible(DnsChange) {
    co_return false;
}

std::unique_ptr<RecordEditor> make_editor(const DnsSeams& seams, Provider provider) {
    struct Maker {
        const DnsSeams& seams;
        const Provider& provider;
        using Made = std::unique_ptr<RecordEditor>;
        Made operator()(const std::monostate&) const {
            fail("config.invalid", "The DNS provider " + provider->name + " does not say how");
        }
        Made operator()(const config::DnsRfc2136&) const { return rfc2136_editor(seams, provider); }
        Made operator()(const config::DnsExec&) const { return exec_editor(seams, provider); }
        Made operator()(const config::DnsLegoExec&) const { return lego_exec_editor(seams, provider); }
        Made operator()(const config::DnsHttpReq&) const { return httpreq_editor(seams, provider); }
        Made operator()(const config::DnsAcmeDns&) const { return acme_dns_editor(seams, provider); }
        Made operator()(const config::DnsCloudflare&) const { return cloudflare_editor(seams, provider); }
        Made operator()(const config::DnsRoute53&) const { return route53_editor(seams, provider); }
    };
    return std::visit(Maker{seams, provider}, provider->kind);
}

}  // namespace certd
