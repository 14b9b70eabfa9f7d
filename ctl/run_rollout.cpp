// rollout: how far a version has come over the hosts, once or until it has ended.
#include "ctl/api/types.hpp"
#include "ctl/commands.hpp"
#include "ctl/render.hpp"
#include "ctl/rollout_watch.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd::ctl {

namespace {

constexpr Duration patience = milliseconds(250);  // between two looks, however much happens
constexpr Duration clock_tick = seconds(1);       // what is drawn has ages in it

// What is known at one moment: of the targets asked for that have hosts.
struct Snapshot {
    api::Lineage lineage;
    Json document;
    Time now{};

    bool at_work() const { return lineage.state == "issuing" || lineage.state == "deploying"; }
};

// The members of the daemon's own document that are about rollouts.
Json document_of(const Json& lineage, const std::string& target) {
    Json document = Json::object();
    for (const char* key : {"name", "state", "health", "version", "last_problem"})
        document.set(key, lineage[key]);
    for (const char* key : {"rollouts", "targets"}) {
        Json items = Json::array();
        if (const Json::Array* all = lineage[key].if_array()) {
            for (const Json& item : *all) {
                std::string of = item.string_or("target");
                if (target.empty() || of == target) items.push(item);
            }
        }
        document.set(key, std::move(items));
    }
    return document;
}

Result<Snapshot> look(Context context) {
    const std::string& name = context.options.names.front();
    const std::string& target = context.options.target;
    Result<Json> json = context.client.get("/v1/lineages/" + percent_encode(name));
    if (!json) return failure(std::move(json).error());
    Result<Json> status = context.client.get("/v1/status");
    if (!status) return failure(std::move(status).error());
    Snapshot snapshot{api::lineage_from_json(*json), document_of(*json, target),
                      api::daemon_status_from_json(*status).now};
    api::Lineage& lineage = snapshot.lineage;
    if (!target.empty()) {
        if (std::ranges::find(lineage.targets, target, &api::Target::target) == lineage.targets.end())
            return failure("control.noSuchTarget", fmt::format("{} has no target '{}'", name, target));
        std::erase_if(lineage.rollouts, [&](const api::Rollout& rollout) { return rollout.target != target; });
    }
    return snapshot;
}

std::string page(const Style& style, const Snapshot& snapshot) {
    const api::Lineage& lineage = snapshot.lineage;
    if (lineage.rollouts.empty())
        return wrap(style, "",
                    clean(style, lineage.name, 256) + " is deployed to no other hosts: nothing is rolled out");
    std::string text;
    for (const api::Rollout& rollout : lineage.rollouts) {
        text += text.empty() ? "" : "\n";
        text += render_rollout(style, lineage, rollout, snapshot.now);
        if (!rollout.running) text += render_rollout_end(style, lineage, rollout);
    }
    return text;
}

// As many hosts of each rollout as there is room for: three lines of each are not about a host, and one is left free.
std::string frame(Style style, const Snapshot& snapshot) {
    const api::Lineage& lineage = snapshot.lineage;
    style.width -= 1;  // a full line would make some terminals go to the next
    std::size_t count = std::max<std::size_t>(lineage.rollouts.size(), 1);
    std::size_t height = style.height / count;
    std::size_t rows = height > 6 ? height - 5 : 1;
    std::string text;
    for (const api::Rollout& rollout : lineage.rollouts)
        text += render_rollout(style, lineage, rollout, snapshot.now, rows);
    if (text.empty())
        text = elide_end(style, clean(style, lineage.name, 256) + ": " + lineage.state, style.width) + "\n";
    return text;
}

std::string summary(const Style& style, const Snapshot& snapshot) {
    std::string text;
    for (const api::Rollout& rollout : snapshot.lineage.rollouts) {
        text += fmt::format("{} {}: version {}: {}: {}\n", date_and_time_of_day(style, snapshot.now),
                            clean(style, rollout.target, 128), rollout.version,
                            rollout_phase(style, snapshot.lineage, rollout, snapshot.now), rollout_counts(rollout));
        if (!rollout.running && !snapshot.at_work()) text += render_rollout_end(style, snapshot.lineage, rollout);
    }
    return text.empty() ? page(style, snapshot) : text;
}

// Follows the events of a lineage, and looks again when they tell of something.
class Watch {
   public:
    explicit Watch(Context context)
        : context_(context), live_(context.console.is_terminal() && !context.options.json) {}

