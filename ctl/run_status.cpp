// status, explain and plan: what certctl reads and shows.
#include "ctl/api/types.hpp"
#include "ctl/commands.hpp"
#include "ctl/render.hpp"

#include <algorithm>

namespace certd::ctl {

namespace {

constexpr Duration watch_interval = seconds(2);

std::string path_of(const std::string& name, std::string_view rest = {}) {
    return "/v1/lineages/" + percent_encode(name) + std::string(rest);
}

std::string list_target(const Options& options) {
    std::string target = options.json ? "/v1/lineages" : "/v1/lineages?view=table";
    if (options.names.empty()) return target;
    std::string names;
    for (const std::string& name : options.names)
        names += (names.empty() ? "" : ",") + name;
    return target + (options.json ? "?" : "&") + "name=" + percent_encode(names);
}

// The daemon's own time: what it plans is relative to that.
Result<api::DaemonStatus> daemon_status(Context context) {
    Result<Json> json = context.client.get("/v1/status");
    if (!json) return failure(std::move(json).error());
    return api::daemon_status_from_json(*json);
}

struct View {
    std::string text;
    bool healthy = true;
};

Result<View> one_lineage(Context context) {
    std::string text;
    Result<Json> json = context.client.get(path_of(context.options.names.front()), &text);
    if (!json) return failure(std::move(json).error());
    api::Lineage lineage = api::lineage_from_json(*json);
    View view{{}, lineage.health == "ok"};
    if (context.options.json) {
        print_json(context, *json, text);
        return view;
    }
    Result<api::DaemonStatus> daemon = daemon_status(context);
    if (!daemon) return failure(std::move(daemon).error());
    view.text = render_lineage(context.console.style(), lineage, daemon->now, context.options.all_hosts);
    return view;
}

Result<View> all_lineages(Context context) {
    std::string text;
    Result<Json> json = context.client.get(list_target(context.options), &text);
    if (!json) return failure(std::move(json).error());
    std::vector<api::Lineage> lineages;
    if (const Json::Array* items = (*json)["lineages"].if_array()) {
        lineages.reserve(items->size());
        for (const Json& item : *items)
            lineages.push_back(api::lineage_from_json(item));
    }
    View view{{}, std::ranges::all_of(lineages, [](const api::Lineage& lineage) { return lineage.health == "ok"; })};
    if (context.options.json) {
        print_json(context, *json, text);
        return view;
    }
    Result<api::DaemonStatus> daemon = daemon_status(context);
    if (!daemon) return failure(std::move(daemon).error());
    Time now = time_in(*json, "now").value_or(daemon->now);
    view.text = render_status(context.console.style(), lineages, now, daemon->config_problem, daemon->notify_problem);
    return view;
}

Result<View> view_of(Context context) {
    return context.options.names.size() == 1 ? one_lineage(context) : all_lineages(context);
}

ExitCode watch(Context context) {
    ExitCode code = ExitCode::ok;
    bool redraw = context.console.is_terminal() && !context.options.json;
    do {
        Result<View> view = view_of(context);
        if (!view && !redraw) return report(context, view.error());
        code = !view ? exit_code_for(view.error()) : view->healthy ? ExitCode::ok : ExitCode::unhealthy;
        std::string text = view ? view->text : render_problem(context.console.style(), view.error(), "certctl");
        if (redraw) {
            context.console.print("\x1b[H\x1b[J" + text);
        } else if (!context.options.json) {
            context.console.print(text + "\n");
        }
    } while (context.console.pause(watch_interval));
    return code;
}

}  // namespace

ExitCode run_status(Context context) {
    if (context.options.watch) return watch(context);
    Result<View> view = view_of(context);
    if (!view) return report(context, view.error());
    context.console.print(view->text);
    return view->healthy ? ExitCode::ok : ExitCode::unhealthy;
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
