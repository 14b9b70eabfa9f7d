// The control API (DESIGN §6, contrib/docs/CONTROL-API.md): a request handler for an HttpServer on a Unix socket that
// routes, checks the role, records mutating calls and streams long operations.
#pragma once

#include "daemon/control/access.hpp"
#include "daemon/control/operations.hpp"
#include "libacme/net/http_server.hpp"

#include <memory>

namespace certd::control {

// Operations called over a connection belong to this object, not to the connection: a client that goes away leaves its
// job running. Order of stopping: the HttpServer's run() first, then stop() here.
class ControlHandler {
   public:
    ControlHandler(asio::any_io_executor executor, Operations& operations, AccessRules rules, Clock& clock);
    ~ControlHandler();  // stop() must have been awaited when calls were running
    ControlHandler(const ControlHandler&) = delete;
    ControlHandler& operator=(const ControlHandler&) = delete;

    RequestHandler handler();           // refers to this object
    void set_rules(AccessRules rules);  // after a reload of the configuration
    std::size_t calls() const;          // long operations that have not returned yet
    Task<> stop();  // refuses new calls, ends waiting for the running ones; their jobs are not this object's

   private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace certd::control
