// Authorizations: reading, choosing a challenge, and the requests about them.
#include "libacme/protocol/authorization.hpp"

#include "libacme/base/bytes.hpp"
#include "libacme/base/diagnosis.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>

namespace certd::acme {

namespace {

constexpr std::size_t most_challenges = 50;
constexpr std::size_t most_issuers = 20;  // that are kept; more than ten are refused by the solver
constexpr const char* dns_hint =
    "Check that all name servers of the zone, as the internet sees them, show the TXT records of _acme-challenge.NAME, "
    "and that its CNAME and DNSSEC are in order";
constexpr const char* other_dns_hint =
    "Check that all name servers of the zone, as the internet sees them, show the TXT records that `certctl check` "
    "names, and that their CNAMEs and DNSSEC are in order";

std::string name_of(const Authorization& authorization) {
    return (authorization.wildcard ? "*." : "") + escape_untrusted(authorization.identifier.value, 260);
}

Challenge read_challenge(const Json& json, const std::string& what) {
    Challenge challenge;
    challenge.type = json.string_or("type");
    challenge.url = json.string_or("url");
    challenge.token = json.string_or("token");
    challenge.status = json.string_or("status");
    challenge.issuers = json.strings("issuer-domain-names");
    if (challenge.issuers.size() > most_issuers) challenge.issuers.resize(most_issuers);
    challenge.account_uri = json.string_or("accounturi");
    if (const Json& error = json["error"]; error.is_object()) {
        challenge.error = problem_of_document(error, what + " by " + escape_untrusted(challenge.type, 40));
        // The catalogue's hints are about http-01, the usual one.
        bool unmet = challenge.error->kind == ProblemKind::validation && challenge.error->code != "acme.caa";
        if (challenge.type.starts_with("dns-") && unmet && !diagnose(*challenge.error))
            challenge.error->hint = challenge.type == "dns-01" ? dns_hint : other_dns_hint;
    }
    return challenge;
}

// RFC 8555 §7.1.4: the base name, with `wildcard` set; some CAs of old wrote "*." instead.
void read_identifier(const Json& document, Authorization& authorization) {
    const Json& json = document["identifier"];
    authorization.identifier.type = json.string_or("type") == "ip" ? Identifier::Type::ip : Identifier::Type::dns;
    std::string& value = authorization.identifier.value;
    value = lower_ascii(json.string_or("value"));
    authorization.wildcard = document.bool_or("wildcard");
    if (value.ends_with('.')) value.pop_back();
    if (value.starts_with("*.")) {
        authorization.wildcard = true;
        value.erase(0, 2);
    }
}

bool is_open(const Challenge& challenge) {
    return challenge.status != "invalid";
}

std::string list_of_types(const Authorization& authorization) {
    std::vector<std::string> types;
    for (const Challenge& challenge : authorization.challenges)
        types.push_back(escape_untrusted(challenge.type, 40));
    return types.empty() ? "nothing" : join(types, ", ");
}

Task<> deactivate(Session& session, Url url) {
    co_await session.post(RequestKind::authorization, std::move(url), Json::object({{"status", "deactivated"}}),
                          "Cannot deactivate an authorization at " + session.options().ca);
}

}  // namespace

AuthorizationStatus authorization_status_from(std::string_view text) {
    if (text == "pending") return AuthorizationStatus::pending;
    if (text == "valid") return AuthorizationStatus::valid;
    if (text == "invalid") return AuthorizationStatus::invalid;
    if (text == "deactivated") return AuthorizationStatus::deactivated;
    if (text == "expired") return AuthorizationStatus::expired;
    if (text == "revoked") return AuthorizationStatus::revoked;
    return AuthorizationStatus::unknown;
}

bool is_final(AuthorizationStatus status) {
    return status != AuthorizationStatus::pending && status != AuthorizationStatus::unknown;
}

Authorization read_authorization(const std::string& ca, const HttpResponse& response, Time now) {
    auto document = parse_json(response.body);
    if (!document || !document->is_object())
        fail("acme.badResponse", "The authorization of " + ca + " is not a JSON object");
    Authorization authorization;
    read_identifier(*document, authorization);
    const std::string* status = (*document)["status"].if_string();
    if (status == nullptr) fail("acme.badResponse", "The authorization of " + ca + " has no status");
    authorization.status = authorization_status_from(*status);
    authorization.expires = time_in(*document, "expires");
    if (authorization.expires && *authorization.expires < Time(days(366))) authorization.expires.reset();
    std::string what = ca + " could not validate " + name_of(authorization);
    if (const Json::Array* items = (*document)["challenges"].if_array()) {
        for (const Json& item : *items) {
            if (authorization.challenges.size() < most_challenges)
                authorization.challenges.push_back(read_challenge(item, what));
        }
    }
    authorization.poll_again = retry_after(response.headers, now);
    return authorization;
}

std::optional<Identifier> ordered_name(const Authorization& authorization, std::span<const Identifier> names) {
    Identifier plain = authorization.identifier;
    Identifier wild{Identifier::Type::dns, "*." + plain.value};
    auto ordered = [&](const Identifier& name) { return std::ranges::find(names, name) != names.end(); };
    if (!authorization.wildcard && ordered(plain)) return plain;
    if (plain.type == Identifier::Type::dns && ordered(wild)) return wild;
    return std::nullopt;
}

std::optional<Choice> choose_challenge(const Authorization& authorization, std::span<Solver* const> solvers) {
    for (Solver* solver : solvers) {
        for (const Challenge& challenge : authorization.challenges) {
            if (!is_open(challenge)) continue;
            if (solver->can_solve(challenge.type, authorization.identifier, authorization.wildcard))
                return Choice{&challenge, solver};
        }
    }
    return std::nullopt;
}

Problem no_challenge(const Authorization& authorization, std::span<Solver* const> solvers, const std::string& ca) {
    std::vector<std::string> configured;
    for (std::string type : {"http-01", "tls-alpn-01", "dns-01", "dns-account-01", "dns-persist-01"}) {
        auto solves = [&](const Solver* solver) {
            return solver->can_solve(type, authorization.identifier, authorization.wildcard);
        };
        if (std::ranges::any_of(solvers, solves)) configured.push_back(type);
    }
    std::string able =
        configured.empty() ? "no solver is configured that fits" : "configured: " + join(configured, ", ");
    return problem("acme.noChallenge", "No challenge for " + name_of(authorization) + " can be answered: " + ca +
                                           " offers " + list_of_types(authorization) + "; " + able);
}

bool is_valid_token(std::string_view token) {
    return token.size() <= 256 && is_base64url(token);
}

ChallengeTask make_challenge_task(const Authorization& authorization, const Challenge& challenge,
                                  const Session& session) {
    // The one type without a token: what proves the name does not change from order to order.
    bool by_record = challenge.type == "dns-persist-01";
    if (by_record && !challenge.account_uri.empty() && challenge.account_uri != session.account().url) {
        fail("acme.badResponse",
             "The dns-persist-01 challenge of " + session.options().ca +
                 " is for another account than the one that orders",
             challenge.account_uri);
    }
    if (!by_record && !is_valid_token(challenge.token)) {
        fail("acme.badToken",
             "Refused the challenge token of " + session.options().ca + " for " + name_of(authorization),
             challenge.token);
    }
    ChallengeTask task;
    task.identifier = authorization.identifier;
    task.wildcard = authorization.wildcard;
    task.type = challenge.type;
    task.account_url = session.account().url;
    task.issuers = challenge.issuers;
    if (by_record) return task;
    task.token = challenge.token;
    task.key_authorization = challenge.token + "." + session.thumbprint();
    return task;
}

Problem validation_problem(const Authorization& authorization, const std::string& ca) {
    auto failed = std::ranges::find_if(authorization.challenges,
                                       [](const Challenge& challenge) { return challenge.error.has_value(); });
    if (failed != authorization.challenges.end()) return *failed->error;
    return problem("acme.orderInvalid",
                   "The authorization of " + name_of(authorization) + " at " + ca + " is no longer usable");
}

Task<Authorization> fetch_authorization(Session& session, Url url) {
    std::string what = "Cannot fetch an authorization from " + session.options().ca;
    HttpResponse response =
        co_await session.post(RequestKind::authorization, std::move(url), std::nullopt, std::move(what));
    co_return read_authorization(session.options().ca, response, session.clock().now());
}

Task<> deactivate_pending(Session& session, std::vector<Url> authorizations) {
    try {
        for (const Url& url : authorizations) {
            Authorization authorization = co_await fetch_authorization(session, url);
            if (authorization.status == AuthorizationStatus::pending) co_await deactivate(session, url);
        }
    } catch (const Failure&) {
        // They expire by themselves; a CA that refuses one is not asked for the others.
    }
}

}  // namespace certd::acme
