// application/x-ndjson streams of events.
#include "daemon/control/stream.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>

#include <utility>

namespace certd::control {

namespace {

Task<> until_ended(std::shared_ptr<Call> call) {
    while (!call->ended())
        co_await call->changed.wait();
}

Task<> until_started(std::shared_ptr<Call> call) {
    while (!call->started())
        co_await call->changed.wait();
}

Task<> never() {
    Signal silent;
    co_await silent.wait();
}

Task<> send_events(Answer& answer, EventCursor& cursor, const std::function<bool(const Event&)>& wanted) {
    std::vector<Event> events = cursor.take();
    if (std::uint64_t lost = cursor.dropped())
        co_await answer.line(Json::object({{"dropped", static_cast<std::int64_t>(lost)}}));
    for (const Event& event : events) {
        if (wanted(event)) co_await answer.line(to_json(event));
    }
}

Json final_line(const Call& call, const std::string& lineage) {
    Json line = *call.outcome ? Json::object({{"result", **call.outcome}})
                              : Json::object({{"problem", to_json(call.outcome->error())}});
    if (!lineage.empty()) line.set("lineage", lineage);
    if (call.job) line.set("job", static_cast<std::int64_t>(*call.job));
    return line;
}

}  // namespace

EventCursor::EventCursor(EventBus& bus, std::uint64_t after)
    : bus_(bus), subscription_(bus.subscribe(1)), after_(after) {}

std::vector<Event> EventCursor::take() {
    if (bus_.last_id() <= after_) return {};
    std::vector<Event> events = bus_.recent(after_);
    if (!events.empty() && after_ != 0 && events.front().id > after_ + 1) dropped_ += events.front().id - after_ - 1;
    after_ = events.empty() ? bus_.last_id() : events.back().id;
    return events;
}

std::uint64_t EventCursor::dropped() {
    return std::exchange(dropped_, 0);
}

Task<> EventCursor::wait() {
    while (bus_.last_id() <= after_)
        co_await subscription_.next();
}

Task<bool> wait_for(Clock& clock, Duration limit, Task<> one, Task<> other) {
    auto executor = co_await asio::this_coro::executor;
    auto group = asio::experimental::make_parallel_group(asio::co_spawn(executor, std::move(one), asio::deferred),
                                                         asio::co_spawn(executor, std::move(other), asio::deferred),
                                                         asio::co_spawn(executor, clock.sleep(limit), asio::deferred));
    auto [order, one_error, other_error, sleep_error] =
        co_await group.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
    std::exception_ptr error = order[0] == 0 ? one_error : order[0] == 1 ? other_error : sleep_error;
    if (error) std::rethrow_exception(error);
    co_return order[0] != 2;
}

Task<bool> wait_for_events(Clock& clock, Duration limit, EventCursor& cursor) {
    co_return co_await wait_for(clock, limit, cursor.wait(), never());
}

Json heartbeat(const Clock& clock) {
    return Json::object({{"heartbeat", to_json(std::optional<Time>(clock.now()))}});
}

Task<> await_start(std::shared_ptr<Call> call, Clock& clock) {
    if (!call->started()) co_await wait_for(clock, heartbeat_interval, until_started(call), never());
}

Task<> stream_call(Answer& answer, std::shared_ptr<Call> call, EventCursor& cursor, Clock& clock, std::string lineage) {
    co_await answer.begin("application/x-ndjson");
    auto of_the_job = [call](const Event& event) { return call->job && event.job == *call->job; };
    bool told = false;
    for (;;) {
        bool ended = call->ended();  // looked at first: what happened before the end is then in the history
        if (call->job && !std::exchange(told, true)) {
            api::JobStarted started{lineage, *call->job, call->joined};
            co_await answer.line(Json::object({{"started", api::to_json(started)}}));
        }
        co_await send_events(answer, cursor, of_the_job);
        if (ended) break;
        if (!co_await wait_for(clock, heartbeat_interval, cursor.wait(), until_ended(call)))
            co_await answer.line(heartbeat(clock));
    }
    co_await answer.line(final_line(*call, lineage));
    co_await answer.finish();
}

Task<> stream_events(Answer& answer, EventCursor& cursor, Clock& clock, std::function<bool(const Event&)> wanted,
                     bool follow) {
    co_await answer.begin("application/x-ndjson");
    for (;;) {
        co_await send_events(answer, cursor, wanted);
        if (!follow) break;
        if (!co_await wait_for_events(clock, heartbeat_interval, cursor)) co_await answer.line(heartbeat(clock));
    }
    co_await answer.finish();
}

}  // namespace certd::control
