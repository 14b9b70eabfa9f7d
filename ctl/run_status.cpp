// status, explain and plan: what certctl reads and shows.
#include "ctl/api/types.hpp"
#include "ctl/commands.hpp"
#include "ctl/render.hpp"
#include "ctl/status_watch.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace certd::ctl {

namespace {

constexpr Duration watch_interval = seconds(2);

std::string path_of(const std::string& name, std::string_view rest = {}) {
    return "/v1/lineages/" + percent_encode(name) + std::string(rest);
}

// The daemon's own time: what it plans is relative to that.
Result<api::DaemonStatus> daemon_status(Context context) {
    Result<Json> json = context.client.get("/v1/status");
    if (!json) return failure(std::move(json).error());
    return api::daemon_status_from_json(*json);
}

ExitCode code_of(bool healthy) {
    return healthy ? ExitCode::ok : ExitCode::unhealthy;
}

ExitCode show_document(Context context) {
    Result<StatusAnswer> answer = ask_status(context);
    if (!answer) return report(context, answer.error());
    print_json(context, answer->document, answer->text);
    return code_of(answer->is_healthy());
}

ExitCode show_text(Context context) {
    Result<StatusSight> sight = look_at_status(context);
    if (!sight) return report(context, sight.error());
    const Style style = context.console.style();
    const api::DaemonStatus& daemon = sight->daemon;
    context.console.print(
        sight->in_full
            ? render_lineage(style, sight->lineages.front(), daemon.now, context.options.all_hosts)
            : render_status(style, sight->lineages, daemon.now, daemon.config_problem, daemon.notify_problem));
    return code_of(std::ranges::all_of(sight->lineages, [](const auto& lineage) { return lineage.health == "ok"; }));
}

ExitCode show(Context context) {
    return context.options.json ? show_document(context) : show_text(context);
}

// Where nothing can be drawn: one after the other.
ExitCode show_repeatedly(Context context) {
    for (;;) {
        const ExitCode code = show(context);
        if (code != ExitCode::ok && code != ExitCode::unhealthy) return code;
        if (!context.console.pause(watch_interval)) return code;
        if (!context.options.json) context.console.print("\n");
    }
}

ExitCode watch(Context context) {
    if (context.options.json || !context.console.can_draw()) return show_repeatedly(context);
    Result<StatusSight> first = look_at_status(context);
    if (!first) return report(context, first.error());
    const std::unique_ptr<Screen> screen = context.console.open_screen();
    return StatusWatch(context, *std::move(first)).run(*screen);
}

}  // namespace

ExitCode run_status(Context context) {
    return context.options.watch ? watch(context) : show(context);
}

ExitCode run_explain(Context context) {
    std::string text;
    Result<Json> json = context.client.get(path_of(context.options.names.front(), "/explain"), &text);
    if (!json) return report(context, json.error());
    if (context.options.json) {
        print_json(context, *json, text);
        return ExitCode::ok;
    }
    Result<api::DaemonStatus> daemon = daemon_status(context);
    if (!daemon) return report(context, daemon.error());
    context.console.print(render_explanation(context.console.style(), api::explanation_from_json(*json), daemon->now));
    return ExitCode::ok;
}

ExitCode run_plan(Context context) {
    std::string text;
    Result<Json> json = context.client.get("/v1/plan", &text);
    if (!json) return report(context, json.error());
    if (context.options.json) {
        print_json(context, *json, text);
        return ExitCode::ok;
    }
    std::vector<api::PlanEntry> plan;
    if (const Json::Array* items = (*json)["plan"].if_array()) {
        for (const Json& item : *items)
            plan.push_back(api::plan_entry_from_json(item));
    }
    context.console.print(render_plan(context.console.style(), plan, time_in(*json, "now").value_or(Time{})));
    return ExitCode::ok;
}

ExitCode run_limits(Context context) {
    std::string text;
    Result<Json> json = context.client.get("/v1/limits", &text);
    if (!json) return report(context, json.error());
    if (context.options.json) {
        print_json(context, *json, text);
        return ExitCode::ok;
    }
    std::vector<api::LimitUse> uses;
    if (const Json::Array* items = (*json)["limits"].if_array()) {
        for (const Json& item : *items)
            uses.push_back(api::limit_use_from_json(item));
    }
    context.console.print(render_limits(context.console.style(), uses, time_in(*json, "now").value_or(Time{})));
    return ExitCode::ok;
}

}  // namespace certd::ctl
