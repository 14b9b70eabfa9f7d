// EndpointWatch: looks, their results, and what is told of them.
#include "daemon/schedule/endpoint_watch.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd {

namespace {

// All endpoints are in one lane: a few lineages at a time, however many endpoints do not answer.
constexpr std::size_t looks_at_a_time = 8;
const std::string lane = "endpoints";
constexpr Duration after_unexpected = minutes(10);

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
      queue_(looks_at_a_time),
      tasks_(std::move(executor), [this](const std::string& name, std::exception_ptr error) {
          tell_fault(name, "A look at endpoints ended unexpectedly", problem_of(error));
      }) {}

void EndpointWatch::place(const LineageRecord& record) {
    remove(record.spec->name);
    if (record.state.paused || !record.live) return;
    config::ConfigPtr config = parts_.config();
    auto watched = watched_endpoints(*record.spec, *config, record.state, started_);
    if (watched.empty()) return;
    Time at = std::ranges::min(watched, {}, &WatchedEndpoint::at).at;
    if (auto broken = broken_off_.find(record.spec->name); broken != broken_off_.end())
        at = std::max(at, saturating_add(broken->second, after_unexpected));
    queue_.place(lane, at, record.spec->name);
}

void EndpointWatch::start_due() {
    while (auto admitted = queue_.admit(parts_.clock.now())) {
        std::string name = admitted->lineage;
        tasks_.spawn(std::move(name), look(*std::move(admitted)));
    }
}

Task<> EndpointWatch::look(PollQueue::Admitted admitted) {
    std::exception_ptr error;
    try {
        co_await look_at_targets(admitted.lineage);
    } catch (...) {
        error = std::current_exception();
    }
    queue_.done(admitted);
    broken_off_.erase(admitted.lineage);
    if (error) broken_off_[admitted.lineage] = parts_.clock.now();
    parts_.ended(admitted.lineage);
    if (error) std::rethrow_exception(error);
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
    for (auto& [target, addresses] : due)
        changed |= co_await look_at(lineage, config, live, target, std::move(addresses));
    LineageRecord* current = parts_.find(lineage);
    if (!changed || current == nullptr) co_return;
    Result<void> saved = co_await parts_.records.save(*current);
    if (!saved) tell_fault(lineage, "What endpoints serve could not be stored", saved.error());
}

Task<bool> EndpointWatch::look_at(std::string lineage, config::ConfigPtr config, VersionFacts live, TargetName target,
                                  std::vector<config::VerifyAddress> addresses) {
    const LineageName name = value_or_fail(LineageName::parse(lineage));
    auto sights = co_await parts_.deployer.watch(config, target, addresses, name, live);
    if (!sights) fail(sights.error());
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

// Of certd itself, not of the endpoint.
void EndpointWatch::tell_fault(const std::string& lineage, std::string message, Problem problem) {
    Event event;
    event.type = EventType::daemon_problem;
    event.severity = Severity::error;
    event.lineage = lineage;
    event.message = std::move(message);
    event.problem = std::move(problem);
    parts_.bus.publish(std::move(event));
}

}  // namespace certd
