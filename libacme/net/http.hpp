// HTTP messages as values, shared by client and server. Header names are compared without case.
#pragma once

#include "libacme/net/url.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace certd {

struct HttpHeaders {
    std::vector<std::pair<std::string, std::string>> fields;
    void add(std::string name, std::string value) { fields.emplace_back(std::move(name), std::move(value)); }
    std::optional<std::string_view> find(std::string_view name) const;  // the first
    std::vector<std::string_view> all(std::string_view name) const;
};

struct HttpRequest {
    std::string method = "GET";
    Url url;
    HttpHeaders headers;
    std::string body;
};

struct HttpResponse {
    int status = 0;
    HttpHeaders headers;
    std::string body;
};

struct Link {
    std::string target;  // as written; resolve against the request's URL
    std::string relation;
};
// All links of all Link headers (RFC 8288), repeated or comma-joined; malformed ones are left out.
std::vector<Link> links(const HttpHeaders& headers);

// "application/problem+json; charset=x" → "application/problem+json", lower case.
std::string media_type(const HttpHeaders& headers);

}  // namespace certd
