#include "daemon/lineage/places.hpp"

#include "libacme/base/text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd {

namespace {

// Empty: the target is on this machine.
const std::vector<config::RemoteHost>& hosts_of(const TargetName& target, const Targets* known) {
    static const std::vector<config::RemoteHost> none;
    if (known == nullptr) return none;
    auto configured = known->find(target);
    return configured == known->end() ? none : configured->second.hosts;
}

bool is_watched(const TargetName& target, const Targets* known) {
    if (known == nullptr) return false;
    auto configured = known->find(target);
    return configured != known->end() && configured->second.is_watched();
}

}  // namespace

std::vector<Place> places_of(const std::vector<TargetName>& targets, const Targets* known) {
    std::vector<Place> places;
    for (const TargetName& target : targets) {
        if (is_watched(target, known)) continue;
        const auto& hosts = hosts_of(target, known);
        if (hosts.empty()) places.push_back({target});
        for (const config::RemoteHost& host : hosts)
            places.push_back({target, host.name});
    }
    std::ranges::stable_partition(places, &Place::is_local);
    return places;
}

std::size_t count_places(const std::vector<TargetName>& targets, const Targets* known) {
    std::size_t count = 0;
    for (const TargetName& target : targets) {
        if (!is_watched(target, known)) count += std::max<std::size_t>(hosts_of(target, known).size(), 1);
    }
    return count;
}

std::string list(const std::vector<Place>& places) {
    std::vector<std::string> items;
    for (auto first = places.begin(); first != places.end();) {
        auto last =
            std::find_if(first, places.end(), [&](const Place& place) { return place.target != first->target; });
        items.push_back(last - first == 1 ? text(*first)
                                          : fmt::format("{} ({} hosts)", first->target.text, last - first));
        first = last;
    }
    return join(items, ", ");
}

}  // namespace certd
