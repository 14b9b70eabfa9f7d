// Name resolution by the system's resolver, in a way that a coroutine can stop waiting for: getaddrinfo blocks for up
// to a minute and cannot be interrupted.
#pragma once

#include "libacme/async/task.hpp"
#include "libacme/base/problem.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <string>
#include <vector>

namespace certd {

using Endpoint = asio::ip::tcp::endpoint;

// Every address of `host` (a name or an address), in the system's order of preference but with the families taking
// turns, at most 8. Cancellable at once; the caller sets the limit. Throws Failure(net.resolve).
Task<std::vector<Endpoint>> resolve(std::string host, std::uint16_t port);

// IPv6 and IPv4 in turn, beginning with the family of the first (RFC 8305 §4); repeated addresses are dropped.
std::vector<Endpoint> take_turns(std::vector<Endpoint> endpoints, std::size_t limit);

}  // namespace certd
