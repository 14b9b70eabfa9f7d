// The editor for zones at Cloudflare (API v4), with a token that may edit DNS records.
#include "daemon/dns/editors.hpp"
#include "daemon/dns/secret.hpp"
#include "daemon/dns/web_call.hpp"
#include "libacme/base/bytes.hpp"

#include <fmt/format.h>

namespace certd {

namespace {

constexpr std::int64_t already_there = 81058;  // "An identical record already exists"

class CloudflareEditor final : public RecordEditor {
   public:
    CloudflareEditor(DnsSeams seams, std::shared_ptr<const config::DnsProvider> provider)
        : seams_(seams), provider_(std::move(provider)), options_(std::get<config::DnsCloudflare>(provider_->kind)) {}

    Task<> add(DnsChange change) override {
        WebCalls calls = make_calls();
        HttpHeaders headers = co_await make_headers();
        std::string zone = co_await zone_id(calls, headers, change.record);
        Json record = Json::object({{"type", "TXT"},
                                    {"name", change.record.text()},
                                    {"content", quoted(change.value)},
                                    {"ttl", 60},
                                    {"comment", "dns-01 challenge, by certd"}});
        std::string url = fmt::format("{}/zones/{}/dns_records", options_.endpoint, zone);
        HttpResponse response = co_await calls.send("POST", url, headers, to_text(record));
        if (response.status >= 200 && response.status < 300) co_return;
        auto answer = parse_json(response.body);
        const Json::Array* errors = answer ? (*answer)["errors"].if_array() : nullptr;
        if (errors != nullptr && !errors->empty() && errors->front().int_or("code") == already_there) co_return;
        fail("dns.provider", fmt::format("{} refused POST {} with status {}", calls.who(), url, response.status),
             response.body.substr(0, 2000));
    }

    Task<> remove(DnsChange change) override {
        WebCalls calls = make_calls();
        HttpHeaders headers = co_await make_headers();
        std::string zone = co_await zone_id(calls, headers, change.record);
        std::string url = fmt::format("{}/zones/{}/dns_records", options_.endpoint, zone);
        std::string query = fmt::format("?type=TXT&name={}&per_page=100", change.record.text());
        Json found = result_of(co_await calls.send_or_fail("GET", url + query, headers), calls);
        std::vector<std::string> ids;
        if (const Json::Array* records = found.if_array()) {
            for (const Json& record : *records) {
                std::string content = record.string_or("content");
                bool ours = content == change.value || content == quoted(change.value);
                if (ours && is_id(record.string_or("id"))) ids.push_back(record.string_or("id"));
            }
        }
        for (const std::string& id : ids)
            co_await calls.send_or_fail("DELETE", url + "/" + id, headers);
    }

   private:
    static std::string quoted(const std::string& value) { return "\"" + value + "\""; }

    // What goes into the next URL.
    static bool is_id(const std::string& text) { return text.size() <= 64 && is_base64url(text); }

    WebCalls make_calls() const { return {seams_.clock, "The DNS provider " + provider_->name, provider_->ca_bundle}; }

    Task<HttpHeaders> make_headers() {
        HttpHeaders headers = json_headers();
        headers.add("Authorization", "Bearer " + co_await secret_from(seams_.workers, options_.token_file));
        co_return headers;
    }

    static Json result_of(const std::string& body, const WebCalls& calls) {
        auto answer = parse_json(body);
        if (answer && answer->bool_or("success")) return (*answer)["result"];
        fail("dns.provider", calls.who() + " gave an answer without a result", body.substr(0, 2000));
    }

    // The zone with the longest name that the record is in.
    Task<std::string> zone_id(WebCalls& calls, const HttpHeaders& headers, dns::Name record) {
        for (dns::Name name = record; !name.is_root() && !name.parent().is_root(); name = name.parent()) {
            std::string url = fmt::format("{}/zones?name={}", options_.endpoint, name.text());
            Json found = result_of(co_await calls.send_or_fail("GET", url, headers), calls);
            const Json::Array* zones = found.if_array();
            if (zones != nullptr && !zones->empty() && is_id(zones->front().string_or("id")))
                co_return zones->front().string_or("id");
        }
        fail("dns.provider", fmt::format("{} has no zone that {} is in", calls.who(), record.text()));
    }

    DnsSeams seams_;
    std::shared_ptr<const config::DnsProvider> provider_;
    const config::DnsCloudflare& options_;
};

}  // namespace

std::unique_ptr<RecordEditor> cloudflare_editor(const DnsSeams& seams,
                                                std::shared_ptr<const config::DnsProvider> provider) {
    return std::make_unique<CloudflareEditor>(seams, std::move(provider));
}

}  // namespace certd
