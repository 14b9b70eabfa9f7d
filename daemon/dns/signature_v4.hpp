// Signatures of requests to AWS (Signature Version 4): a keyed digest over the request's canonical form. Pure.
#pragma once

#include "libacme/net/http.hpp"

#include <optional>
#include <string>

namespace certd {

struct AwsKey {
    std::string id, secret;
    std::optional<std::string> session_token;
};

struct AwsScope {
    std::string region, service;
};

// Adds X-Amz-Date, X-Amz-Security-Token and Authorization. The path of the URL is taken as it is: it must not need
// escaping. All headers that are there already, and Host, are signed.
void sign_v4(HttpRequest& request, const AwsKey& key, const AwsScope& scope, Time now);

}  // namespace certd
