// An authorization and its challenges (RFC 8555 §7.1.4, §7.1.5) as values, and the choice of a challenge.
#pragma once

#include "libacme/base/ids.hpp"
#include "libacme/protocol/session.hpp"
#include "libacme/protocol/solver.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace certd::acme {

enum class AuthorizationStatus { pending, valid, invalid, deactivated, expired, revoked, unknown };
AuthorizationStatus authorization_status_from(std::string_view text);
bool is_final(AuthorizationStatus status);  // `unknown` is not

// Read leniently: types of the future may lack a token (dns-persist-01) or have members of any form.
struct Challenge {
    std::string type;
    std::string url;  // not checked until the challenge is chosen
    std::string token;
    std::string status;
    std::optional<Problem> error;
    // Of dns-persist-01 (draft-ietf-acme-dns-persist-01 §3.1); untrusted text.
    std::vector<std::string> issuers;
    std::string account_uri;  // whose record will do; empty: the CA does not say
};

struct Authorization {
    Identifier identifier;  // lower case, without "*."
    bool wildcard = false;
    AuthorizationStatus status = AuthorizationStatus::unknown;
    std::optional<Time> expires;
    std::vector<Challenge> challenges;
    std::optional<Time> poll_again;
};

// Throws Failure(acme.badResponse).
Authorization read_authorization(const std::string& ca, const HttpResponse& response, Time now);
// The name of the order that an authorization is for; nullopt when it is for none of them.
std::optional<Identifier> ordered_name(const Authorization& authorization, std::span<const Identifier> names);

struct Choice {
    const Challenge* challenge;
    Solver* solver;
};
// The first solver in the order given that can answer one of the challenges offered.
std::optional<Choice> choose_challenge(const Authorization& authorization, std::span<Solver* const> solvers);
Problem no_challenge(const Authorization& authorization, std::span<Solver* const> solvers, const std::string& ca);

// RFC 8555 §8.1 and §11.3: base64url alphabet; checked before any file, record or listener sees the token.
bool is_valid_token(std::string_view token);
// Throws Failure(acme.badToken), and Failure(acme.badResponse) for a challenge that is for another account.
ChallengeTask make_challenge_task(const Authorization& authorization, const Challenge& challenge,
                                  const Session& session);

// Why an authorization ended other than valid, in the words of its failed challenge.
Problem validation_problem(const Authorization& authorization, const std::string& ca);

Task<Authorization> fetch_authorization(Session& session, Url url);
// §7.5.2 for each that is pending, so that it does not count against the account's limits. Best effort.
Task<> deactivate_pending(Session& session, std::vector<Url> authorizations);

}  // namespace certd::acme
