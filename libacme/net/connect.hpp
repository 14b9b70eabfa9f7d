// A TCP connection to a host by name or address. All its addresses are tried; a dead one does not hold up the others.
#pragma once

#include "libacme/async/clock.hpp"
#include "libacme/net/address.hpp"
#include "libacme/net/resolve.hpp"

#include <memory>
#include <string>
#include <vector>

namespace certd {

using TcpSocket = asio::ip::tcp::socket;

// Resolves and connects. No limit of its own: the caller sets it. Throws Failure(net.resolve | net.connect).
Task<std::unique_ptr<TcpSocket>> connect_to(Clock& clock, HostPort address);

// The first connection that comes about. The next endpoint is tried as soon as the one before has failed, and beside it
// when it has not answered for 250 ms (RFC 8305 §5). `name` is for the message of net.connect.
Task<std::unique_ptr<TcpSocket>> connect_any(Clock& clock, std::vector<Endpoint> endpoints, std::string name);

}  // namespace certd
