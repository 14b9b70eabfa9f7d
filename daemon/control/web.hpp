// What the TCP listener serves: metrics, a sign of life, and the status page with what it reads. Nothing here changes
// anything. Peers of a TCP connection have no credentials: who may read is decided by the address that is listened on,
// or by a token.
#pragma once

#include "daemon/control/operations.hpp"
#include "libacme/net/http_server.hpp"

#include <string>

namespace certd::control {

struct WebOptions {
    std::string token;  // that callers must present; empty: none
    bool page = true;
};

// GET /metrics and /healthz; with the page also /, /status.json and /events (text/event-stream). The objects outlive
// the handler.
RequestHandler make_web_handler(Operations& operations, Clock& clock, WebOptions options);

// Everything that the page shows, at this moment: {now, daemon, lineages, events, doctor, causes}; doctor
// holds what is worse than ok, null when nobody has asked since certd started.
Json page_document(Operations& operations, Clock& clock);

}  // namespace certd::control
