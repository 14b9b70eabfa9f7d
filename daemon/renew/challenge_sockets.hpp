// The listening sockets of certd's own responders: bound here or passed by systemd.
#pragma once

#include "libacme/net/http_server.hpp"

#include <functional>
#include <string>
#include <vector>

namespace certd {

// A descriptor of its own (a dup) for the socket that systemd passed under this name (LISTEN_FDNAMES).
using PassedSocket = std::function<Result<int>(std::string name)>;

// `listen` without what another entry serves as well: "[::]:80" takes IPv4 too, so that "0.0.0.0:80" beside it would
// find the port taken.
std::vector<std::string> without_covered(const std::vector<std::string>& listen);

// One for each of `listen` ("ADDRESS:PORT" or "systemd:NAME"), or none. Problems net.portInUse, net.bind.
Result<std::vector<Listener>> open_listeners(const std::vector<std::string>& listen, const PassedSocket& passed_socket);

}  // namespace certd
