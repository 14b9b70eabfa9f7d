// ACME Renewal Information (RFC 9773): how a certificate is named to its CA, and when the CA suggests to renew it.
#pragma once

#include "libacme/crypto/certificate.hpp"
#include "libacme/protocol/session.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace certd::acme {

// §4.1: base64url(keyIdentifier) "." base64url(serial), the serial as the content octets of its DER INTEGER. nullopt
// for a certificate without a keyIdentifier or with a serial that is no positive number: it takes no part.
std::optional<std::string> certificate_id(ByteView key_identifier, ByteView serial);
std::optional<std::string> certificate_id(const Certificate& certificate);

struct RenewalInfo {
    Time start, end;              // of the suggested window; end > start, both in the years 1970 to 9999
    std::string explanation_url;  // untrusted text: shown, never fetched
    Duration poll_again;          // 1 min to 1 day; 6 h when the CA does not say or cannot be understood
};

// §4.2 with §4.3's Retry-After. Problem acme.badResponse for what is no window, a reversed or an empty one.
Result<RenewalInfo> read_renewal_info(const HttpResponse& response, Time now);

struct RenewalInfoAnswer {
    enum class Kind {
        suggestion,
        not_offered,  // by the directory: no question was asked
        temporary,    // worth asking again soon: timeouts, 5xx, 429
        lasting       // everything else: not before some hours
    };
    Kind kind = Kind::not_offered;
    RenewalInfo info;  // of a suggestion
    Problem problem;   // of a failure
};

// Never fails: what goes wrong is in the answer. Throws only on cancellation.
Task<RenewalInfoAnswer> ask_renewal_info(Session& session, std::string id);

}  // namespace certd::acme
