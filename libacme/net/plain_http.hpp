// One HTTP exchange without TLS, with a service on this machine: the HTTPS client refuses that.
#pragma once

#include "libacme/async/clock.hpp"
#include "libacme/net/http.hpp"

namespace certd {

// No limit of its own in time. Throws Failure(net.resolve | net.connect | net.closed | net.malformed | net.tooLarge),
// the last one for more than 256 KiB.
Task<HttpResponse> exchange_in_the_clear(Clock& clock, HttpRequest request);

}  // namespace certd
