#include "daemon/deploy/order_context.hpp"

#include "daemon/deploy/parts.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd {

namespace {

// Blocking.
Result<OrderContext> load(DeployShared& shared, const DeployOrder& order) {
    auto name = LineageName::parse(order.spec->name);
    if (!name) return failure(name.error());
    auto files = shared.store.read_version(*name, order.version);
    if (!files) return failure(files.error());
    auto facts = shared.store.version(*name, order.version);
    if (!facts) return failure(facts.error());
    auto live = shared.store.live(*name);
    if (!live) return failure(live.error());
    std::optional<VersionFacts> previous;
    if (*live) {
        if (auto known = shared.store.version(*name, *live)) previous = *known;
    }
    return OrderContext{shared, order, *name, std::move(*files), std::move(*facts), *live, std::move(previous)};
}

// A certificate that has expired never takes the place of one that has not (faults I6, F56).
Result<void> check_not_worse(const OrderContext& context) {
    const Time now = context.shared.clock.now();
    const bool previous_valid = context.previous_facts && context.previous_facts->valid_until() > now;
    if (context.facts.valid_until() > now || !previous_valid || context.previous == context.facts.number) return {};
    return failure("deploy.expired",
                   fmt::format("Version {} expired {}, while version {} is valid", context.facts.number.value,
                               format_rfc3339(context.facts.valid_until()), context.previous.value));
}

}  // namespace

bool OrderContext::expired(Time not_after) const {
    const Time now = shared.clock.now();
    return !order.manual_rollback && not_after <= now && facts.valid_until() > now;
}

void OrderContext::tell(EventType type, Severity severity, const Place& place, std::string message, Json data,
                        std::optional<Problem> cause) const {
    Event event;
    event.type = type;
    event.severity = severity;
    event.lineage = lineage.text();
    event.target = place.target.text;
    if (!place.target.text.empty()) event.host = place.host;
    event.job = order.job;
    event.message = std::move(message);
    event.problem = std::move(cause);
    event.data = std::move(data);
    event.data.set("version", order.version.value);
    shared.events(std::move(event));
}

std::optional<Problem> unknown_place(const DeployShared& shared, const DeployOrder& order) {
    for (const Place& place : order.places) {
        const auto target = order.config->targets.find(place.target);
        if (target == order.config->targets.end())
            return problem("deploy.install", "There is no target " + place.target.text);
        const auto& hosts = target->second.hosts;
        const bool known = place.is_local()
                               ? hosts.empty()
                               : shared.hosts != nullptr &&
                                     std::ranges::find(hosts, place.host, &config::RemoteHost::name) != hosts.end();
        if (!known) return problem("deploy.install", "There is no way to " + text(place));
    }
    return std::nullopt;
}

Task<Result<OrderContext>> prepare(DeployShared& shared, DeployOrder order) {
    auto context = co_await offload(shared.workers, [&] { return load(shared, order); });
    if (!context) co_return context;
    if (auto checked = check_version(context->files, context->facts); !checked) co_return failure(checked.error());
    if (auto checked = check_not_worse(*context); !checked) co_return failure(checked.error());
    co_return context;
}

}  // namespace certd
