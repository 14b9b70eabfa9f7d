// One CA as certd talks to it: directory, nonces and the account's key. Shared by all renewals that use this CA.
#pragma once

#include "libacme/async/clock.hpp"
#include "libacme/async/offload.hpp"
#include "libacme/base/json.hpp"
#include "libacme/crypto/key.hpp"
#include "libacme/net/transport.hpp"
#include "libacme/protocol/directory.hpp"
#include "libacme/protocol/polling.hpp"
#include "libacme/protocol/problem_document.hpp"
#include "libacme/protocol/signed_request.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace certd::acme {

// Revocation reasons of RFC 5280 §5.3.1 that a subscriber may give.
enum class RevocationReason {
    unspecified = 0,
    key_compromise = 1,
    affiliation_changed = 3,
    superseded = 4,
    cessation_of_operation = 5
};

struct Account {  // what must survive a restart; the URL is the identity, byte-exact
    std::string url;
    std::string terms_of_service;      // the URL agreed to
    std::vector<std::string> contact;  // as it was last sent: "mailto:…"
};

// What an exchange was for; label of metrics and of the benchmark's request counts.
enum class RequestKind {
    directory,
    new_nonce,
    new_account,
    account,
    new_order,
    order,
    authorization,
    challenge,
    finalize,
    certificate,
    revoke,
    key_change,
    renewal_info
};
std::string_view to_string(RequestKind kind);

struct SessionOptions {
    std::string ca;  // its configured name, for messages
    Url directory;
    std::string user_agent;  // empty: the transport sends its own, as HttpsClient does
    Duration directory_lifetime = hours(24);
    int bad_nonce_tries = 10;
    // Called after each exchange; status 0 when there was no response.
    std::function<void(RequestKind kind, int status, Duration took)> on_request;
    // Round trip by which polls are paced; unset: the shortest pace, first poll after 5 ms.
    std::function<Duration()> round_trip;
};

class Session {
   public:
    Session(SessionOptions options, Transport& transport, Clock& clock);
    ~Session();

    const SessionOptions& options() const;
    Clock& clock();
    Task<Directory> directory();  // cached for directory_lifetime
    // Asks the CA anew, by newNonce, which nobody may keep for later (RFC 8555 §7.2). How far this machine's clock is
    // ahead of the CA's, to a second; nullopt when the answer has no date.
    Task<std::optional<Duration>> clock_ahead();
    // As it was last seen, however long ago; nullptr before the first fetch.
    const Directory* known_directory() const;

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
        std::optional<ExternalBinding> external = {};  // §7.3.4; usually good for one account only
    };
    Task<Account> find_or_create_account(const PrivateKey& key, AccountRequest request);

    // §7.3.2: replaces the contacts of the account in use.
    Task<> update_contacts(std::vector<std::string> contacts);
    // §7.3.6: for ever. The session has no account afterwards.
    Task<> deactivate_account();
    // §7.3.5: the account in use gets `new_key`, by which the session signs afterwards.
    Task<> change_key(PrivateKey new_key);
    // §7.6, signed by the account in use. A certificate that was revoked before is no failure.
    Task<> revoke(Bytes certificate_der, RevocationReason reason);
    // The same signed by the certificate's own key, without need of an account; Let's Encrypt takes it for the report
    // of a compromised key, whatever the reason. `key` outlives the call.
    Task<> revoke_by_key(Bytes certificate_der, RevocationReason reason, const PrivateKey& key);

    // A signed POST with the account's kid; an empty optional payload is POST-as-GET, which is sent once more when the
    // exchange broke off. Retries badNonce with that response's nonce. Throws ErrorResponse for any status outside 2xx,
    // Failure otherwise.
    Task<HttpResponse> post(RequestKind kind, Url url, std::optional<Json> payload, std::string what);
    // A plain GET, for the one resource besides directory and newNonce that has no need of an account (RFC 9773 §4.1).
    // Throws as post() does.
    Task<HttpResponse> get(RequestKind kind, Url url, std::string what);
    // A URL the CA handed out: https, an allowed host and port (faults S4, S18). Problem acme.badUrl.
    Result<Url> server_url(std::string_view text, std::string_view what) const;
    // The same for a Location or Link, which may be relative to the URL it was the answer of.
    Result<Url> server_url(std::string_view reference, const Url& base, std::string_view what) const;

    const std::string& thumbprint() const;  // of the account key (RFC 8555 §8.1)
    Duration round_trip() const;
    AttemptWatch& attempts();

   private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace certd::acme
