// Token buckets as one time each: when the bucket would be full again. A token moves it by one refill.
#include "daemon/lineage/limits.hpp"

#include "libacme/base/text.hpp"
#include "libacme/crypto/digest.hpp"

#include <algorithm>
#include <array>
#include <set>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <libpsl.h>

namespace certd {

namespace {

// Production limits of Let's Encrypt as of 2026-08.
constexpr BudgetModel letsencrypt{
    {"orders", "new orders of the account", "new orders", 300, seconds(36)},
    {"domain", "certificates for the registered domain {}", "already issued for \"", 50, minutes(202)},
    {"exact-set", "certificates for exactly the names {}", "exact set of", 5, minutes(2016)},
    {"failures", "failed validations of {}", "failed authorizations", 5, minutes(12)}};

constexpr std::array<std::string_view, 6> validation_codes = {
    "acme.unauthorized", "acme.connection", "acme.dns", "acme.tls", "acme.incorrectResponse", "acme.caa"};

struct Draw {
    const Bucket* bucket;
    std::string key;
};

std::string ledger_key(const Draw& draw) {
    return draw.key.empty() ? std::string(draw.bucket->kind) : fmt::format("{} {}", draw.bucket->kind, draw.key);
}

std::string base_name(const Identifier& name) {
    return name.is_wildcard() ? name.value.substr(2) : name.value;
}

// Long sets are told apart by their digest, and shown by their first name.
std::string set_key(const OrderFacts& order) {
    std::set<std::string> names;
    for (const Identifier& name : order.names)
        names.insert(name.value);
    std::string all = join(std::vector<std::string>(names.begin(), names.end()), ",");
    return fmt::format("{}+{}:{}", *names.begin(), names.size() - 1, sha256_hex(all).substr(0, 16));
}

std::vector<Draw> by_name(const Bucket& bucket, const OrderFacts& order, std::string (*key_of)(const Identifier&)) {
    std::set<std::string> keys;
    for (const Identifier& name : order.names)
        keys.insert(key_of(name));
    std::vector<Draw> draws;
    for (const std::string& key : keys)
        draws.push_back({&bucket, key});
    return draws;
}

void append(std::vector<Draw>& draws, std::vector<Draw> more) {
    std::ranges::move(more, std::back_inserter(draws));
}

std::vector<Draw> certificate_draws(const BudgetModel& model, const OrderFacts& order) {
    if (order.suggested) return {};
    std::vector<Draw> draws{{&model.exact_set, set_key(order)}};
    if (!order.renewal) append(draws, by_name(model.domain, order, registered_domain));
    return draws;
}

std::vector<Draw> order_draws(const BudgetModel& model, const OrderFacts& order) {
    std::vector<Draw> draws = certificate_draws(model, order);
    if (!order.renewal && !order.suggested) draws.push_back({&model.orders, ""});
    return draws;
}

Time full_at(const Ledger& ledger, const Draw& draw, Time now) {
    auto found = ledger.full_at.find(ledger_key(draw));
    return found == ledger.full_at.end() ? now : std::max(now, found->second);
}

// With one token left the bucket is capacity - 1 refills from being full.
Time next_token(const Bucket& bucket, Time full) {
    return full - bucket.refill * (bucket.capacity - 1);
}

void take(Ledger& ledger, const Draw& draw, Time now) {
    ledger.full_at[ledger_key(draw)] = saturating_add(full_at(ledger, draw, now), draw.bucket->refill);
}

void give_back(Ledger& ledger, const Draw& draw, Time now) {
    ledger.full_at[ledger_key(draw)] = full_at(ledger, draw, now) - draw.bucket->refill;
}

// Nothing more before `until`, whatever had been counted: others may spend from the same bucket.
void empty_until(Ledger& ledger, const Draw& draw, Time until, Time now) {
    Time full = saturating_add(until, draw.bucket->refill * (draw.bucket->capacity - 1));
    ledger.full_at[ledger_key(draw)] = std::max(full_at(ledger, draw, now), full);
}

// The CA names the limit in words only (acme-facts §7.1).
void learn(const BudgetModel& model, Ledger& ledger, const OrderFacts& order, const Problem& problem, Time now) {
    if (!problem.not_before) return;
    std::vector<Draw> draws = order_draws(model, order);
    append(draws, by_name(model.failures, order, base_name));
    for (const Draw& draw : draws) {
        bool by_key = draw.bucket == &model.domain || draw.bucket == &model.failures;
        bool key_named = !by_key || problem.remote.find('"' + draw.key + '"') != std::string::npos;
        if (key_named && problem.remote.find(draw.bucket->refusal) != std::string::npos)
            empty_until(ledger, draw, *problem.not_before, now);
    }
}

const Bucket* bucket_of(const BudgetModel& model, std::string_view kind) {
    for (const Bucket* bucket : {&model.orders, &model.domain, &model.exact_set, &model.failures}) {
        if (bucket->kind == kind) return bucket;
    }
    return nullptr;
}

std::string reason_of(const Draw& draw, const OrderFacts& order) {
    std::string_view key = draw.key;
    if (draw.bucket->kind == letsencrypt.exact_set.kind) key = order.names.front().value;
    return fmt::format("rate budget: {} are used up ({} per {})", fmt::format(fmt::runtime(draw.bucket->counts), key),
                       draw.bucket->capacity, format_approximate(draw.bucket->refill * draw.bucket->capacity));
}

}  // namespace

const BudgetModel* budget_model(config::LimitsModel limits) {
    return limits == config::LimitsModel::letsencrypt ? &letsencrypt : nullptr;
}

Json to_json(const Ledger& ledger) {
    Json times = Json::object();
    for (const auto& [key, time] : ledger.full_at)
        times.set(key, format_rfc3339(time));
    return Json::object({{"full_at", std::move(times)}});
}

Result<Ledger> ledger_from_json(const Json& json) {
    const Json::Object* times = json["full_at"].if_object();
    if (!times) return failure("storage.corrupt", "limits.json is damaged: it has no object 'full_at'");
    Ledger ledger;
    for (const auto& [key, value] : *times) {
        const std::string* text = value.if_string();
        std::optional<Time> time = text ? parse_rfc3339(*text) : std::nullopt;
        if (!time) return failure("storage.corrupt", "limits.json is damaged: a time in 'full_at' is none");
        ledger.full_at.emplace(key, *time);
    }
    return ledger;
}

Allowance allowance(const BudgetModel& model, const Ledger& ledger, const OrderFacts& order, Time now) {
    std::vector<Draw> draws = order_draws(model, order);
    if (!order.suggested) append(draws, by_name(model.failures, order, base_name));
    Allowance result{now, {}};
    for (const Draw& draw : draws) {
        Time at = next_token(*draw.bucket, full_at(ledger, draw, now));
        if (at > result.at) result = {at, reason_of(draw, order)};
    }
    return result;
}

void charge_order(const BudgetModel& model, Ledger& ledger, const OrderFacts& order, Time now) {
    for (const Draw& draw : order_draws(model, order))
        take(ledger, draw, now);
}

void refund_order(const BudgetModel& model, Ledger& ledger, const OrderFacts& order, Time now) {
    for (const Draw& draw : order_draws(model, order))
        give_back(ledger, draw, now);
}

void charge_failure(const BudgetModel& model, Ledger& ledger, const OrderFacts& order, const Problem& problem,
                    Time now) {
    for (const Draw& draw : certificate_draws(model, order))
        give_back(ledger, draw, now);
    if (std::ranges::find(validation_codes, problem.code) != validation_codes.end()) {
        OrderFacts at_fault = order;
        if (!order.refused.empty()) at_fault.names = order.refused;
        for (const Draw& draw : by_name(model.failures, at_fault, base_name))
            take(ledger, draw, now);
    }
    if (problem.code == "acme.rateLimited") learn(model, ledger, order, problem, now);
}

std::vector<BucketUse> survey(const BudgetModel& model, const Ledger& ledger, Time now) {
    std::vector<BucketUse> uses;
    for (const auto& [name, full] : ledger.full_at) {
        std::size_t space = std::min(name.find(' '), name.size());
        const Bucket* bucket = bucket_of(model, std::string_view(name).substr(0, space));
        if (bucket == nullptr || full <= now) continue;
        auto used = (full - now + bucket->refill - Duration(1)) / bucket->refill;
        BucketUse use;
        use.kind = bucket->kind;
        use.key = name.substr(std::min(space + 1, name.size()));
        use.used = static_cast<std::uint32_t>(std::min<std::int64_t>(used, bucket->capacity));
        use.capacity = bucket->capacity;
        use.next = std::max(now, next_token(*bucket, full));
        use.full_at = full;
        uses.push_back(std::move(use));
    }
    return uses;
}

void prune(Ledger& ledger, Time now) {
    std::erase_if(ledger.full_at, [now](const auto& entry) { return entry.second <= now; });
}

std::string registered_domain(const Identifier& name) {
    if (name.type == Identifier::Type::dns) {
        std::string base = base_name(name);
        const char* found = psl_registrable_domain(psl_builtin(), base.c_str());
        return found ? found : base;
    }
    std::array<std::uint8_t, 16> address{};
    if (::inet_pton(AF_INET6, name.value.c_str(), address.data()) != 1) return name.value;
    std::fill(address.begin() + 8, address.end(), std::uint8_t{0});
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(AF_INET6, address.data(), text.data(), text.size());
    return std::string(text.data()) + "/64";
}

}  // namespace certd
