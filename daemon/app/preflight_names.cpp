// Looks at each name as a CA would, as far as that is possible from here.
#include "daemon/app/preflight_names.hpp"

#include "daemon/app/visit.hpp"
#include "daemon/dns/name_servers.hpp"
#include "daemon/lineage/challenge_order.hpp"
#include "libacme/async/timeout.hpp"
#include "libacme/base/text.hpp"
#include "libacme/crypto/digest.hpp"
#include "libacme/protocol/concurrently.hpp"

#include <set>

#include <fmt/format.h>

namespace certd {

using api::CheckFinding;
using Findings = std::vector<CheckFinding>;

namespace {

constexpr std::size_t names_at_once = 8;
constexpr Duration resolver_limit = seconds(2);  // of one question to one server
constexpr Duration look_up_limit = seconds(20);  // of all questions about one name
constexpr Duration rehearsal_limit = seconds(30);
constexpr Duration dns_rehearsal_limit = minutes(3);      // DNS has to carry the record to all servers
constexpr Duration command_rehearsal_limit = minutes(6);  // more than commands have by themselves
constexpr Duration clean_up_limit = seconds(30);

bool needs_address(const std::string& method) {
    return method == "http-01" || method == "tls-alpn-01";
}

// `challenge` with `method` as its only way.
config::Challenge only(const config::Challenge& challenge, const std::string& method) {
    config::Challenge single;
    if (method == "http-01") single.http01 = challenge.http01;
    if (method == "dns-01") single.dns01 = challenge.dns01;
    if (method == "tls-alpn-01") single.tls_alpn01 = challenge.tls_alpn01;
    if (method == "dns-account-01") single.dns_account01 = challenge.dns_account01;
    if (method == "dns-persist-01") single.dns_persist01 = challenge.dns_persist01;
    single.order = {method};
    return single;
}

// Who changes the record of `method`; null when it has none that certd changes.
std::shared_ptr<const config::DnsProvider> provider_of(const config::Challenge& challenge, const std::string& method) {
    if (method == "dns-01" && challenge.dns01) return challenge.dns01->provider;
    if (method == "dns-account-01" && challenge.dns_account01) return challenge.dns_account01->provider;
    return nullptr;
}

bool by_commands(const config::Challenge& challenge, const std::string& method) {
    return method == "http-01" && challenge.http01 && challenge.http01->exec;
}

Duration limit_of_rehearsal(bool by_dns, bool commands) {
    if (by_dns) return dns_rehearsal_limit;
    return commands ? command_rehearsal_limit : rehearsal_limit;
}

std::string presented_text(bool by_dns, bool commands) {
    if (by_dns) return "a challenge record can be put in place and is shown by all name servers";
    return commands ? "the commands that put a challenge response in place and take it away did well"
                    : "a challenge response can be presented and is answered from here";
}

std::string servers_text(const std::vector<dns::NameServer>& servers) {
    std::vector<std::string> texts;
    for (const dns::NameServer& server : servers)
        texts.push_back(escape_untrusted(server.name, 260));
    return join(texts, ", ");
}

class NameChecks {
   public:
    NameChecks(Engine& engine, const config::Lineage& spec, std::vector<CaSight> cas, dns::Resolver resolver)
        : engine_(engine), spec_(spec), cas_(std::move(cas)), resolver_(std::move(resolver)), caa_(resolver_) {}

    Task<Findings> run();

   private:
    struct Named {
        Identifier name;
        std::vector<std::string> methods;
        std::set<std::string> rehearsed;  // methods whose answer is put in place for real
        Findings found;
    };
    void choose_rehearsals();
    Task<> check(Named& named);
    Task<> look_up(Named& named, std::vector<std::string>& addresses);
    Task<> look_up_caa(Named& named);
    Task<CheckFinding> prove(const Named& named, std::string method, std::vector<std::string> addresses,
                             std::optional<CheckFinding>& reach);
    Task<CheckFinding> preview(const Named& named, std::string method,
                               std::shared_ptr<const config::DnsProvider> provider);
    Task<CheckFinding> look_for_record(const Named& named, config::DnsPersist01 options);
    acme::ChallengeTask task_for(const Identifier& name, const std::string& method) const;

