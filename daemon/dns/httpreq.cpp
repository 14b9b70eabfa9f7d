// The editor that asks a web service in the form of lego's httpreq provider.
#include "daemon/dns/editors.hpp"
#include "daemon/dns/secret.hpp"
#include "daemon/dns/web_call.hpp"
#include "libacme/base/bytes.hpp"

namespace certd {

namespace {

class HttpReqEditor final : public RecordEditor {
   public:
    HttpReqEditor(DnsSeams seams, std::shared_ptr<const config::DnsProvider> provider)
        : seams_(seams), provider_(std::move(provider)), options_(std::get<config::DnsHttpReq>(provider_->kind)) {}

    Task<> add(DnsChange change) override { return post("/present", std::move(change)); }
    Task<> remove(DnsChange change) override { return post("/cleanup", std::move(change)); }

   private:
    Task<> post(std::string path, DnsChange change) {
        HttpHeaders headers = json_headers();
        if (options_.username_file || options_.password_file) {
            std::string user, password;
            if (options_.username_file) user = co_await secret_from(seams_.workers, *options_.username_file);
            if (options_.password_file) password = co_await secret_from(seams_.workers, *options_.password_file);
            headers.add("Authorization", "Basic " + base64(as_bytes(user + ":" + password)));
        }
        Json body = Json::object({{"fqdn", change.record.absolute_text()}, {"value", change.value}});
        std::string url = options_.endpoint;
        while (url.ends_with('/'))
            url.pop_back();
        WebCalls calls(seams_.clock, "The DNS provider " + provider_->name, provider_->ca_bundle);
        co_await calls.send_or_fail("POST", url + path, std::move(headers), to_text(body));
    }

    DnsSeams seams_;
    std::shared_ptr<const config::DnsProvider> provider_;
    const config::DnsHttpReq& options_;
};

}  // namespace

std::unique_ptr<RecordEditor> httpreq_editor(const DnsSeams& seams,
                                             std::shared_ptr<const config::DnsProvider> provider) {
    return std::make_unique<HttpReqEditor>(seams, std::move(provider));
}

}  // namespace certd
