// The sentences of `explain`, each group of them from what it is about.
#include "daemon/app/explain_view.hpp"

#include "daemon/app/views.hpp"
#include "daemon/dns/dns_persist01.hpp"
#include "daemon/lineage/ari.hpp"
#include "daemon/lineage/endpoint.hpp"
#include "daemon/lineage/key_reuse.hpp"
#include "daemon/lineage/subset.hpp"
#include "libacme/base/diagnosis.hpp"
#include "libacme/protocol/problem_document.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace certd {

namespace {

std::string when(Time at, Time now) {
    if (at <= now) return "now";
    return fmt::format("in {} ({})", format_approximate(at - now), format_rfc3339(std::chrono::floor<seconds>(at)));
}

std::string date(Time time) {
    return format_rfc3339(std::chrono::floor<seconds>(time));
}

// What becomes of names that are refused.
std::vector<std::string> refused_sentences(const LineageRecord& record, const api::Lineage& view, Time now) {
    std::vector<std::string> sentences;
    for (const api::RefusedName& refused : view.refused_names) {
        std::string times = refused.failures == 1 ? "once" : fmt::format("{} times", refused.failures);
        std::string next = refused.next_attempt ? " and is asked for again " + when(*refused.next_attempt, now) : "";
        sentences.push_back(
            fmt::format("{} has been refused {} since {}{}.", refused.name, times, date(refused.since), next));
        SubsetInput input{*record.spec, record.state, record.live.get(), record.newest.get(), now};
        auto name = std::ranges::find(record.spec->names, refused.name, &Identifier::value);
        std::optional<Time> kept = kept_until(input, *name);
        if (kept && refused.covered) {
            sentences.push_back(
                fmt::format("The live certificate has {}: before {} no certificate is issued without it.", refused.name,
                            date(*kept)));
        }
    }
    return sentences;
}

// What is seen of the endpoints that are only watched, but for the one that the lineage's problem is about.
std::vector<std::string> endpoint_sentences(const LineageRecord& record, const std::optional<Problem>& told,
                                            const Targets* targets, Time now) {
    std::vector<std::string> sentences;
    for (const EndpointState& endpoint : endpoints_in(*record.spec, targets, record.state)) {
        const std::string name = text(endpoint);
        if (endpoint.problem) {
            if (endpoint.problem != told) sentences.push_back(fmt::format("{}.", describe(*endpoint.problem)));
        } else if (!endpoint.looked_at) {
            sentences.push_back(fmt::format("{} was not looked at yet.", name));
        } else if (endpoint.verdict == Verdict::awaited) {
            std::optional<Time> until = grace_until(endpoint, targets->at(endpoint.target).verify);
            sentences.push_back(fmt::format("{} serves {}; until {} it has time to take over version {}.", name,
                                            endpoint.version ? fmt::format("version {}", endpoint.version.value)
                                                             : "a certificate of somebody else's",
                                            until ? date(*until) : date(now), endpoint.wanted.value));
        } else {
            sentences.push_back(fmt::format("{} serves {}, as was seen {}.", name,
                                            endpoint.version ? fmt::format("version {}", endpoint.version.value)
                                                             : "a trusted certificate of somebody else's",
                                            date(*endpoint.looked_at)));
        }
    }
    return sentences;
}

// What the CA has said about the time of the renewal, and when it is asked again.
std::vector<std::string> ari_sentences(const LineageRecord& record, Time now) {
    std::vector<std::string> sentences;
    if (!record.newest || !record.state.ari || record.state.ari->version != record.newest->number) return sentences;
    const AriState& ari = *record.state.ari;
    const std::string& ca = record.newest->ca.text;
    if (ari.window) {
        sentences.push_back(fmt::format("{} suggests to renew version {} between {} and {}; the instant chosen is {}.",
                                        ca, ari.version.value, date(ari.window->start), date(ari.window->end),
                                        date(ari.window->selected)));
        if (!ari.window->explanation_url.empty())
            sentences.push_back(fmt::format("{} explains this at {}", ca, ari.window->explanation_url));
    }
    if (ari.failures != 0) {
        sentences.push_back(fmt::format("The last {} to {} about the time of the renewal went unanswered [{}].",
                                        ari.failures == 1 ? "question" : fmt::format("{} questions", ari.failures), ca,
                                        ari.problem));
    }
    if (std::optional<Time> next = next_ari_poll(record.state, *record.newest, now)) {
        sentences.push_back(fmt::format("{} is asked about the time of the renewal again {}.", ca, when(*next, now)));
    }
    return sentences;
}

// Whether the next certificate has the key of the last one.
std::vector<std::string> key_sentences(const LineageRecord& record, Time now) {
    std::vector<std::string> sentences;
    if (!record.newest || !record.spec->key_max_age) return sentences;
    for (const CertificateFacts& facts : record.newest->certificates()) {
        std::string_view type = to_string(facts.key_type);
        if (may_use_key_again(*record.spec, facts.key_created, now)) {
            sentences.push_back(fmt::format("The {} key of {} is used again by renewals before {}.", type,
                                            date(*facts.key_created),
                                            date(*key_used_until(*record.spec, facts.key_created))));
        } else if (facts.key_created) {
            sentences.push_back(fmt::format("The {} key is of {}, older than {}: the next renewal makes a new one.",
                                            type, date(*facts.key_created),
                                            format_duration(*record.spec->key_max_age)));
        } else {
            sentences.push_back(
                fmt::format("The age of the {} key is not known: the next renewal makes a new one.", type));
        }
    }
    return sentences;
}

bool issue_failed(const LineageState& state) {
    return std::ranges::any_of(state.attempts, [](const auto& each) { return each.second.failures != 0; });
}

void replace_all(std::string& text, std::string_view from, const std::string& to) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
        text.replace(at, from.size(), to);
}