    Engine& engine_;
    const config::Lineage& spec_;
    std::vector<CaSight> cas_;
    dns::Resolver resolver_;
    dns::CaaLookup caa_;
    std::optional<Problem> silent_;  // no resolver answers: no name is looked up any more
    std::vector<Named> names_;
};

Task<Findings> NameChecks::run() {
    for (const Identifier& name : spec_.names) {
        Named named;
        named.name = name;
        for (const std::string& method : challenge_order(config::challenge_for(spec_, name), {})) {
            for (acme::Solver* solver : engine_.solvers.solvers(only(config::challenge_for(spec_, name), method))) {
                if (solver->can_solve(method, name, name.is_wildcard())) named.methods.push_back(method);
            }
        }
        names_.push_back(std::move(named));
    }
    choose_rehearsals();
    // The first alone, so that resolvers that do not answer are waited for once.
    co_await check(names_.front());
    co_await acme::for_each_concurrently(names_.size() - 1, names_at_once,
                                         [this](std::size_t i) { return check(names_[i + 1]); });
    Findings all;
    if (silent_) {
        all.push_back(warning("dns.resolvers", "Addresses and CAA records were not looked at: " + describe(*silent_),
                              "Check /etc/resolv.conf, or name other servers in `resolvers`"));
    }
    for (Named& named : names_) {
        for (CheckFinding& finding : named.found)
            all.push_back(about(named.name, std::move(finding)));
    }
    co_return all;
}

// Answers over HTTP and TLS are tried for every name, since each may lead elsewhere; DNS records for one
// name per provider. An acme-dns server keeps two values only: a third would push out one that an order waits for.
void NameChecks::choose_rehearsals() {
    std::set<std::pair<std::string, std::string>> tried;
    for (Named& named : names_) {
        for (const std::string& method : named.methods) {
            auto provider = provider_of(config::challenge_for(spec_, named.name), method);
            if (provider && std::holds_alternative<config::DnsAcmeDns>(provider->kind)) continue;
            if (!provider || tried.insert({method, provider->name}).second) named.rehearsed.insert(method);
        }
    }
}

Task<> NameChecks::check(Named& named) {
    std::vector<std::string> addresses;
    if (named.name.type == Identifier::Type::ip) {
        addresses.push_back(named.name.value);
    } else {
        std::optional<Problem> late;
        try {
            co_await with_timeout(engine_.seams.clock, look_up_limit, "net.timeout",
                                  "Looking up " + named.name.value + " took too long", look_up(named, addresses));
        } catch (const Failure& failure) {
            late = failure.problem();
        }
        if (late) named.found.push_back(warning("name.address", describe(*late), late->hint));
    }
    if (named.methods.empty()) {
        named.found.push_back(
            blocked("challenge", problem("acme.noChallenge", "No solver is configured that could prove it")));
    }
    Findings ways, reached;
    for (const std::string& method : named.methods) {
        std::optional<CheckFinding> reach;
        ways.push_back(co_await prove(named, method, addresses, reach));
        if (reach) reached.push_back(std::move(*reach));
    }
    soften(ways);
    std::ranges::move(ways, std::back_inserter(named.found));
    std::ranges::move(reached, std::back_inserter(named.found));
}

Task<> NameChecks::look_up(Named& named, std::vector<std::string>& addresses) {
    co_await look_up_caa(named);
    if (silent_ || named.name.is_wildcard()) co_return;
    std::optional<Problem> problem;
    try {
        auto host = dns::Name::parse(named.name.value);
        for (const Endpoint& endpoint : host ? co_await resolver_.addresses(*host) : std::vector<Endpoint>())
            addresses.push_back(endpoint.address().to_string());
    } catch (const Failure& failure) {
        problem = failure.problem();
    }
    if (problem) {
        named.found.push_back(warning("name.address", describe(*problem), problem->hint));
        co_return;
    }
    auto needing = std::ranges::find_if(named.methods, needs_address);
    named.found.push_back(address_finding(addresses, needing == named.methods.end() ? std::string() : *needing));
}

Task<> NameChecks::look_up_caa(Named& named) {
    if (silent_) co_return;
    auto name = dns::Name::parse(named.name.is_wildcard() ? named.name.value.substr(2) : named.name.value);
    dns::CaaSet set;
    std::optional<Problem> problem;
    try {
        if (name) set = co_await caa_.relevant(*name);
    } catch (const Failure& failure) {
        problem = failure.problem();
    }
    if (problem && problem->code == "dns.noAnswer") {
        silent_ = problem;
    } else if (problem) {
        // RFC 8659 §3: a CA that cannot look them up must not issue; but it asks others than we do.
        named.found.push_back(warning("name.caa", describe(*problem), problem->hint));
    } else if (!named.methods.empty()) {
        for (const CaSight& sight : cas_)
            named.found.push_back(caa_finding(sight, named.name, set, named.methods));
    }
}

Task<CheckFinding> NameChecks::prove(const Named& named, std::string method, std::vector<std::string> addresses,
                                     std::optional<CheckFinding>& reach) {
    const config::Challenge& challenge = config::challenge_for(spec_, named.name);
    if (method == "dns-persist-01") co_return co_await look_for_record(named, *challenge.dns_persist01);
    auto provider = provider_of(challenge, method);
    bool by_dns = provider != nullptr, commands = by_commands(challenge, method);
    if (by_dns) {
        CheckFinding planned = co_await preview(named, method, std::move(provider));
        if (planned.result != "ok" || !named.rehearsed.contains(method)) co_return planned;
    }
    auto solvers = engine_.solvers.solvers(only(challenge, method));
    Rehearsal rehearsal{*solvers.front(), task_for(named.name, method), {}, clean_up_limit};
    std::uint16_t port = method == "http-01" ? engine_.seams.http_port : engine_.seams.tls_port;
    if (!by_dns) {
        for (const std::string& address : addresses)
            rehearsal.visit.emplace_back(asio::ip::make_address(address), port);
    }
    Rehearsed rehearsed;
    std::optional<Problem> problem;
    try {
        rehearsed = co_await with_timeout(engine_.seams.clock, limit_of_rehearsal(by_dns, commands), "net.timeout",
                                          "The challenge response did not become visible",
                                          rehearse(engine_.seams.clock, std::move(rehearsal)));
    } catch (const Failure& failure) {
        problem = failure.problem();
    }
    // Of an order that is being validated at this moment: there is nothing to be changed.
    if (problem && problem->code == "challenge.nameInUse")
        co_return warning("challenge." + method, describe(*problem), "Look again when the running renewal has ended");
    if (problem) co_return blocked("challenge." + method, *problem);
    if (rehearsed.left_behind) {
        co_return warning("challenge." + method, "The answer is still in place: " + describe(*rehearsed.left_behind),
                          rehearsed.left_behind->hint);
    }
    if (!rehearsed.visits.empty()) reach = visit_finding(method, port, rehearsed.visits);
    co_return good("challenge." + method, presented_text(by_dns, commands));
}

Task<CheckFinding> NameChecks::preview(const Named& named, std::string method,
                                       std::shared_ptr<const config::DnsProvider> provider) {
    const std::string check = "challenge." + method;
    if (method == "dns-account-01" && cas_.front().account_url.empty())
        co_return warning(check, "The record's name depends on the account, and there is none yet",
                          "The first order makes the account; `certctl check` names the record afterwards");
    Dns01& solver = *engine_.dns_solvers.solver(provider, method);
    Dns01::Preview seen;
    std::optional<Problem> problem;
    try {
        seen = co_await with_timeout(engine_.seams.clock, look_up_limit, "net.timeout",
                                     "Looking up the zone of " + named.name.value + " took too long",
                                     solver.preview(task_for(named.name, method)));
    } catch (const Failure& failure) {
        problem = failure.problem();
    }
    if (problem) co_return blocked(check, *problem);
    std::string text = fmt::format("{} would put a TXT record at {}", solver.provider().name, seen.record.text());
    if (seen.record != seen.challenge) text += fmt::format(", where {} leads", seen.challenge.text());
    if (seen.zone) text += fmt::format(", in the zone {}", seen.zone->text());
    co_return good(check, fmt::format("{}, and look for it at {}", text, servers_text(seen.servers)));
}

// dns-persist-01: nothing is put in place, so the look at the servers is the one a renewal takes.
Task<CheckFinding> NameChecks::look_for_record(const Named& named, config::DnsPersist01 options) {
    const std::string check = "challenge.dns-persist-01";
    const CaSight& sight = cas_.front();
    if (sight.account_url.empty()) {
        co_return warning(check, "The record to publish names the account, and there is none yet",
                          "The first order makes the account; `certctl check` shows the record afterwards");
    }
    acme::ChallengeTask task = task_for(named.name, "dns-persist-01");
    if (sight.directory) task.issuers = sight.directory->caa_identities;
    if (task.issuers.empty()) {
        co_return warning(check, "The CA's directory does not say by which name it goes in records",
                          "The first order tells, and `certctl explain` shows the record afterwards");
    }
    DnsPersist01& solver = *engine_.dns_solvers.persistent(options);
    std::optional<Problem> problem;
    try {
        co_await solver.present(task);
        co_await with_timeout(engine_.seams.clock, rehearsal_limit, "net.timeout", "The record was not seen in time",
                              solver.wait_visible(task));
    } catch (const Failure& failure) {
        problem = failure.problem();
    }
    if (problem) co_return blocked(check, *problem);
    auto until = solver.seen(named.name).value_or(std::nullopt);
    co_return persist_finding(until, engine_.seams.clock.now());
}

acme::ChallengeTask NameChecks::task_for(const Identifier& name, const std::string& method) const {
    acme::ChallengeTask task;
    task.identifier = name;
    task.wildcard = name.is_wildcard();
    if (task.wildcard) task.identifier.value.erase(0, 2);
    task.type = method;
    task.token = base64url(random_bytes(24));
    task.key_authorization = task.token + ".preflight";
    task.all_names = {name.value};
    task.account_url = cas_.front().account_url;
    return task;
}

}  // namespace

Task<Findings> check_names(Engine& engine, config::ConfigPtr config, std::shared_ptr<const config::Lineage> spec,
                           std::vector<CaSight> cas) {
    dns::Resolver resolver = co_await make_resolver(engine.dns_solvers.seams(), config->resolvers, resolver_limit);
    NameChecks checks(engine, *spec, std::move(cas), std::move(resolver));
    co_return co_await checks.run();
}

}  // namespace certd
