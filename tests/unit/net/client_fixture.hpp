// A client that trusts a test authority, and a server of that authority.
#pragma once

#include "libacme/net/https_client.hpp"
#include "tests/support/raw_server.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/support/test_authority.hpp"

#include <functional>

namespace certd::test {

inline const TestAuthority& authority() {
    static const TestAuthority instance;
    return instance;
}

inline RawServerOptions tls_options(const std::vector<std::string>& names = {"127.0.0.1", "localhost"}) {
    RawServerOptions options;
    options.identity = authority().issue(names);
    return options;
}

// Short limits: the tests of time-outs wait for them.
inline HttpsClientOptions client_options() {
    static const TempDirectory directory;
    static const std::string bundle = authority().write_bundle(directory.path());
    HttpsClientOptions options;
    options.ca_bundle = bundle;
    options.connect_timeout = milliseconds(5000);
    options.request_timeout = milliseconds(5000);
    return options;
}

inline HttpRequest get(const std::string& url) {
    HttpRequest request;
    request.url = value_or_fail(parse_url(url));
    return request;
}

inline HttpRequest post(const std::string& url, std::string body) {
    auto request = get(url);
    request.method = "POST";
    request.body = std::move(body);
    return request;
}

using ClientUse = std::function<Task<>(HttpsClient&)>;

inline Task<> use_client(HttpsClientOptions options, ClientUse use) {
    SystemClock clock;
    HttpsClient client(clock, std::move(options));
    co_await use(client);
}

// Runs `use` with a client of its own, which is gone before the event loop is.
inline void with_client(HttpsClientOptions options, ClientUse use) {
    run_task(use_client(std::move(options), std::move(use)));
}

// The Problem of one request.
inline Problem problem_of_request(HttpRequest request, HttpsClientOptions options = client_options()) {
    return problem_from(
        use_client(std::move(options), [&](HttpsClient& client) -> Task<> { co_await client.send(request); }));
}

}  // namespace certd::test
