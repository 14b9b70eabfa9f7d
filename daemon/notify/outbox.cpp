// Queueing, back-off and giving up.
#include "daemon/notify/outbox.hpp"

#include "daemon/notify/codec.hpp"

#include <algorithm>
#include <array>

namespace certd {

namespace {

constexpr std::array<Duration, 5> pauses = {seconds(10), minutes(1), minutes(5), minutes(15), hours(1)};
constexpr Duration longest_wish = hours(6);  // of a receiver that says when to come again
constexpr Duration longest_life = days(1);   // of a message that cannot be delivered
constexpr std::uint32_t refusals = 8;
constexpr std::uint32_t failures_to_tell = 3;

bool is_refusal(const Problem& problem) {
    return problem.code == "notify.refused" || problem.code == "notify.mail";
}

// What an item's JSON consists of.
struct Record {
    Json message;
    Time queued{};
    std::uint32_t attempts = 0;
    bool operator==(const Record&) const = default;
};
struct BoxRecord {
    std::vector<Record> items;
    std::optional<Time> next_attempt;
    std::uint32_t failures = 0;
    std::optional<Problem> problem;
    std::optional<Time> last_delivery;
};

}  // namespace

namespace codec {

template <>
struct Coder<Json> {
    static Json encode(const Json& value) { return value; }
    static bool decode(const Json& json, Json& value) {
        value = json;
        return true;
    }
};

template <class Visit>
static void fields(Is<Record> auto& record, Visit& visit) {
    visit("message", record.message);
    visit("queued", record.queued);
    visit.optional("attempts", record.attempts);
}

template <class Visit>
static void fields(Is<BoxRecord> auto& record, Visit& visit) {
    visit.optional("items", record.items);
    visit.optional("next_attempt", record.next_attempt);
    visit.optional("failures", record.failures);
    visit.optional("problem", record.problem);
    visit.optional("last_delivery", record.last_delivery);
}

}  // namespace codec

void push(Outbox& outbox, Message message, Time now) {
    if (outbox.items.size() >= outbox_limit) {
        // The first is being delivered, perhaps.
        auto victim = std::find_if(outbox.items.begin() + 1, outbox.items.end(),
                                   [](const Outbox::Item& item) { return item.message.event == "reminder"; });
        outbox.items.erase(victim != outbox.items.end() ? victim : outbox.items.begin() + 1);
        ++outbox.dropped;
    }
    outbox.items.push_back({std::move(message), now});
}

void note_delivered(Outbox& outbox, Time now) {
    outbox.items.pop_front();
    outbox.next_attempt.reset();
    outbox.failures = 0;
    outbox.problem.reset();
    outbox.last_delivery = now;
    ++outbox.delivered;
}

void note_tested(Outbox& outbox, Time now) {
    outbox.last_delivery = now;
    if (!outbox.items.empty()) return;
    outbox.problem.reset();
    outbox.failures = 0;
}

void note_failed(Outbox& outbox, const Problem& problem, Time now) {
    Outbox::Item& item = outbox.items.front();
    ++item.attempts;
    ++outbox.failed;
    ++outbox.failures;
    outbox.problem = problem;
    bool old = now - item.queued >= longest_life;
    if (old || (item.attempts >= refusals && is_refusal(problem))) {
        outbox.items.pop_front();
        ++outbox.dropped;
    }
    Time at = saturating_add(now, pauses[std::min<std::size_t>(outbox.failures, pauses.size()) - 1]);
    if (problem.not_before) at = std::clamp(*problem.not_before, at, std::max(at, saturating_add(now, longest_wish)));
    outbox.next_attempt = at;
}

void note_beat(Outbox& outbox, const std::optional<Problem>& problem, Time now) {
    outbox.problem = problem;
    outbox.failures = problem ? outbox.failures + 1 : 0;
    ++(problem ? outbox.failed : outbox.delivered);
    if (!problem) outbox.last_delivery = now;
}

bool is_failing(const Outbox& outbox) {
    return outbox.problem && outbox.failures >= failures_to_tell;
}

Json to_json(const Outbox& outbox) {
    BoxRecord record{{}, outbox.next_attempt, outbox.failures, outbox.problem, outbox.last_delivery};
    for (const Outbox::Item& item : outbox.items)
        record.items.push_back({to_json(item.message), item.queued, item.attempts});
    return codec::Coder<BoxRecord>::encode(record);
}

Result<Outbox> outbox_from_json(const Json& json) {
    Result<BoxRecord> record = codec::decode_document<BoxRecord>(json, "The outbox of a notifier");
    if (!record) return failure(record.error());
    Outbox outbox;
    outbox.next_attempt = record->next_attempt;
    outbox.failures = record->failures;
    outbox.problem = record->problem;
    outbox.last_delivery = record->last_delivery;
    for (Record& item : record->items) {
        Result<Message> message = message_from_json(item.message);
        if (!message) return failure(message.error());
        outbox.items.push_back({*std::move(message), item.queued, item.attempts});
    }
    return outbox;
}

}  // namespace certd
