// Views of lineages.
#include "daemon/app/views.hpp"

#include "daemon/app/rollout_view.hpp"
#include "daemon/lineage/ari.hpp"
#include "daemon/lineage/endpoint.hpp"
#include "daemon/lineage/key_reuse.hpp"
#include "daemon/lineage/subset.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>

namespace certd {

namespace {

std::vector<std::string> texts(const std::vector<Identifier>& names) {
    std::vector<std::string> result;
    result.reserve(names.size());
    for (const Identifier& name : names)
        result.push_back(name.value);
    return result;
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
    for (const EndpointState& endpoint : endpoints_in(*entry.record.spec, targets, state)) {
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

// In the order of the configuration, with those that nothing is known of yet; then what is known of others.
void add_targets(api::Lineage& view, const LineageRecord& record, const Targets* targets) {
    const std::vector<Place> places = places_of(record.spec->targets, targets);
    for (const Place& place : places) {
        const auto known = std::ranges::find(record.state.targets, place, &TargetState::place);
        const bool unseen = known == record.state.targets.end();
        view.targets.push_back(target_view(unseen ? TargetState{.target = place.target, .host = place.host} : *known));
    }
    for (const EndpointState& endpoint : endpoints_in(*record.spec, targets, record.state))
        view.targets.push_back(endpoint_view(endpoint, targets->at(endpoint.target).verify));
    for (const TargetState& target : record.state.targets) {
        if (std::ranges::find(places, target.place()) != places.end()) continue;
        // What is left of one that was deployed to before.
        const auto configured = targets ? targets->find(target.target) : Targets::const_iterator();
        const bool is_watched = targets && configured != targets->end() && configured->second.is_watched();
        if (!is_watched) view.targets.push_back(target_view(target));
    }
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

}  // namespace

State state_of(const Entry& entry, const Plan& plan) {
    if (!entry.job) return plan.state;
    return entry.job->deploying ? State::deploying : State::issuing;
}

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

}  // namespace certd
