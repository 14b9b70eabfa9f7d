// What the fake CA remembers, and the resources made from it. Internal to fake_ca*.cpp.
#pragma once

#include "tests/support/fake_ca.hpp"
#include "tests/support/jws_verifier.hpp"

#include <random>

namespace certd::test {

struct AccountEntry {
    std::size_t number;
    std::string url;
    std::string status = "valid";
    Json contact;
    JwkPublicKey key;
    std::deque<Time> recent_orders;
};

struct ChallengeEntry {
    std::string type, token;
    std::string status = "pending";
    Json error;
    bool outcome = false;  // of the validation, known before it is shown
};

struct AuthorizationEntry {
    std::size_t number;
    std::size_t account;
    Identifier identifier;  // without "*."
    bool wildcard = false;
    std::string status = "pending";
    Time expires;
    std::vector<ChallengeEntry> challenges;
    Time decided_at;
    int polls_left = 0;
};

struct OrderEntry {
    std::size_t account;
    std::vector<Identifier> names;
    std::vector<std::size_t> authorizations;
    std::string status = "pending";
    Time expires;
    Time issued_at;
    int polls_left = 0;
    std::optional<std::size_t> certificate;
    std::string replaces;
    std::string profile;
};

struct CertificateEntry {
    std::size_t account;
    Certificate leaf;
    Certificate other_leaf;  // for AlternateFault::other_leaf
    bool replaced = false;
    Time next_poll = Time::min();     // of its renewal information, at the earliest
    std::optional<int> revoked = {};  // the reason, -1 for none
};

// "/authz/7/2" → {"authz", {7, 2}}.
struct Route {
    std::string name;
    std::vector<std::size_t> numbers;
};
Route route_of(std::string_view target);

// A verified request.
struct Request {
    Route route;
    std::string url;
    AccountEntry* account = nullptr;      // by kid
    std::optional<JwkPublicKey> new_key;  // by jwk
    std::string payload;
    Json json;  // the payload parsed; null for POST-as-GET
};

// Thrown by handlers and turned into the answer.
struct Refusal {
    HttpResponse response;
};
[[noreturn]] void refuse(int status, const std::string& type, const std::string& detail = {});

struct FakeCa::State {
    State(FakeCa& owner_ca, Clock& ca_clock, FakeCaOptions ca_options);

    FakeCa& owner;
    Clock& clock;
    FakeCaOptions options;
    std::mt19937_64 random;

    std::set<std::string> nonces;
    std::deque<std::string> nonce_order;
    std::uint64_t next_nonce = 0;

    std::deque<AccountEntry> accounts;
    std::map<std::string, std::size_t> account_of_thumbprint;
    std::deque<AuthorizationEntry> authorizations;
    std::map<std::tuple<std::size_t, Identifier, bool>, std::size_t> valid_authorization;
    std::deque<OrderEntry> orders;
    std::deque<CertificateEntry> certificates;
    std::map<std::string, std::size_t> certificate_of_id;
    std::map<std::vector<Identifier>, Bytes> last_serial;
    std::set<std::string> spent_bindings;
    std::size_t epoch = 0;  // numbers begin anew after forget_everything, URLs must not

    std::vector<Exchange> log;
    std::vector<std::string> violations;
    std::map<RequestKind, std::deque<Fault>> one_off;

    FakeCaKnobs& knobs() const { return owner.knobs; }
    std::string base() const;
    std::string url(const std::string& name, std::size_t number) const;
    bool chance(int percent) { return percent > 0 && static_cast<int>(random() % 100) < percent; }
    std::string new_nonce();
    void remember(std::string nonce);
    std::string new_token();

    // Rules for signed requests: fake_ca.cpp
    HttpResponse process(RequestKind kind, const HttpRequest& request);
    Request verify(RequestKind kind, const HttpRequest& request, const Route& route);
    void check_nonce(const Jws& jws);
    void violation(const std::string& what);

    // Resources: fake_ca_resources.cpp, fake_ca_validation.cpp, fake_ca_issuance.cpp, fake_ca_renewal.cpp
    HttpResponse directory() const;
    HttpResponse dispatch(RequestKind kind, Request& request);
    HttpResponse new_account(Request& request);
    HttpResponse account(Request& request);
    HttpResponse order_list(const Request& request) const;
    HttpResponse key_change(Request& request);
    HttpResponse revoke(Request& request);
    void check_binding(const Request& request);
    HttpResponse new_order(Request& request);
    HttpResponse order(Request& request);
    HttpResponse authorization(Request& request);
    HttpResponse challenge(Request& request);
    HttpResponse finalize(Request& request);
    HttpResponse certificate(Request& request);
    HttpResponse renewal_info(const HttpRequest& request);

    std::vector<Identifier> ordered_names(const Json& payload);
    void check_rejected(const std::vector<Identifier>& names) const;
    void check_paused(const std::vector<Identifier>& names) const;
    void count_order(AccountEntry& account);
    void check_replaces(const std::string& id, std::size_t account, const std::vector<Identifier>& names);
    void note_replaced(const OrderEntry& order);
    std::size_t authorization_for(std::size_t account, const Identifier& name);
    void settle(AuthorizationEntry& entry, bool polled);
    void settle(OrderEntry& entry, bool polled);
    void validate(AuthorizationEntry& entry, ChallengeEntry& challenge);
    std::size_t issue(const OrderEntry& order, Bytes public_key_der);
    Json order_json(std::size_t number) const;
    Json authorization_json(std::size_t number) const;
    Json challenge_json(std::size_t authorization, std::size_t index) const;
    void add_retry_after(HttpResponse& response) const;
    OrderEntry& order_of(const Request& request);
    AuthorizationEntry& authorization_of(const Request& request);
};

HttpResponse json_answer(int status, const Json& json);
Json identifier_json(const Identifier& name);
bool only_members(const Json& json, std::initializer_list<std::string_view> allowed);
void must_be_empty(const Request& request);  // POST-as-GET

}  // namespace certd::test
