// The transport seam: one HTTP exchange. Never follows a redirect. Behind it: HttpsClient, or a CA in memory in tests.
#pragma once

#include "libacme/async/task.hpp"
#include "libacme/net/http.hpp"

namespace certd {

class Transport {
   public:
    virtual ~Transport() = default;
    // Throws Failure with net.* or tls.* when there is no complete response within the limits. Any status is a
    // response.
    virtual Task<HttpResponse> send(HttpRequest request) = 0;
};

}  // namespace certd