    ExitCode run() {
        Result<Snapshot> first = look(context_);
        if (!first) return report(context_, first.error());
        snapshot_ = std::move(*first);
        looked_ = clock();
        if (!context_.options.json && !live_) context_.console.print(summary(context_.console.style(), snapshot_));
        while (snapshot_.at_work()) {
            draw();
            if (std::optional<Problem> wrong = wait()) return end(*wrong);
        }
        return end();
    }

   private:
    std::optional<Problem> wait() {
        if (!events_) {
            Result<Exchange> opened = context_.client.stream(
                "GET", fmt::format("/v1/events?follow=1&after={}&lineage={}", snapshot_.lineage.last_event,
                                   percent_encode(context_.options.names.front())));
            if (!opened) return opened.error();
            events_ = std::move(*opened);
        }
        wait_readable({&*events_}, news_ ? patience : clock_tick);
        if (std::optional<Problem> wrong = read_events()) return wrong;
        // The last of the events comes a moment before the job has ended.
        if (clock() - looked_ < (news_ ? patience : clock_tick)) return std::nullopt;
        Result<Snapshot> seen = look(context_);
        if (!seen) return seen.error();
        snapshot_ = std::move(*seen);
        looked_ = clock();
        news_ = false;
        return std::nullopt;
    }

    std::optional<Problem> read_events() {
        Result<bool> more = events_->read_available();
        while (std::optional<std::string> text = events_->take_line()) {
            Result<Json> json = parse_json(*text, {context_.client.limits().line, 64});
            if (!json || !json->is_object())
                return problem("control.protocol", "A line on the control socket is not a JSON object");
            if (!(*json)["heartbeat"].is_null()) continue;
            news_ = true;
            take(*json, *text);
        }
        if (!more) return more.error();
        if (!*more) return problem("control.connectionLost", "certd ended the stream of events");
        if (events_->silent_for() > context_.client.limits().silence)
            return problem("control.timeout", "certd has fallen silent");
        return std::nullopt;
    }

    void take(const Json& json, const std::string& text) {
        const std::string& wanted = context_.options.target;
        if (live_ || (!wanted.empty() && json.string_or("target", wanted) != wanted)) return;
        if (context_.options.json) {
            context_.console.print(terminal_safe_json(text) + "\n");
        } else if (const std::int64_t* dropped = json["dropped"].if_int()) {
            context_.console.complain(fmt::format("certctl: {} changes were too fast to be told\n", *dropped));
        } else {
            context_.console.print(render_rollout_event(context_.console.style(), api::event_from_json(json)));
        }
    }

    void draw() {
        if (!live_) return;
        Style style = context_.console.style();
        Snapshot aged = snapshot_;
        aged.now += clock() - looked_;
        context_.console.print(screen_.draw(frame(style, aged), style));
    }

    ExitCode end() {
        Style style = context_.console.style();
        if (context_.options.json) {
            context_.console.print(terminal_safe_json(to_text(snapshot_.document)) + "\n");
        } else if (live_) {
            std::string last = frame(style, snapshot_);
            Style narrower = style;  // as the frame is
            narrower.width -= 1;
            for (const api::Rollout& rollout : snapshot_.lineage.rollouts)
                last += render_rollout_end(narrower, snapshot_.lineage, rollout);
            context_.console.print(screen_.draw(last, style));
        } else if (events_) {
            context_.console.print(summary(style, snapshot_));
        }
        return rollout_exit_code(snapshot_.lineage.rollouts);
    }

    ExitCode end(const Problem& wrong) { return report(context_, wrong); }

    static Duration clock() {
        return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch());
    }

    Context context_;
    bool live_;
    Snapshot snapshot_;
    std::optional<Exchange> events_;
    InPlace screen_;
    Duration looked_{};
    bool news_ = false;
};

}  // namespace

ExitCode run_rollout(Context context) {
    if (context.options.watch) return Watch(context).run();
    Result<Snapshot> snapshot = look(context);
    if (!snapshot) return report(context, snapshot.error());
    if (context.options.json) {
        print_json(context, snapshot->document, to_text(snapshot->document));
    } else {
        context.console.print(page(context.console.style(), *snapshot));
    }
    return rollout_exit_code(snapshot->lineage.rollouts);
}

}  // namespace certd::ctl
