// Signed messages: TSIG with a shared key (RFC 8945).
#pragma once

#include "libacme/crypto/hmac.hpp"
#include "libacme/dns/message.hpp"

#include <optional>
#include <string>

namespace certd::dns {

struct TsigKey {
    Name name;
    HmacHash algorithm = HmacHash::sha256;
    Bytes secret;
};

// "hmac-sha256", with or without the dot; HMAC-MD5 by its long name or as "hmac-md5".
std::optional<HmacHash> tsig_algorithm(std::string_view text);

struct SignedMessage {
    Bytes octets;
    Bytes mac;  // covered by the signature of the reply
};
// `message` with a TSIG record at its end. A server gives the request's MAC (RFC 8945 §5.4.1), and an error if it has
// one.
SignedMessage sign(Bytes message, const TsigKey& key, Time now, ByteView request_mac = {}, std::uint16_t error = 0,
                   std::optional<Time> server_time = {});

struct TsigVerdict {
    enum class Kind {
        good,
        unsigned_message,  // no TSIG, or one without a MAC: `error` tells what the server thinks of ours
        wrong_key,         // another key or algorithm than asked with
        wrong_mac,         // forged, damaged or cut short
        wrong_time         // signed right, but too long ago or too far ahead
    };
    Kind kind = Kind::unsigned_message;
    std::uint16_t error = 0;          // of the TSIG record: 16 BADSIG, 17 BADKEY, 18 BADTIME, 22 BADTRUNC
    std::optional<Time> server_time;  // with BADTIME, the server's clock
};
// Judges `octets`, which were read as `message`. A MAC shorter than the hash is refused (RFC 8945 §5.2.2.1 lets us).
TsigVerdict verify(ByteView octets, const Message& message, const TsigKey& key, ByteView request_mac, Time now);

std::string tsig_error_text(std::uint16_t error);  // "BADKEY"

}  // namespace certd::dns