// The remedy with what its placeholders stand for, as far as that is certain.
std::string made_specific(std::string remedy, const config::Lineage& spec) {
    for (std::string_view command : {"check", "deploy", "explain", "renew", "resume", "status"}) {
        replace_all(remedy, fmt::format("`certctl {} NAME", command),
                    fmt::format("`certctl {} {}", command, spec.name));
    }
    if (spec.cas.size() == 1) {
        replace_all(remedy, "cas.<name>.", fmt::format("cas.{}.", spec.cas.front().text));
        replace_all(remedy, "accounts/<ca>", "accounts/" + spec.cas.front().text);
    }
    return remedy;
}

// One sentence on why the lineage is in this state.
std::string state_sentence(const Entry& entry, State state, const std::optional<Problem>& problem) {
    const LineageState& known = entry.record.state;
    switch (state) {
        case State::waiting:
            if (problem && problem->code == "schedule.clock")
                return "The clock cannot be right, so that nothing that hangs on time is decided.";
            if (known.live && issue_failed(known))
                return fmt::format("Version {} is live and nothing is due; the last attempt at another one failed.",
                                   known.live.value);
            return known.live ? fmt::format("Version {} is live and nothing is due.", known.live.value)
                              : "No certificate has been issued yet.";
        case State::issuing:
            return "A renewal is running.";
        case State::deploying:
            return "A deployment is running.";
        case State::backing_off:
            return "The last attempt to issue failed; certd waits before it asks the CA again.";
        case State::deploy_failed:
            // The hosts of a fleet take over one by one: the version is live, and some are still without it.
            if (known.newest == known.live)
                return fmt::format(
                    "Version {} is issued, but its deployment failed; where it did, the version before stays in "
                    "service.",
                    known.newest.value);
            return fmt::format("Version {} is issued, but its deployment failed; version {} stays in service.",
                               known.newest.value, known.live.value);
        case State::rolled_back:
            return fmt::format("Version {} was installed but not seen served, so version {} was put back.",
                               known.newest.value, known.live.value);
        case State::held:
            return "An operator rolled back; the version rolled back from is not deployed again.";
        case State::paused:
            return "An operator paused this lineage.";
        case State::blocked:
            return "The last problem needs an operator or a change of the configuration.";
    }
    return {};
}

}  // namespace

