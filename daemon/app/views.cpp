// Views of lineages.
#include "daemon/app/views.hpp"

#include "daemon/app/rollout_view.hpp"
#include "daemon/dns/dns_persist01.hpp"
#include "daemon/lineage/ari.hpp"
#include "daemon/lineage/endpoint.hpp"
#include "daemon/lineage/key_reuse.hpp"
#include "daemon/lineage/subset.hpp"
#include "libacme/base/diagnosis.hpp"
#include "libacme/base/text.hpp"
#include "libacme/protocol/problem_document.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace certd {

namespace {

std::vector<std::string> texts(const std::vector<Identifier>& names) {
    std::vector<std::string> result;
    result.reserve(names.size());
    for (const Identifier& name : names)
        result.push_back(name.value);
    return result;
}

std::string when(Time at, Time now) {
    if (at <= now) return "now";
    return fmt::format("in {} ({})", format_approximate(at - now), format_rfc3339(std::chrono::floor<seconds>(at)));
}

std::string date(Time time) {
    return format_rfc3339(std::chrono::floor<seconds>(time));
}

State state_of(const Entry& entry, const Plan& plan) {
    if (!entry.job) return plan.state;
    return entry.job->deploying ? State::deploying : State::issuing;
}

// Those that serve the certificate to somebody: not the deploy scripts of a hook directory.
std::vector<TargetName> serving_targets(const config::Lineage& spec, const Targets* targets) {
    std::vector<TargetName> serving = spec.targets;
    std::erase_if(serving, [&](const TargetName& name) {
        const auto found = targets != nullptr ? targets->find(name) : Targets::const_iterator();
        return targets != nullptr && found != targets->end() && !found->second.renewal_hooks.empty();
    });
    return serving;
}

std::vector<EndpointState> endpoints_of(const LineageRecord& record, const Targets* targets) {
    return targets == nullptr ? std::vector<EndpointState>() : endpoints_in(*record.spec, *targets, record.state);
}

std::string served_of(const Entry& entry, const Targets* targets) {
    const LineageState& state = entry.record.state;
    const std::vector<TargetName> wanted = serving_targets(*entry.record.spec, targets);
    if (wanted.empty()) return "-";
    std::size_t serving = 0;
    std::size_t known = 0;
    std::size_t all = count_places(wanted, targets);
    for (const TargetState& target : state.targets) {
        if (target.verified_at) ++known;
        if (target.version == state.live && target.verified_at) ++serving;
    }
    for (const EndpointState& endpoint : endpoints_of(entry.record, targets)) {
        ++all;
        if (endpoint.looked_at) ++known;
        if (endpoint.verdict == Verdict::live || endpoint.verdict == Verdict::trusted) ++serving;
    }
    if (serving >= all) return "yes";
    if (known == 0) return "unknown";
    return serving == 0 ? "no" : "partly";
}

api::Target target_view(const TargetState& target) {
    api::Target view;
    view.target = target.target.text;
    view.host = target.host;
    view.state = to_string(target.state);
    view.version = target.version.value;
    view.served_fingerprint = target.served_fingerprint;
    view.verified_at = target.verified_at;
    view.problem = target.problem;
    view.next_attempt = target.next_attempt;
    return view;
}

api::Target endpoint_view(const EndpointState& endpoint, const config::Verify& verify) {
    api::Target view;
    view.target = endpoint.target.text;
    view.host = endpoint.address;
    view.state = "watched";
    view.version = endpoint.version.value;
    view.served_fingerprint = endpoint.served_fingerprint;
    view.verified_at = endpoint.verified_at;
    view.problem = endpoint.problem;
    view.verdict = to_string(endpoint.verdict);
    if (endpoint.verdict == Verdict::awaited) view.grace_until = grace_until(endpoint, verify);
    view.looked_at = endpoint.looked_at;
    view.served_not_after = endpoint.served_not_after;
    view.served_subject = escape_untrusted(endpoint.served_subject);
    view.served_issuer = escape_untrusted(endpoint.served_issuer);
    return view;
}

// Those that a certificate has all the same are asked for when it is renewed.
std::vector<api::RefusedName> refused_view(const LineageRecord& record, const Plan& plan) {
    std::vector<api::RefusedName> refused;
    for (const Identifier& name : record.spec->names) {
        const NameRefusal* known = refusal_of(*record.spec, record.state, name);
        if (known == nullptr) continue;
        api::RefusedName view{name.value, known->problem, known->since, known->failures};
        view.covered = record.live && std::ranges::find(record.live->names, name) != record.live->names.end();
        view.next_attempt = known->next_attempt;
        if (view.covered && plan.action == Action::issue) view.next_attempt = plan.at;
        refused.push_back(std::move(view));
    }
    return refused;
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

// In the order of the configuration, with those that nothing is known of yet; then what is known of others.
void add_targets(api::Lineage& view, const LineageRecord& record, const Targets* targets) {
    const std::vector<Place> places = places_of(record.spec->targets, targets);
    for (const Place& place : places) {
        const auto known = std::ranges::find(record.state.targets, place, &TargetState::place);
        const bool unseen = known == record.state.targets.end();
        view.targets.push_back(target_view(unseen ? TargetState{.target = place.target, .host = place.host} : *known));
    }
    for (const EndpointState& endpoint : endpoints_of(record, targets))
        view.targets.push_back(endpoint_view(endpoint, targets->at(endpoint.target).verify));
    for (const TargetState& target : record.state.targets) {
        if (std::ranges::find(places, target.place()) != places.end()) continue;
        // What is left of one that was deployed to before.
        const auto configured = targets ? targets->find(target.target) : Targets::const_iterator();
        const bool is_watched = targets && configured != targets->end() && configured->second.is_watched();
        if (!is_watched) view.targets.push_back(target_view(target));
    }
}

// What is seen of the endpoints that are only watched, but for the one that the lineage's problem is about.
std::vector<std::string> endpoint_sentences(const LineageRecord& record, const std::optional<Problem>& told,
                                            const Targets* targets, Time now) {
    std::vector<std::string> sentences;
    for (const EndpointState& endpoint : endpoints_of(record, targets)) {
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

// What is being done on each host at the moment.
void add_steps(api::Lineage& view, const Entry& entry, const RolloutBoard* rollouts) {
    for (const api::Rollout& rollout : view.rollouts) {
        const RolloutProgress* progress = running_rollout(entry, rollout.target, rollouts);
        if (progress == nullptr) continue;
        for (api::Target& target : view.targets) {
            const auto step = progress->steps.find(target.host);
            if (target.target == rollout.target && step != progress->steps.end()) target.step = step->second;
        }
    }
}

std::optional<api::Ari> ari_view(const LineageRecord& record) {
    const AriWindow* window = record.newest ? window_of(record.state, *record.newest) : nullptr;
    if (window == nullptr) return std::nullopt;
    return api::Ari{window->start, window->end, window->selected, window->explanation_url};
}

std::string version_status(const LineageState& state, VersionNumber number, VersionNumber previous) {
    if (number == state.live) return "live";
    if (std::ranges::find(state.rejected, number) != state.rejected.end()) return "rejected";
    if (number > state.live) return "pending";
    return number == previous ? "previous" : "old";
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

api::Lineage lineage_view(const Entry& entry, const Plan& plan, bool table_only, const Targets* targets,
                          const RolloutBoard* rollouts) {
    const LineageRecord& record = entry.record;
    api::Lineage view;
    view.name = record.spec->name;
    view.state = to_string(state_of(entry, plan));
    view.health = to_string(plan.health);
    view.version = record.state.live.value;
    view.next.action = to_string(plan.action);
    if (plan.action != Action::none) view.next.at = plan.at;
    view.served = served_of(entry, targets);
    view.last_problem = record.state.last_problem ? record.state.last_problem : plan.problem;
    if (record.live) view.not_after = record.live->valid_until();
    if (entry.job) view.step = entry.job->step;
    if (table_only) return view;

    view.names = texts(record.spec->names);
    view.next.reasons = plan.reasons;
    if (record.spec->csr) view.csr = record.spec->csr->path;
    view.key_type = to_string(record.live ? record.live->key_type : record.spec->keys.front());
    view.ca = record.live ? record.live->ca.text : record.spec->cas.front().text;
    if (record.live) {
        view.issued_names = texts(record.live->names);
        view.serial = record.live->serial;
        view.fingerprint_sha256 = record.live->fingerprint;
        view.not_before = record.live->not_before;
        for (CertificateFacts& facts : record.live->certificates()) {
            view.certificates.push_back({std::string(to_string(facts.key_type)), std::move(facts.serial),
                                         std::move(facts.fingerprint), facts.not_before, facts.not_after,
                                         facts.key_created, key_used_until(*record.spec, facts.key_created)});
        }
    }
    view.last_success = record.state.last_success;
    view.ari = ari_view(record);
    view.refused_names = refused_view(record, plan);
    for (const auto& [ca, attempts] : record.state.attempts)
        view.failures = std::max(view.failures, attempts.failures);
    add_targets(view, record, targets);
    if (targets != nullptr) view.rollouts = rollout_views(entry, *targets, rollouts);
    add_steps(view, entry, rollouts);
    return view;
}

void add_versions(api::Lineage& view, const LineageState& state, const std::vector<VersionFacts>& versions) {
    VersionNumber previous;
    for (const VersionFacts& facts : versions) {
        if (facts.number < state.live) previous = std::max(previous, facts.number);
    }
    for (const VersionFacts& facts : versions) {
        api::Version version;
        version.version = facts.number.value;
        version.not_after = facts.valid_until();
        version.status = version_status(state, facts.number, previous);
        version.serial = facts.serial;
        version.fingerprint_sha256 = facts.fingerprint;
        view.versions.push_back(std::move(version));
    }
    name_versions(view.rollouts, versions);
}

void add_hooks(api::Lineage& view, std::vector<HookRun> hooks) {
    for (HookRun& run : hooks) {
        view.hooks.push_back({run.at, std::move(run.hook), std::move(run.command), std::move(run.target),
                              std::move(run.host), run.exit_status, run.signal, run.timed_out, run.took_ms,
                              std::move(run.output), std::move(run.code)});
    }
}

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
