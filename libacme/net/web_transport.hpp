// The transport for documents that anybody may read and that protect themselves, such as CRLs (RFC 5280 §8): http and
// https alike, by the URL; a connection for each exchange, since such questions are hours apart.
#pragma once

#include "libacme/net/https_client.hpp"

namespace certd {

// Of the options all but the limits of idle connections count; a proxy is asked for http by the whole URL (RFC 9112
// §3.2.2), and tunnels https. Problems as those of HttpsClient.
class WebTransport final : public Transport {
   public:
    WebTransport(Clock& clock, HttpsClientOptions options);
    Task<HttpResponse> send(HttpRequest request) override;

   private:
    Task<HttpResponse> send_in_the_clear(HttpRequest request);

    Clock& clock_;
    HttpsClientOptions options_;
};

}  // namespace certd
