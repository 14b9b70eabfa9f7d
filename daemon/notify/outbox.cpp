// Queueing, back-off and giving up.
#include "daemon/notify/outbox.hpp"

#include "daemon/lineage/codec.hpp"

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

}  // namespace

namespace codec {

template <>
struct Coder<Message> {
    static Json encode(const Message& value) { return to_json(value); }
    static bool decode(const Json& json, Message& value) {
        Result<Message> message = message_from_json(json);
        if (message) value = *std::move(message);
        return message.has_value();
    }
};

template <class Visit>
static void fields(Is<Outbox::Item> auto& item, Visit& visit) {
    visit("message", item.message);
    visit("queued", item.queued);
    visit.optional("attempts", item.attempts);
}

template <class Visit>
static void fields(Is<Outbox> auto& outbox, Visit& visit) {
    visit.optional("items", outbox.items);
    visit.optional("next_attempt", outbox.next_attempt);
    visit.optional("failures", outbox.failures);
    visit.optional("problem", outbox.problem);
    visit.optional("last_delivery", outbox.last_delivery);
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
    outbox.items.erase(outbox.items.begin());
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
        outbox.items.erase(outbox.items.begin());
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
    return codec::Coder<Outbox>::encode(outbox);
}

Result<Outbox> outbox_from_json(const Json& json) {
    return codec::decode_document<Outbox>(json, "The outbox of a notifier");
}

}  // namespace certd
