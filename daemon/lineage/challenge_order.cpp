// The order of challenge types.
#include "daemon/lineage/challenge_order.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd {

namespace {

bool contains(const std::vector<std::string>& list, std::string_view text) {
    return std::ranges::find(list, text) != list.end();
}

// As written; a type that came by default stands behind.
std::vector<std::string> preferred(const config::Challenge& challenge) {
    std::vector<std::string> types = challenge.order;
    if (challenge.http01 && !contains(types, "http-01")) types.emplace_back("http-01");
    if (challenge.dns01 && !contains(types, "dns-01")) types.emplace_back("dns-01");
    if (challenge.tls_alpn01 && !contains(types, "tls-alpn-01")) types.emplace_back("tls-alpn-01");
    if (challenge.dns_account01 && !contains(types, "dns-account-01")) types.emplace_back("dns-account-01");
    if (challenge.dns_persist01 && !contains(types, "dns-persist-01")) types.emplace_back("dns-persist-01");
    return types;
}

}  // namespace

std::vector<std::string> challenge_order(const config::Challenge& challenge, const std::vector<std::string>& refused) {
    std::vector<std::string> types = preferred(challenge);
    std::ranges::stable_sort(types, {}, [&](const std::string& type) {
        auto place = std::ranges::find(refused, type);
        return place == refused.end() ? 0 : place - refused.begin() + 1;
    });
    return types;
}

void note_refused(CaAttempts& attempts, const std::string& type) {
    std::erase(attempts.refused, type);
    attempts.refused.push_back(type);
}

std::vector<std::string> challenge_reasons(const config::Lineage& spec, const std::vector<std::string>& refused) {
    std::vector<std::string> reasons;
    auto look_at = [&](const config::Challenge& challenge) {
        std::vector<std::string> wanted = preferred(challenge), order = challenge_order(challenge, refused);
        if (wanted.empty() || wanted.front() == order.front()) return;
        std::string reason = fmt::format("{} is tried next, because {} failed", order.front(), wanted.front());
        if (!contains(reasons, reason)) reasons.push_back(std::move(reason));
    };
    look_at(spec.challenge);
    for (const config::NameChallenge& item : spec.name_challenges)
        look_at(item.challenge);
    return reasons;
}

}  // namespace certd
