// One question to one server: over UDP, sent again while nothing comes, and over TCP when the answer was cut short.
#pragma once

#include "libacme/async/clock.hpp"
#include "libacme/dns/message.hpp"
#include "libacme/net/resolve.hpp"

#include <functional>
#include <string>

namespace certd::dns {

struct Reply {
    Message message;
    Bytes octets;  // as received, for its signature
};

struct ExchangeOptions {
    Duration timeout = seconds(5);               // for all of it
    Duration first_resend = milliseconds(1000);  // doubled each time
    // Whether a reply that matches the question is the one waited for; otherwise the wait goes on.
    std::function<bool(const Reply& reply)> accept;
};

// Only what comes from the server asked, with the id, opcode and question of `message`, is a reply (RFC 5452 §9.1);
// everything else is passed over until the time is up. `octets` is `message` as it is sent, maybe signed. Throws
// Failure(dns.noAnswer).
Task<Reply> exchange(Clock& clock, Endpoint server, Message message, Bytes octets, ExchangeOptions options = {});

std::string text_of(const Endpoint& server);  // "192.0.2.1", "[2001:db8::1]:5353": with the port unless it is 53

}  // namespace certd::dns
