// Canonical request, string to sign, derived key.
#include "daemon/dns/signature_v4.hpp"

#include "libacme/base/bytes.hpp"
#include "libacme/base/text.hpp"
#include "libacme/crypto/digest.hpp"
#include "libacme/crypto/hmac.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace certd {

namespace {

// "20150830T123600Z" from "2015-08-30T12:36:00Z".
std::string compact(Time now) {
    std::string text = format_rfc3339(std::chrono::floor<std::chrono::seconds>(now));
    std::erase(text, '-');
    std::erase(text, ':');
    return text;
}

// Parameters sorted by name; they are escaped already.
std::string canonical_query(std::string_view query) {
    std::vector<std::string> parameters;
    for (std::string_view parameter : split(query, '&')) {
        if (parameter.empty()) continue;
        bool has_value = parameter.find('=') != std::string_view::npos;
        parameters.push_back(std::string(parameter) + (has_value ? "" : "="));
    }
    std::ranges::sort(parameters);
    return join(parameters, "&");
}

Bytes keyed(ByteView key, std::string_view text) {
    return hmac(HmacHash::sha256, key, as_bytes(text));
}

}  // namespace

void sign_v4(HttpRequest& request, const AwsKey& key, const AwsScope& scope, Time now) {
    std::string moment = compact(now), day = moment.substr(0, 8);
    request.headers.add("X-Amz-Date", moment);
    if (key.session_token) request.headers.add("X-Amz-Security-Token", *key.session_token);

    std::map<std::string, std::string> headers = {{"host", request.url.host_header()}};
    for (const auto& [name, value] : request.headers.fields)
        headers[lower_ascii(name)] = std::string(trim(value));
    std::string canonical_headers, signed_headers;
    for (const auto& [name, value] : headers) {
        canonical_headers += name + ":" + value + "\n";
        signed_headers += (signed_headers.empty() ? "" : ";") + name;
    }
    std::string_view target = request.url.target;
    std::size_t mark = std::min(target.find('?'), target.size());
    std::string query = mark < target.size() ? canonical_query(target.substr(mark + 1)) : "";
    std::string canonical = fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, target.substr(0, mark), query,
                                        canonical_headers, signed_headers, sha256_hex(request.body));

    std::string place = fmt::format("{}/{}/{}/aws4_request", day, scope.region, scope.service);
    std::string to_sign = fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", moment, place, sha256_hex(canonical));
    Bytes derived = keyed(as_bytes("AWS4" + key.secret), day);
    for (std::string_view part :
         {std::string_view(scope.region), std::string_view(scope.service), std::string_view("aws4_request")})
        derived = keyed(derived, part);
    request.headers.add("Authorization",
                        fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}", key.id, place,
                                    signed_headers, hex(keyed(derived, to_sign))));
}

}  // namespace certd
