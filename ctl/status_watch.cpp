#include "ctl/status_watch.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

namespace certd::ctl {

namespace {

constexpr Duration tick = seconds(1);      // the clock in the title, and what has ages in it
constexpr Duration unasked = seconds(30);  // some things change without an event: what is near its time
constexpr Duration reconnect = seconds(2);
constexpr int share = 10;  // certd is kept busy for at most this part of the time

Duration monotonic() {
    return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace

StatusWatch::StatusWatch(Context context, StatusSight first)
    : context_(context), view_(context.options.all_hosts), heard_(monotonic()), looked_(heard_) {
    view_.take(std::move(first));
}

ExitCode StatusWatch::run(Screen& screen) {
    for (;;) {
        screen.show(view_.rows(context_.console.style(), now()));
        const Key key = screen.wait(events_ ? events_->fd() : -1, next_tick());
        if (key == Key::quit) break;
        view_.press(key);
        take_events();
        if (wants_to_look()) look();
    }
    if (view_.is_lost()) return ExitCode::unreachable;
    const auto& lineages = view_.sight().lineages;
    const bool healthy = std::ranges::all_of(lineages, [](const auto& lineage) { return lineage.health == "ok"; });
    return healthy ? ExitCode::ok : ExitCode::unhealthy;
}

void StatusWatch::look() {
    const Duration begun = monotonic();
    Result<StatusSight> sight = look_at_status(context_);
    looked_ = monotonic();
    took_ = looked_ - begun;
    has_news_ = false;
    if (!sight) return lose(std::move(sight).error());
    heard_ = looked_;
    view_.take(*std::move(sight));
}

void StatusWatch::take_events() {
    if (view_.is_lost()) return;
    if (!events_) {
        Result<Exchange> opened =
            context_.client.stream("GET", fmt::format("/v1/events?follow=1&after={}", view_.sight().last_event));
        if (!opened) return lose(std::move(opened).error());
        events_ = *std::move(opened);
    }
    Result<bool> more = events_->read_available();
    while (std::optional<std::string> line = events_->take_line())
        has_news_ |= !line->starts_with(R"({"heartbeat")");
    if (!more) return lose(std::move(more).error());
    if (!*more) return lose(problem("control.connectionLost", "certd ended the stream of events"));
    if (events_->silent_for() > context_.client.limits().silence)
        return lose(problem("control.timeout", "certd has fallen silent"));
}

void StatusWatch::lose(Problem problem) {
    events_.reset();
    view_.lose(std::move(problem), now());
}

bool StatusWatch::wants_to_look() const {
    // However long a certd that stops or starts kept the last look waiting.
    const Duration rest = view_.is_lost() ? reconnect : std::max(has_news_ ? tick : unasked, share * took_);
    return monotonic() - looked_ >= rest;
}

Duration StatusWatch::next_tick() const {
    // News that came too soon after the last look wait for their time, and must not make this a busy loop.
    return has_news_ ? std::clamp(looked_ + std::max(tick, share * took_) - monotonic(), milliseconds(50), tick) : tick;
}

Time StatusWatch::now() const {
    return view_.sight().daemon.now + (monotonic() - heard_);
}

}  // namespace certd::ctl
