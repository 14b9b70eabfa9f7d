// The base flow of RFC 8555 §7.4 from names to a checked certificate, resumable after a crash at any point.
#pragma once

#include "libacme/crypto/certificate.hpp"
#include "libacme/protocol/session.hpp"
#include "libacme/protocol/solver.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace certd::acme {

// The order in progress, as it must be on disk before the next step is taken (acme-facts C1, C14).
struct OrderRecord {
    std::string ca;
    std::string directory_url;
    std::string account_url;
    std::vector<Identifier> names;
    KeyType key_type = KeyType::ecdsa_p256;
    std::string profile;  // as it was asked for; empty: none
    std::string key_pem;  // empty: the operator has the key
    Bytes csr_der;
    std::string order_url;  // empty until the CA answered newOrder
    Time created;
    std::optional<Time> key_created;  // unset: not known
    // PEM of the chains it led to, the chosen one first, while the version still waits for other certificates.
    std::vector<std::string> chains;
};

// A key that was in use before.
struct KnownKey {
    std::string pem;
    Time created;
};

struct IssueRequest {
    std::vector<Identifier> names;
    KeyType key_type = KeyType::ecdsa_p256;
    // Common name of the topmost issuer, SHA-256 fingerprint of a certificate in it, or "shortest"; unmet: default
    // chain and a note.
    std::optional<std::string> preferred_chain;
    std::optional<std::string> profile;  // one the CA advertises; not advertised: its default and a note …
    bool profile_required = false;       // … or acme.invalidProfile before anything is ordered
    std::string previous_serial;
    std::string replaces;              // identifier of the predecessor, issued by this CA (RFC 9773 §5); empty: none
    Duration order_limit = hours(24);  // total time for one order, polls included
    std::optional<KnownKey> key = {};  // to be used again; unset: a new one is made
    Bytes csr_der = {};                // the operator's request for exactly `names`; empty: certd makes key and request
};

struct Issued {
    std::string key_pem;  // empty: the operator has the key
    std::optional<Time> key_created = {};
    Chain chain;                          // the one chosen
    std::vector<std::string> alternates;  // PEM of the other chains offered, the default first when another was chosen
    std::string order_url;
};

enum class IssueStep { ordering, authorizing, presenting, validating, finalizing, downloading };
std::string_view to_string(IssueStep step);

// A name that the CA will not certify as things are.
struct RefusedName {
    Identifier name;
    std::string way;  // the challenge type that failed; empty: it was refused before any was tried
    Problem problem;
};

struct IssueHooks {
    // Stores the record durably; throws Failure. Called with the key and CSR before newOrder and with the order URL
    // after it.
    std::function<Task<>(OrderRecord record)> journal;
    // Called before each newOrder, which the CA counts; throws Failure, and nothing is ordered. May be empty.
    std::function<Task<>()> ordering;
    // The solvers to try for an identifier in order of preference; empty when none is configured.
    std::function<std::vector<Solver*>(const Identifier& identifier, bool wildcard)> solvers;
    // Hears of each way of proof that did not lead to a valid authorization; may be empty.
    std::function<void(const std::string& challenge_type)> refused;
    // Hears, right before issue() fails, of the names that were at fault when nothing but names was. When it is set, an
    // order with a failed authorization is gone on with for a while, so that all that fail are heard of at once.
    std::function<void(std::vector<RefusedName> names)> names_refused = {};
    // Progress for people; `detail` is our text.
    std::function<void(IssueStep step, std::string detail)> progress;
};

// Issues, or goes on with `resume` when its order still can be finished (else the record is dropped and a new order
// placed). Every Failure of the flow becomes the Problem returned; only cancellation is thrown. Challenges are cleaned
// up in every case; an order given up has its pending authorizations deactivated when the CA answers.
Task<Result<Issued>> issue(Session& session, Workers& workers, IssueRequest request, std::optional<OrderRecord> resume,
                           IssueHooks hooks);

}  // namespace certd::acme
