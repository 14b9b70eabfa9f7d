// An ACME server as a state machine, for tests: strict about what it is asked (RFC 8555), with knobs for everything a
// CA may do late, wrongly or with ill will. It sits behind Transport, in virtual time or real; answer() is without I/O
// and can be put behind a real socket.
#pragma once

#include "libacme/net/transport.hpp"
#include "libacme/protocol/session.hpp"
#include "tests/support/fake_ca_authority.hpp"

#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace certd::test {

using acme::RequestKind;

// What happens to one exchange instead of the ordinary.
struct Fault {
    enum class Kind {
        respond,  // `response` instead of processing the request
        lose,     // the request is processed, its answer never arrives (net.closed)
        refuse,   // no connection (net.connect)
        hang      // no answer either, and the connection stays open
    };
    Kind kind = Kind::respond;
    HttpResponse response;
};

struct FakeCaOptions {
    std::string host = "ca.test";
    std::uint16_t port = 443;
    std::uint64_t seed = 1;
    Duration latency{};             // of every exchange through send()
    bool verify_signatures = true;  // false: saves the time in long simulations
};

// What a validation by DNS is about.
struct FakeCaProof {
    Identifier name;  // without "*."
    bool wildcard = false;
    std::string type, account_url, key_authorization;
};

struct FakeCaKnobs {
    // Nonces (F01–F03)
    int nonce_rejections_percent = 0;
    int reject_next_nonces = 0;
    std::optional<std::string> nonce_of_rejections;  // Replay-Nonce of badNonce answers; "" for none

    // Accounts
    std::string terms_of_service;
    bool terms_changed = false;  // userActionRequired for every order (F14)
    std::string instance;        // of that userActionRequired: a page for people
    bool external_account_required = false;
    std::map<std::string, Bytes> external_keys;  // by kid; each is good for one account

    bool lists_orders = false;  // the account names its list, of orders_per_page each
    std::size_t orders_per_page = 3;
    bool orders_run_in_circles = false;

    // What a preflight asks about
    std::vector<std::string> caa_identities;
    Duration clock_error{};  // of the Date it sends (F43)

    // Orders
    std::set<std::string> paused_names;  // refused in words only, with the page
    std::string unpause_page = "https://ca.test/unpause?jwt=abc.def";
    bool unavailable = false;      // nothing connects
    bool ready_on_arrival = true;  // an order whose authorizations are all valid is born `ready`
    int reuse_percent = 0;         // of valid authorizations
    Duration authorization_lifetime = days(30);
    Duration order_lifetime = days(7);
    std::map<std::string, std::string> profiles;        // advertised
    std::set<std::string> refused_profiles;             // invalidProfile although advertised
    std::set<std::string> rejected_names;               // rejectedIdentifier with a subproblem each
    int order_limit = std::numeric_limits<int>::max();  // newOrders per account within order_window (F09)
    Duration order_window = hours(3);
    int orders_not_ready = 0;  // finalize requests answered with orderNotReady (F11)

    // Slowness (F07, F08)
    int validation_polls = 0;  // polls of an authorization that find it pending
    Duration validation_time{};
    int issuance_polls = 0;  // polls of an order that find it processing
    Duration issuance_time{};
    bool valid_at_finalize = false;        // finalize answers with the valid order
    std::vector<std::string> retry_after;  // header values on answers about what is in progress

    // Challenges
    std::vector<std::string> challenge_types{"http-01", "dns-01", "tls-alpn-01"};
    std::optional<std::string> token;  // hostile ones (S2, S3)
    // Whether a challenge's answer is found; unset: always.
    std::function<bool(const Identifier&, const std::string& type, const std::string& token,
                       const std::string& key_authorization)>
        validate;
    // The same for challenges by DNS, with the account; unset: `validate` decides.
    std::function<bool(const FakeCaProof& proof)> validate_dns;
    std::vector<std::string> issuers{"ca.test"};  // of dns-persist-01
    std::optional<std::string> persist_account;   // its accounturi; unset: the account's URL

    // Certificates (F12, F13)
    Duration certificate_lifetime = days(90);
    CertificateFault certificate_fault = CertificateFault::none;
    std::string crl_url;  // the distribution point in what is issued from now on
    int alternates = 0;
    AlternateFault alternate_fault = AlternateFault::none;

    // Renewal information (F17, F18, S23)
    bool renewal_info = false;                              // offered by the directory
    std::optional<std::pair<Time, Time>> renewal_window;    // unset: 2 % of the life around 2/3 of it
    std::optional<std::string> renewal_body;                // in place of the document
    std::vector<std::string> renewal_retry_after{"21600"};  // header values
    std::string explanation_url;
    bool refuse_replaces = false;            // as if no predecessor were known
    bool limit_spares_replacements = false;  // orders that replace do not count (acme-facts §7.1)

    // Changes any answer on its way out: hostile URLs, links, states, garbage (F10, F15, F16, F21, F22).
    std::function<void(RequestKind kind, HttpResponse& response)> tamper;
    // Decides about the n-th exchange, counted from 1.
    std::function<std::optional<Fault>(std::size_t number, RequestKind kind)> intercept;
};

class FakeCa final : public Transport {
   public:
    explicit FakeCa(Clock& clock, FakeCaOptions options = {});
    ~FakeCa() override;

    FakeCaKnobs knobs;

    Url directory_url() const;
    Task<HttpResponse> send(HttpRequest request) override;

    struct Answer {
        Fault::Kind kind = Fault::Kind::respond;  // lose and refuse: close the connection without an answer
        HttpResponse response;
    };
    Answer answer(const HttpRequest& request);

    // One-off faults for the next requests of a kind, used up in order.
    void fail_next(RequestKind kind, HttpResponse response, int times = 1);
    void lose_response(RequestKind kind, int times = 1);

    void forget_everything();  // F05: accounts, orders, nonces
    void deactivate_accounts();
    void break_authorizations();  // every valid one becomes invalid: the next order validates again

    struct Exchange {
        RequestKind kind;
        int status;
        Time at;
        std::string url;
    };
    const std::vector<Exchange>& log() const;
    std::size_t count(RequestKind kind) const;
    void clear_log();
    // Every request that broke RFC 8555's rules for clients; empty at the end of each test.
    const std::vector<std::string>& violations() const;

    std::size_t accounts() const;
    std::size_t orders() const;
    std::size_t certificates() const;
    std::size_t pending_authorizations() const;
    // What each order said it replaces, "" for nothing; in the order of their arrival.
    std::vector<std::string> replaces() const;
    // The reasons given for revoked certificates, -1 where none was given.
    std::vector<int> revocations() const;
    std::vector<std::string> contacts(std::size_t account) const;
    std::vector<std::string> profiles_ordered() const;  // of each order, "" where none was asked for

   private:
    struct State;
    std::unique_ptr<State> state_;
};

// A problem document of an ACME type ("rateLimited"), or of any other when it contains a colon.
HttpResponse problem_answer(int status, const std::string& type, const std::string& detail = {});

}  // namespace certd::test
