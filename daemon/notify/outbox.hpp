// What waits to be delivered by one notifier: bounded, in order, with back-off. Pure.
#pragma once

#include "daemon/notify/message.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace certd {

constexpr std::size_t outbox_limit = 100;

struct Outbox {
    struct Item {
        Message message;
        Time queued{};
        std::uint32_t attempts = 0;
        bool operator==(const Item&) const = default;
    };
    std::vector<Item> items;
    std::optional<Time> next_attempt;  // of the first item; unset: now
    std::uint32_t failures = 0;        // in a row, over items
    std::optional<Problem> problem;    // of the last attempt; unset: it succeeded
    std::optional<Time> last_delivery;
    // Since certd started.
    std::uint64_t delivered = 0, failed = 0, dropped = 0;
};

// When it is full a reminder makes room, the oldest first, else the oldest message; that is counted.
void push(Outbox& outbox, Message message, Time now);
void note_delivered(Outbox& outbox, Time now);
// A test message got through; what waits is no nearer to having been delivered.
void note_tested(Outbox& outbox, Time now);
// Again after 10 s, 1, 5, 15 and then every 60 minutes, or when the receiver asked for; given up, and counted as
// dropped, after a day, or after eight attempts that the receiver refused.
void note_failed(Outbox& outbox, const Problem& problem, Time now);
// Of a heartbeat, which has no messages.
void note_beat(Outbox& outbox, const std::optional<Problem>& problem, Time now);
// It does not look as if the next attempt would succeed: that is told through others.
bool is_failing(const Outbox& outbox);

Json to_json(const Outbox& outbox);  // without the counters
Result<Outbox> outbox_from_json(const Json& json);

}  // namespace certd
