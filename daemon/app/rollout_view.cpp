#include "daemon/app/rollout_view.hpp"

#include "daemon/deploy/rollout_order.hpp"
#include "daemon/lineage/served_by.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr std::size_t most_names = 40;  // of hosts in one clause of an explanation

// As they are configured, with those that nothing is known of yet.
std::vector<TargetState> states_of(const config::Target& target, const LineageState& state) {
    std::vector<TargetState> hosts;
    for (const config::RemoteHost& host : target.hosts) {
        const Place place{target.name, host.name};
        const auto known = std::ranges::find(state.targets, place, &TargetState::place);
        hosts.push_back(known != state.targets.end() ? *known
                                                     : TargetState{.target = place.target, .host = place.host});
    }
    return hosts;
}

// The one that deployments are about: the newest, unless it is never to be deployed again.
VersionNumber wanted_version(const LineageState& state) {
    const bool rejected = std::ranges::find(state.rejected, state.newest) != state.rejected.end();
    return rejected || state.held ? state.live : state.newest;
}

bool has(const TargetState& host, VersionNumber version) {
    return host.state == HostState::deployed && host.version == version;
}
bool went_back(const TargetState& host) {
    return host.problem && host.problem->code == "deploy.rolledBack";
}
bool has_failed(const TargetState& host) {
    return (host.state == HostState::failed || host.state == HostState::rolled_back) && !went_back(host);
}

// Of a rollout that does not run.
std::string phase_of(const std::vector<TargetState>& hosts, VersionNumber version) {
    const auto all = [&](auto is) { return std::ranges::all_of(hosts, is); };
    const auto any = [&](auto is) { return std::ranges::any_of(hosts, is); };
    if (version && all([&](const TargetState& host) { return has(host, version); })) return "complete";
    if (any(went_back)) return "rolled-back";
    if (!any(has_failed)) return "pending";
    return any([&](const TargetState& host) { return !has(host, version) && !has_failed(host); }) ? "stopped"
                                                                                                  : "incomplete";
}

void add_counts(api::Rollout& view, const std::vector<TargetState>& hosts, VersionNumber version) {
    for (const TargetState& host : hosts) {
        ++view.total;
        if (has(host, version)) {
            ++(host.problem ? view.failed : view.serving);  // with a problem it has ceased to show it
        } else if (has_failed(host)) {
            ++view.failed;
        } else {
            ++view.pending;
        }
        if (has_failed(host) || (host.problem && !went_back(host))) view.failed_hosts.push_back(host.host);
        if (host.next_attempt)
            view.next_attempt = std::min(view.next_attempt.value_or(*host.next_attempt), *host.next_attempt);
    }
}

void add_served(api::Rollout& view, const std::vector<TargetState>& hosts, const LineageRecord& record) {
    VersionsByFingerprint known;
    if (record.live) add_fingerprints(known, *record.live);
    if (record.newest) add_fingerprints(known, *record.newest);
    for (ServedBy& group : group_by_served(hosts, std::move(known)))
        view.served.push_back({group.version.value, std::move(group.fingerprint), std::move(group.hosts)});
}

api::Rollout view_of(const Entry& entry, const config::Target& target, const RolloutProgress* progress) {
    const LineageRecord& record = entry.record;
    const std::vector<TargetState> hosts = states_of(target, record.state);
    const VersionNumber version = progress ? VersionNumber{progress->version} : wanted_version(record.state);
    api::Rollout view;
    view.target = target.name.text;
    view.version = version.value;
    add_counts(view, hosts, version);
    add_served(view, hosts, record);
    std::vector<Place> places;
    for (const TargetState& host : hosts)
        places.push_back(host.place());
    for (const Place& place :
         in_rollout_order(std::move(places), target.rollout.order, record.spec->name, version, record.state.targets))
        view.hosts.push_back(place.host);
    if (!progress) {
        view.phase = phase_of(hosts, version);
        return view;
    }
    view.phase = progress->phase;
    view.running = !progress->ended;
    view.started = progress->started;
    view.batch = static_cast<std::uint32_t>(progress->batch);
    view.batches = static_cast<std::uint32_t>(progress->batches);
    view.paused_until = progress->paused_until;
    view.next_attempt.reset();
    // Those that this rollout leaves alone come after those it is about.
    std::vector<std::string> sequence = progress->hosts;
    for (std::string& host : view.hosts) {
        if (std::ranges::find(sequence, host) == sequence.end()) sequence.push_back(std::move(host));
    }
    view.hosts = std::move(sequence);
    return view;
}

}  // namespace

const RolloutProgress* running_rollout(const Entry& entry, const std::string& target, const RolloutBoard* board) {
    const RolloutProgress* progress =
        board != nullptr && entry.job ? board->find(entry.record.spec->name, target) : nullptr;
    return progress != nullptr && progress->job == entry.job->id ? progress : nullptr;
}

std::vector<api::Rollout> rollout_views(const Entry& entry, const Targets& targets, const RolloutBoard* board) {
    std::vector<api::Rollout> views;
    for (const TargetName& name : entry.record.spec->targets) {
        const auto target = targets.find(name);
        if (target == targets.end() || target->second.hosts.empty()) continue;
        views.push_back(view_of(entry, target->second, running_rollout(entry, name.text, board)));
    }
    return views;
}

void name_versions(std::vector<api::Rollout>& rollouts, const std::vector<VersionFacts>& versions) {
    VersionsByFingerprint known;
    for (const VersionFacts& facts : versions)
        add_fingerprints(known, facts);
    for (api::Rollout& rollout : rollouts) {
        for (api::ServedGroup& group : rollout.served) {
            const auto found = known.find(group.fingerprint);
            if (group.version == 0 && found != known.end()) group.version = found->second.value;
        }
    }
}

std::vector<std::string> served_sentences(const std::vector<api::Rollout>& rollouts) {
    std::vector<std::string> sentences;
    for (const api::Rollout& rollout : rollouts) {
        if (rollout.served.size() < 2 && rollout.failed == 0) continue;
        std::vector<ServedBy> groups;
        for (const api::ServedGroup& group : rollout.served)
            groups.push_back({VersionNumber{group.version}, group.fingerprint, group.hosts});
        sentences.push_back(
            fmt::format("The hosts of {} as last seen: {}.", rollout.target, describe(groups, most_names)));
    }
    return sentences;
}

}  // namespace certd
