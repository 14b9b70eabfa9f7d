// One editor per kind of provider, and what all of them are made from.
#pragma once

#include "config/dns.hpp"
#include "daemon/deploy/host.hpp"
#include "daemon/dns/editor.hpp"
#include "libacme/async/offload.hpp"

#include <memory>

namespace certd {

struct DnsSeams {
    Clock& clock;
    Workers& workers;
    Host& host;                         // runs commands
    std::uint16_t authority_port = 53;  // where name servers are asked that were found by name
};

// The editor for the provider's kind. `provider` is one that was loaded without an error.
std::unique_ptr<RecordEditor> make_editor(const DnsSeams& seams, std::shared_ptr<const config::DnsProvider> provider);

std::unique_ptr<RecordEditor> rfc2136_editor(const DnsSeams& seams,
                                             std::shared_ptr<const config::DnsProvider> provider);
std::unique_ptr<RecordEditor> exec_editor(const DnsSeams& seams, std::shared_ptr<const config::DnsProvider> provider);
std::unique_ptr<RecordEditor> lego_exec_editor(const DnsSeams& seams,
                                               std::shared_ptr<const config::DnsProvider> provider);
std::unique_ptr<RecordEditor> httpreq_editor(const DnsSeams& seams,
                                             std::shared_ptr<const config::DnsProvider> provider);
std::unique_ptr<RecordEditor> acme_dns_editor(const DnsSeams& seams,
                                              std::shared_ptr<const config::DnsProvider> provider);
std::unique_ptr<RecordEditor> cloudflare_editor(const DnsSeams& seams,
                                                std::shared_ptr<const config::DnsProvider> provider);
std::unique_ptr<RecordEditor> route53_editor(const DnsSeams& seams,
                                             std::shared_ptr<const config::DnsProvider> provider);

}  // namespace certd
