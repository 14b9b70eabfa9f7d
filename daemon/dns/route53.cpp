// The editor for zones at Amazon Route 53. A record set is replaced as a whole there, so the values of others are read
// first and written back; one change at a time.
#include "daemon/dns/editors.hpp"
#include "daemon/dns/secret.hpp"
#include "daemon/dns/signature_v4.hpp"
#include "daemon/dns/web_call.hpp"
#include "libacme/async/gate.hpp"
#include "libacme/base/bytes.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr std::string_view api = "/2013-04-01";
constexpr std::size_t value_limit = 4000;

// The texts of all elements of this name, in order. The service's own documents have no attributes or comments in them.
std::vector<std::string> elements(std::string_view xml, const std::string& name) {
    std::vector<std::string> found;
    std::string open = "<" + name + ">", close = "</" + name + ">";
    for (std::size_t at = xml.find(open); at != std::string_view::npos; at = xml.find(open, at)) {
        at += open.size();
        std::size_t end = xml.find(close, at);
        if (end == std::string_view::npos) break;
        found.emplace_back(xml.substr(at, end - at));
        at = end;
    }
    return found;
}

std::string first(std::string_view xml, const std::string& name) {
    auto found = elements(xml, name);
    return found.empty() ? "" : found.front();
}

// What the service sends comes back as it was; what is ours needs no escaping.
std::string plain(std::string text) {
    for (auto [entity, letter] : {std::pair{"&quot;", "\""}, {"&#34;", "\""}}) {
        for (std::size_t at = text.find(entity); at != std::string::npos; at = text.find(entity, at))
            text.replace(at, std::string_view(entity).size(), letter);
    }
    return text;
}

struct RecordSet {
    std::string ttl = "60";
    std::vector<std::string> values;  // as in the document: quoted, entities left as they are
};

bool is_value(const std::string& element, const std::string& value) {
    return plain(element) == "\"" + value + "\"";
}

std::string change_document(std::string_view action, const DnsChange& change, const RecordSet& set) {
    std::string records;
    for (const std::string& value : set.values)
        records += "<ResourceRecord><Value>" + value + "</Value></ResourceRecord>";
    return fmt::format(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<ChangeResourceRecordSetsRequest "
        "xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><ChangeBatch><Changes>"
        "<Change><Action>{}</Action><ResourceRecordSet><Name>{}</Name><Type>TXT</Type><TTL>{}</TTL>"
        "<ResourceRecords>{}</ResourceRecords></ResourceRecordSet></Change></Changes></ChangeBatch>"
        "</ChangeResourceRecordSetsRequest>",
        action, change.record.absolute_text(), set.ttl, records);
}

class Route53Editor final : public RecordEditor {
   public:
    Route53Editor(DnsSeams seams, std::shared_ptr<const config::DnsProvider> provider)
        : seams_(seams), provider_(std::move(provider)), options_(std::get<config::DnsRoute53>(provider_->kind)) {}

    Task<> add(DnsChange change) override {
        Gate::Pass pass = co_await gate_.enter();
        WebCalls calls = make_calls();
        std::string zone = co_await zone_id(calls, change.record);
        RecordSet set = co_await read(calls, zone, change);
        if (std::ranges::any_of(set.values, [&](const std::string& known) { return is_value(known, change.value); }))
            co_return;
        set.values.push_back("\"" + change.value + "\"");
        co_await write(calls, zone, change_document("UPSERT", change, set));
    }

    Task<> remove(DnsChange change) override {
        Gate::Pass pass = co_await gate_.enter();
        WebCalls calls = make_calls();
        std::string zone = co_await zone_id(calls, change.record);
        RecordSet set = co_await read(calls, zone, change);
        RecordSet rest = set;
        std::erase_if(rest.values, [&](const std::string& known) { return is_value(known, change.value); });
        if (rest.values.size() == set.values.size()) co_return;
        // A set cannot be empty; it is deleted by naming it as it is.
        co_await write(
            calls, zone,
            rest.values.empty() ? change_document("DELETE", change, set) : change_document("UPSERT", change, rest));
    }

   private:
    WebCalls make_calls() const { return {seams_.clock, "The DNS provider " + provider_->name, provider_->ca_bundle}; }

    Task<std::string> call(WebCalls& calls, std::string method, std::string path, std::string body) {
        AwsKey key;
        key.id = co_await secret_from(seams_.workers, options_.access_key_file);
        key.secret = co_await secret_from(seams_.workers, options_.secret_key_file);
        if (options_.session_token_file)
            key.session_token = co_await secret_from(seams_.workers, *options_.session_token_file);
        HttpRequest request;
        request.method = method;
        request.url = value_or_fail(parse_url(options_.endpoint + std::string(api) + path));
        request.body = body;
        if (!body.empty()) request.headers.add("Content-Type", "application/xml");
        // The service is global; its signatures are made for this region.
        sign_v4(request, key, {"us-east-1", "route53"}, seams_.clock.now());
        co_return co_await calls.send_or_fail(std::move(method), request.url.text, std::move(request.headers),
                                              std::move(body));
    }

    Task<std::string> zone_id(WebCalls& calls, dns::Name record) {
        if (options_.zone_id) co_return *options_.zone_id;
        for (dns::Name name = record; !name.is_root(); name = name.parent()) {
            std::string xml =
                co_await call(calls, "GET", fmt::format("/hostedzonesbyname?dnsname={}&maxitems=10", name.text()), "");
            for (const std::string& zone : elements(xml, "HostedZone")) {
                bool is_public = first(zone, "PrivateZone") != "true";
                std::string id = first(zone, "Id");
                id = id.substr(id.rfind('/') + 1);
                if (is_public && dns::Name::parse(first(zone, "Name")) == name && is_base64url(id)) co_return id;
            }
        }
        fail("dns.provider", fmt::format("{} has no public zone that {} is in", calls.who(), record.text()));
    }

    Task<RecordSet> read(WebCalls& calls, std::string zone, DnsChange change) {
        std::string path = fmt::format("/hostedzone/{}/rrset?maxitems=1&name={}&type=TXT", zone, change.record.text());
        std::string xml = co_await call(calls, "GET", std::move(path), "");
        RecordSet set;
        // The listing begins at the name and goes on with whatever follows it.
        for (const std::string& found : elements(xml, "ResourceRecordSet")) {
            if (first(found, "Type") != "TXT" || dns::Name::parse(first(found, "Name")) != change.record) continue;
            set.ttl = first(found, "TTL");
            set.values = elements(found, "Value");
        }
        auto damaged = [](const std::string& value) {
            return value.size() > value_limit || value.find('<') != std::string::npos;
        };
        bool ttl_is_number =
            !set.ttl.empty() && std::ranges::all_of(set.ttl, [](char c) { return c >= '0' && c <= '9'; });
        if (!ttl_is_number || std::ranges::any_of(set.values, damaged))
            fail("dns.provider", calls.who() + " gave a record set that cannot be read", xml.substr(0, 2000));
        co_return set;
    }

    Task<> write(WebCalls& calls, std::string zone, std::string document) {
        co_await call(calls, "POST", fmt::format("/hostedzone/{}/rrset", zone), std::move(document));
    }

    DnsSeams seams_;
    std::shared_ptr<const config::DnsProvider> provider_;
    const config::DnsRoute53& options_;
    Gate gate_{1};
};

}  // namespace

std::unique_ptr<RecordEditor> route53_editor(const DnsSeams& seams,
                                             std::shared_ptr<const config::DnsProvider> provider) {
    return std::make_unique<Route53Editor>(seams, std::move(provider));
}

}  // namespace certd
