// Http01Exec: from a challenge to what the commands are told, and how often they are called.
#include "daemon/renew/http01_exec.hpp"

#include "libacme/base/bytes.hpp"
#include "libacme/base/problem.hpp"

#include <utility>

#include <fmt/format.h>

namespace certd {

using acme::ChallengeTask;

namespace {

constexpr std::size_t token_limit = 256;
constexpr mode_t usual_umask = 022;  // what a command writes is for a web server to read, and for everybody to see

// RFC 8738 §3 has addresses in brackets where they are part of a URL.
std::string url_of(const ChallengeTask& task) {
    const std::string& name = task.identifier.value;
    bool is_ipv6 = task.identifier.type == Identifier::Type::ip && name.find(':') != std::string::npos;
    return fmt::format("http://{}/.well-known/acme-challenge/{}", is_ipv6 ? "[" + name + "]" : name, task.token);
}

ChallengeFacts facts_of(ChallengeTask task) {
    ChallengeFacts facts;
    facts.place = url_of(task);
    facts.domain = std::move(task.identifier.value);
    facts.value = std::move(task.key_authorization);
    facts.token = std::move(task.token);
    facts.all_names = std::move(task.all_names);
    facts.remaining = task.remaining;
    return facts;
}

}  // namespace

Http01Exec::Http01Exec(Host& host, config::ChallengeCommands commands)
    : commands_(std::move(commands)),
      hook_(host, commands_, {"of the http-01 challenge", "type", "http-01", "url", "CERTD_URL", true, usual_umask}) {}

bool Http01Exec::can_solve(std::string_view type, const Identifier&, bool wildcard) const {
    return type == "http-01" && !wildcard;
}

Task<> Http01Exec::present(ChallengeTask task) {
    if (!is_base64url(task.token) || task.token.size() > token_limit)
        fail("acme.badToken", "Refused the challenge token for " + task.identifier.value, task.token);
    ++presented_[task.key_authorization];  // first: what fails half-way is cleaned up
    co_await hook_.present(facts_of(std::move(task)));
}

Task<> Http01Exec::wait_visible(ChallengeTask task) {
    if (presented_.contains(task.key_authorization)) co_await hook_.wait(facts_of(std::move(task)));
}

Task<> Http01Exec::wait_attempted(ChallengeTask) {
    co_return;
}  // whoever serves it has its own log

Task<> Http01Exec::clean_up(ChallengeTask task) {
    auto found = presented_.find(task.key_authorization);
    if (found == presented_.end() || --found->second > 0) co_return;
    presented_.erase(found);
    co_await hook_.cleanup(facts_of(std::move(task)));
}

}  // namespace certd
