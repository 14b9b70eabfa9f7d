// The fake CA's authorizations and challenges, and how they are decided.
#include "tests/support/fake_ca_state.hpp"

#include <algorithm>

namespace certd::test {

std::size_t FakeCa::State::authorization_for(std::size_t account, const Identifier& name) {
    Identifier plain = name;
    if (name.is_wildcard()) plain.value.erase(0, 2);
    auto reusable = valid_authorization.find({account, plain, name.is_wildcard()});
    if (reusable != valid_authorization.end() && chance(knobs().reuse_percent)) {
        AuthorizationEntry& entry = authorizations[reusable->second];
        settle(entry, false);
        if (entry.status == "valid") return reusable->second;
    }
    AuthorizationEntry entry;
    entry.number = authorizations.size();
    entry.account = account;
    entry.identifier = plain;
    entry.wildcard = name.is_wildcard();
    entry.expires = clock.now() + knobs().authorization_lifetime;
    std::string token = new_token();
    for (const std::string& type : knobs().challenge_types) {
        if (entry.wildcard && !type.starts_with("dns")) continue;
        ChallengeEntry challenge;
        challenge.type = type;
        // dns-persist-01 has none: its record is the same for every order.
        if (type != "dns-persist-01") challenge.token = token;
        entry.challenges.push_back(std::move(challenge));
    }
    authorizations.push_back(std::move(entry));
    return authorizations.size() - 1;
}

AuthorizationEntry& FakeCa::State::authorization_of(const Request& request) {
    if (request.route.numbers.empty() || request.route.numbers[0] >= authorizations.size()) {
        refuse(404, "malformed", "no such authorization");
    }
    AuthorizationEntry& entry = authorizations[request.route.numbers[0]];
    if (entry.account != request.account->number) refuse(403, "unauthorized", "another account's authorization");
    return entry;
}

HttpResponse FakeCa::State::authorization(Request& request) {
    AuthorizationEntry& entry = authorization_of(request);
    if (!request.payload.empty()) {
        if (request.json != Json::object({{"status", "deactivated"}}))
            violation("an authorization can only be deactivated");
        entry.status = "deactivated";
    }
    settle(entry, true);
    HttpResponse response = json_answer(200, authorization_json(request.route.numbers[0]));
    if (entry.status == "pending") add_retry_after(response);
    return response;
}

HttpResponse FakeCa::State::challenge(Request& request) {
    AuthorizationEntry& entry = authorization_of(request);
    if (request.route.numbers.size() < 2 || request.route.numbers[1] >= entry.challenges.size())
        refuse(404, "malformed", "no such challenge");
    // RFC 8555 §7.5.1: an object without members; the empty payload would only fetch the challenge.
    if (request.payload != "{}") violation("a challenge is answered with {}");
    ChallengeEntry& challenge = entry.challenges[request.route.numbers[1]];
    if (entry.status != "pending") refuse(400, "malformed", "the authorization is " + entry.status);
    if (challenge.status == "pending") {
        challenge.status = "processing";
        entry.decided_at = clock.now() + knobs().validation_time;
        entry.polls_left = knobs().validation_polls;
        validate(entry, challenge);
    }
    HttpResponse response = json_answer(200, challenge_json(request.route.numbers[0], request.route.numbers[1]));
    response.headers.add("Link", "<" + url("authz", request.route.numbers[0]) + ">;rel=\"up\"");
    return response;
}

void FakeCa::State::validate(AuthorizationEntry& entry, ChallengeEntry& challenge) {
    const AccountEntry& account = accounts[entry.account];
    if (challenge.type.starts_with("dns-") && knobs().validate_dns) {
        challenge.outcome = knobs().validate_dns({entry.identifier, entry.wildcard, challenge.type, account.url,
                                                  challenge.token + "." + account.key.thumbprint()});
        return;
    }
    std::string key_authorization = challenge.token + "." + account.key.thumbprint();
    challenge.outcome =
        !knobs().validate || knobs().validate(entry.identifier, challenge.type, challenge.token, key_authorization);
}

void FakeCa::State::settle(AuthorizationEntry& entry, bool polled) {
    if ((entry.status == "pending" || entry.status == "valid") && entry.expires <= clock.now())
        entry.status = "expired";
    if (entry.status != "pending") return;
    auto working = std::ranges::find(entry.challenges, "processing", &ChallengeEntry::status);
    if (working == entry.challenges.end() || clock.now() < entry.decided_at) return;
    if (entry.polls_left > 0) {
        if (polled) --entry.polls_left;
        return;
    }
    entry.status = working->status = working->outcome ? "valid" : "invalid";
    if (working->outcome) {
        valid_authorization[{entry.account, entry.identifier, entry.wildcard}] = entry.number;
    } else {
        working->error = Json::object({{"type", "urn:ietf:params:acme:error:unauthorized"},
                                       {"detail", "The answer for " + entry.identifier.value + " was wrong"},
                                       {"status", 403}});
    }
}

Json FakeCa::State::challenge_json(std::size_t authorization, std::size_t index) const {
    const ChallengeEntry& challenge = authorizations[authorization].challenges[index];
    Json json = Json::object({{"type", challenge.type},
                              {"url", url("chall", authorization) + "/" + std::to_string(index)},
                              {"status", challenge.status}});
    if (challenge.type == "dns-persist-01") {
        Json issuers = Json::array();
        for (const std::string& issuer : knobs().issuers)
            issuers.push(issuer);
        json.set("issuer-domain-names", std::move(issuers));
        json.set("accounturi", knobs().persist_account.value_or(accounts[authorizations[authorization].account].url));
    } else {
        json.set("token", challenge.token);
    }
    if (challenge.error.is_object()) json.set("error", challenge.error);
    return json;
}

Json FakeCa::State::authorization_json(std::size_t number) const {
    const AuthorizationEntry& entry = authorizations[number];
    Json challenges = Json::array();
    for (std::size_t i = 0; i < entry.challenges.size(); ++i)
        challenges.push(challenge_json(number, i));
    // A type of the future without a token must not disturb anybody (acme-facts §3.6).
    challenges.push(Json::object({{"type", "future-01"}, {"url", 7}, {"status", "pending"}}));
    Json json = Json::object({{"identifier", identifier_json(entry.identifier)},
                              {"status", entry.status},
                              {"expires", format_rfc3339(entry.expires)},
                              {"challenges", std::move(challenges)}});
    if (entry.wildcard) json.set("wildcard", true);
    return json;
}

}  // namespace certd::test
