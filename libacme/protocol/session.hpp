// One CA as certd talks to it: directory, nonces and the account's key. Shared by all renewals that use this CA.
#pragma once

#include "libacme/async/clock.hpp"
#include "libacme/async/offload.hpp"
#include "libacme/base/json.hpp"
#include "libacme/crypto/key.hpp"
#include "libacme/net/transport.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace certd::acme {

struct Directory {  // RFC 8555 §7.1.1; unknown members are ignored, null members are absent
    Url new_nonce, new_account, new_order;
    std::optional<Url> new_authz, revoke_cert, key_change, renewal_info;
    std::string terms_of_service;  // untrusted text
    std::string website;
    std::vector<std::string> caa_identities;
    bool external_account_required = false;
    std::vector<std::pair<std::string, std::string>> profiles;
};

struct Account {  // what must survive a restart; the URL is the identity, byte-exact
    std::string url;
    std::string terms_of_service;  // the URL agreed to
    std::vector<std::string> contact;
};

// What an exchange was for; label of metrics and of the benchmark's request counts.
enum class RequestKind { directory, new_nonce, new_account, account, new_order, order, authorization, challenge, finalize, certificate, revoke, key_change, renewal_info };
std::string_view to_string(RequestKind kind);

struct SessionOptions {
    std::string ca;              // its configured name, for messages
    Url directory;
    std::string user_agent;
    Duration directory_lifetime = hours(24);
    int bad_nonce_tries = 10;
    // Called after each exchange; status 0 when there was no response.
    std::function<void(RequestKind kind, int status, Duration took)> on_request;
    // Round trip by which polls are paced; unset: 5 ms.
    std::function<Duration()> round_trip;
};

// Problem of an error response: RFC 7807 document with ACME type, subproblems and Retry-After, or whatever came instead.
Problem problem_of_response(const HttpResponse& response, std::string what, Time now);

class Session {
   public:
    Session(SessionOptions options, Transport& transport, Clock& clock);
    ~Session();

    const SessionOptions& options() const;
    Clock& clock();
    Task<Directory> directory();  // cached for directory_lifetime

    // The account to sign with from now on. The key is owned by the session.
    void use_account(PrivateKey key, Account account);
    bool has_account() const;
    const Account& account() const;
    const PrivateKey& account_key() const;

    // newAccount (RFC 8555 §7.3) with `key`; with only_existing a missing account is acme.accountDoesNotExist.
    struct AccountRequest {
        std::vector<std::string> contact;  // "mailto:…"
        bool agree_terms = false;
        bool only_existing = false;
    };
    Task<Account> find_or_create_account(const PrivateKey& key, AccountRequest request);

    // A signed POST with the account's kid; an empty optional payload is POST-as-GET. Retries badNonce with that response's
    // nonce. Throws Failure for any status outside 2xx.
    Task<HttpResponse> post(RequestKind kind, Url url, std::optional<Json> payload, std::string what);
    // A URL the CA handed out: https, an allowed host and port (faults S4, S18). Problem acme.badUrl.
    Result<Url> server_url(std::string_view text, std::string_view what) const;

   private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace certd::acme
