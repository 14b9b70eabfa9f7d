// EndpointWatch: looks, their results, and what is told of them.
#include "daemon/schedule/endpoint_watch.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace certd {

namespace {

// A few lineages at a time, however many endpoints do not answer.
constexpr std::size_t looks_at_a_time = 8;

EndpointState& state_at(LineageState& state, const TargetName& target, const std::string& address) {
    for (EndpointState& known : state.endpoints) {
        if (known.target == target && known.address == address) return known;
    }
    EndpointState& added = state.endpoints.emplace_back();
    added.target = target;
    added.address = address;
    return added;
}

// Whether there is more news than the time of the look.
bool is_news(EndpointState before, const EndpointState& after) {
    before.looked_at = after.looked_at;
    before.verified_at = after.verified_at;
    return !(before == after);
}

}  // namespace

EndpointWatch::EndpointWatch(asio::any_io_executor executor, Parts parts)
    : parts_(std::move(parts)),
      started_(parts_.clock.now()),
      tasks_(std::move(executor),
             {parts_.clock, parts_.bus, looks_at_a_time, "A look at endpoints ended unexpectedly",
              [this](std::string lineage) { return look_at_targets(std::move(lineage)); }, parts_.ended}) {}

void EndpointWatch::place(const LineageRecord& record) {
    remove(record.spec->name);
    if (record.state.paused || !record.live) return;
    config::ConfigPtr config = parts_.config();
    auto watched = watched_endpoints(*record.spec, *config, record.state, started_);
    if (watched.empty()) return;
    tasks_.place(record.spec->name, std::ranges::min(watched, {}, &WatchedEndpoint::at).at);
}

// If the process dies before a finding is stored, the next look finds the same.
Task<> EndpointWatch::look_at_targets(std::string lineage) {
    LineageRecord* record = parts_.find(lineage);
    if (record == nullptr || !record->live) co_return;
    config::ConfigPtr config = parts_.config();
    const VersionFacts live = *record->live;
    const Time now = parts_.clock.now();
    std::vector<WatchedEndpoint> watched = watched_endpoints(*record->spec, *config, record->state, started_);
    bool changed = forget_others(record->state, watched);
    std::map<TargetName, std::vector<config::VerifyAddress>> due;
    for (const WatchedEndpoint& one : watched) {
        if (one.at <= now) due[one.target].push_back(one.address);
    }
    std::optional<Problem> unjudged;  // of one target; it keeps none of the others from being looked at
    for (auto& [target, addresses] : due) {
        Result<bool> news = co_await look_at(lineage, config, live, target, std::move(addresses));
        if (news) changed |= *news;
        if (!news) unjudged = std::move(news).error();
    }
    LineageRecord* current = parts_.find(lineage);
    if (changed && current != nullptr) {
        Result<void> saved = co_await parts_.records.save(*current);
        if (!saved) tasks_.tell_fault(lineage, "What endpoints serve could not be stored", saved.error());
    }
    if (unjudged) fail(*std::move(unjudged));
}

Task<Result<bool>> EndpointWatch::look_at(std::string lineage, config::ConfigPtr config, VersionFacts live,
                                          TargetName target, std::vector<config::VerifyAddress> addresses) {
    const LineageName name = value_or_fail(LineageName::parse(lineage));
    auto sights = co_await parts_.deployer.watch(config, target, addresses, name, live);
    if (!sights) co_return failure(std::move(sights).error());
    // A job may have made another version live meanwhile, for which the endpoint has its time.
    LineageRecord* current = parts_.find(lineage);
    if (current == nullptr || !current->live || current->live->number != live.number) co_return false;
    bool changed = false;
    for (std::size_t i = 0; i < addresses.size(); ++i)
        changed |= take(*current, config->targets.at(target), addresses[i], (*sights)[i]);
    co_return changed;
}

bool EndpointWatch::take(LineageRecord& record, const config::Target& target, const config::VerifyAddress& address,
                         const std::vector<EndpointSight>& sights) {
    EndpointState& endpoint = state_at(record.state, target.name, text(address));
    const EndpointState before = endpoint;
    EndpointChange change =
        record_sights(endpoint, sights, *record.live, record.state, target.verify, parts_.clock.now());
    if (change != EndpointChange::none) tell(record.spec->name, endpoint, change);
    return is_news(before, endpoint);
}

void EndpointWatch::tell(const std::string& lineage, const EndpointState& endpoint, EndpointChange change) {
    Event event;
    event.type = EventType::endpoint_settled;
    event.severity = Severity::notice;
    event.lineage = lineage;
    event.target = endpoint.target.text;
    event.host = endpoint.address;
    event.message = fmt::format("{} is in order again", text(endpoint));
    if (change == EndpointChange::trouble) {
        event.type = EventType::endpoint_trouble;
        event.severity = endpoint.verdict >= Verdict::expiring ? Severity::critical : Severity::warning;
        event.message = "An endpoint that is only watched is out of order";
        event.problem = endpoint.problem;
    }
    event.data = Json::object({{"verdict", to_string(endpoint.verdict)}});
    if (endpoint.verdict != Verdict::silent) {
        event.data.set("fingerprint_sha256", endpoint.served_fingerprint);
        event.data.set("not_after", to_json(endpoint.served_not_after));
    }
    parts_.bus.publish(std::move(event));
}

}  // namespace certd
