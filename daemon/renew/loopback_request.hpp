// One plain HTTP GET to a socket of this very process, written by hand: cheap enough to precede every validation.
#pragma once

#include "libacme/async/task.hpp"

#include <optional>
#include <string>

namespace certd {

struct LoopbackRequest {
    std::string address;  // "127.0.0.1:80", "[::1]:80"
    std::string path;
    std::string host;    // for the Host header
    std::string header;  // one more header line, without line end
};

// The body of a 200 response, at most 4 KiB of it; empty for any other status. No limit of its own in time: wrap it.
// Throws boost::system::system_error.
Task<std::string> get_over_loopback(LoopbackRequest request);

struct PlainResponse {
    int status = 0;  // 0: what came is no HTTP response
    std::string body;
};
// The same, whatever the status. `request.address` may be any address.
Task<PlainResponse> get_plain(LoopbackRequest request);

// Where a listening TCP socket is reached from this machine: its own address, or loopback when it is bound to any
// address. nullopt for other sockets.
std::optional<std::string> loopback_address(int listening_socket);

}  // namespace certd
