// One HTTP exchange without TLS, with a service on this machine: the HTTPS client refuses that.
#pragma once

#include "libacme/async/clock.hpp"
#include "libacme/net/http.hpp"

namespace certd {

bool is_loopback(const Url& url);  // by its host: 127.0.0.1, ::1 or localhost

// No limit of its own in time; at most 256 KiB are read. Throws Failure(net.resolve | net.connect | net.closed |
// net.malformed).
Task<HttpResponse> exchange_in_the_clear(Clock& clock, HttpRequest request);

}  // namespace certd
