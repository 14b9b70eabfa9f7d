// An absolute https:// (or, for tests of plain servers, http://) URL. The text is kept byte-exact: JWS headers need it
// so (RFC 8555 §6.4).
#pragma once

#include "libacme/base/problem.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace certd {

struct Url {
    std::string text;    // exactly as given
    std::string scheme;  // "https" or "http"
    std::string host;    // lower case, without the brackets of an IPv6 literal
    std::uint16_t port = 443;
    std::string target;  // path and query, at least "/"

    std::string host_header() const;  // with brackets, and with the port unless it is the scheme's own
    std::string origin() const;       // scheme://host:port
    bool host_is_ip() const;
    bool operator==(const Url&) const = default;
};

// Refuses userinfo, fragments, control characters, spaces, other schemes and more than 2,048 bytes: problem net.url.
Result<Url> parse_url(std::string_view text);
// RFC 3986 §5 for what Link and Location headers carry: absolute, "//host", "/path" and relative references.
Result<Url> resolve_url(const Url& base, std::string_view reference);

}  // namespace certd