api::Explanation explanation_view(const Entry& entry, const Plan& plan, std::vector<HistoryEntry> history, Time now,
                                  const Targets* targets, const RolloutBoard* rollouts) {
    api::Explanation view;
    view.lineage = lineage_view(entry, plan, false, targets, rollouts);
    view.why.push_back(state_sentence(entry, state_of(entry, plan), view.lineage.last_problem));
    const std::optional<Problem>& problem = view.lineage.last_problem;
    if (problem) {
        view.why.push_back(fmt::format("{}.", describe(*problem)));
        for (const Problem& part : problem->parts)
            view.why.push_back(fmt::format("{}.", describe(part)));
        view.cause = cause_of(*problem);
        view.remedy = made_specific(problem->hint, *entry.record.spec);
    }
    for (std::string& sentence : endpoint_sentences(entry.record, problem, targets, now))
        view.why.push_back(std::move(sentence));
    if (std::string page = problem ? acme::unpause_url(*problem) : std::string(); !page.empty()) {
        view.then.push_back(fmt::format("The names are unpaused by people, at {}", page));
        view.then.push_back(fmt::format("After that `certctl resume {}` tries again at once.", view.lineage.name));
    }
    if (plan.problem && plan.problem->code == "schedule.clock") {
        view.then.push_back(fmt::format("The clock is looked at again {}.", when(plan.at, now)));
    } else if (plan.action == Action::none) {
        view.then.emplace_back("Nothing is planned.");
    } else {
        std::string verb = plan.action == Action::issue
                               ? fmt::format("A certificate is ordered{}{}", plan.ca ? " from " + plan.ca->text : "",
                                             plan.staging ? ", at " + plan.staging->text + ", its staging, first" : "")
                               : fmt::format("Version {} is deployed", plan.version.value);
        view.then.push_back(fmt::format("{} {}.", verb, when(plan.at, now)));
    }
    for (const std::string& reason : plan.reasons)
        view.then.push_back("Because: " + reason + ".");
    for (std::string& sentence : refused_sentences(entry.record, view.lineage, now))
        view.then.push_back(std::move(sentence));
    for (std::string& sentence : ari_sentences(entry.record, now))
        view.then.push_back(std::move(sentence));
    for (std::string& sentence : key_sentences(entry.record, now))
        view.then.push_back(std::move(sentence));
    if (entry.record.live) {
        view.then.push_back(fmt::format(
            "The live certificate is valid until {}; its emergency point, past which no back-off holds, is {}.",
            format_rfc3339(entry.record.live->valid_until()),
            format_rfc3339(std::chrono::floor<seconds>(emergency_point(*entry.record.live)))));
    }
    for (HistoryEntry& item : history)
        view.history.push_back({item.at, std::move(item.what), std::move(item.code)});
    return view;
}

std::vector<api::Decision> decisions_view(std::vector<Decision> decisions) {
    std::vector<api::Decision> views;
    views.reserve(decisions.size());
    for (Decision& decision : decisions) {
        Json facts = Json::object();
        for (const auto& [key, value] : decision.facts)
            facts.set(key, value);
        views.push_back({decision.at, std::string(to_string(decision.kind)), std::move(decision.what), decision.due,
                         std::move(decision.reasons), std::move(facts), std::move(decision.by)});
    }
    return views;
}

std::vector<std::string> persist_sentences(const config::Lineage& spec, const CaClients::AccountFacts* account) {
    std::map<std::string, bool> domains;  // whether a wildcard is among its names
    for (const Identifier& name : spec.names) {
        if (!config::challenge_for(spec, name).dns_persist01) continue;
        bool& wildcard = domains[name.is_wildcard() ? name.value.substr(2) : name.value];
        wildcard = wildcard || name.is_wildcard();
    }
    std::vector<std::string> sentences;
    if (domains.empty()) return sentences;
    if (account == nullptr) {
        sentences.emplace_back(
            "The records that dns-persist-01 needs name the account: they are shown here once the first order has made "
            "one.");
        return sentences;
    }
    std::string issuer = account->issuers.empty() ? "ISSUER" : account->issuers.front();
    for (const auto& [domain, wildcard] : domains) {
        Identifier name{Identifier::Type::dns, (wildcard ? "*." : "") + domain};
        sentences.push_back("dns-persist-01 needs this record, published once: " +
                            persist_line(name, issuer, account->account.url));
    }
    if (account->issuers.empty())
        sentences.push_back(fmt::format("ISSUER is the name that {} goes by in records.", account->ca.text));
    return sentences;
}

}  // namespace certd
