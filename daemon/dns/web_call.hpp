// Requests to the web services of DNS providers: over verified TLS, or in the clear to a service on this machine.
#pragma once

#include "libacme/async/clock.hpp"
#include "libacme/base/json.hpp"
#include "libacme/net/transport.hpp"

#include <memory>
#include <optional>
#include <string>

namespace certd {

// For the requests of one operation; kept connections end with it.
class WebCalls {
   public:
    // `who` begins messages: "The DNS provider office".
    WebCalls(Clock& clock, std::string who, std::optional<std::string> ca_bundle);
    ~WebCalls();

    // `text` is the URL. Throws Failure(net.* | tls.*) when there is no answer. Any status is an answer.
    Task<HttpResponse> send(std::string method, std::string text, HttpHeaders headers, std::string body = {});
    // The body of an answer with status 2xx. Throws Failure(dns.provider) with the service's own words for any other.
    Task<std::string> send_or_fail(std::string method, std::string text, HttpHeaders headers, std::string body = {});
    const std::string& who() const { return who_; }

   private:
    Clock& clock_;
    std::string who_;
    std::optional<std::string> ca_bundle_;
    std::unique_ptr<Transport> client_;
};

HttpHeaders json_headers();

}  // namespace certd
