// events, pause, resume and reload.
#include "ctl/api/types.hpp"
#include "ctl/commands.hpp"
#include "ctl/render.hpp"

#include <fmt/format.h>

namespace certd::ctl {

namespace {

std::string events_target(const Options& options) {
    std::string target = "/v1/events";
    if (options.follow) target += "?follow=1";
    if (!options.lineage.empty())
        target += (options.follow ? "&lineage=" : "?lineage=") + percent_encode(options.lineage);
    return target;
}

std::optional<Problem> show_event(Context context, const std::string& text) {
    Result<Json> json = parse_json(text, {context.client.limits().line, 64});
    if (!json || !json->is_object())
        return problem("control.protocol", "A line on the control socket is not a JSON object");
    if (!(*json)["heartbeat"].is_null()) return std::nullopt;
    if (context.options.json) {
        context.console.print(terminal_safe_json(text) + "\n");
    } else if (const std::int64_t* dropped = (*json)["dropped"].if_int()) {
        context.console.complain(
            fmt::format("certctl: {} events were lost because they came faster than they were read\n", *dropped));
    } else {
        context.console.print(render_event(context.console.style(), api::event_from_json(*json)));
    }
    return std::nullopt;
}

// One call without progress for each name.
ExitCode simple_calls(Context context, std::string_view verb) {
    ExitCode code = ExitCode::ok;
    for (const std::string& name : context.options.names) {
        Result<Json> answer =
            context.client.post(fmt::format("/v1/lineages/{}/{}", percent_encode(name), verb), Json::object());
        if (!answer) {
            code = worse(code, report(context, answer.error()));
        } else if (context.options.json) {
            context.console.print(terminal_safe_json(to_text(*answer)) + "\n");
        } else {
            api::JobResult result = api::job_result_from_json((*answer)["result"]);
            Style style = context.console.style();
            context.console.print(fmt::format("{}: {}\n", clean(style, name), clean(style, result.outcome)));
        }
    }
    return code;
}

}  // namespace

ExitCode run_events(Context context) {
    Result<Exchange> exchange = context.client.stream("GET", events_target(context.options));
    if (!exchange) return report(context, exchange.error());
    for (;;) {
        Result<bool> more = exchange->read_available();
        while (std::optional<std::string> text = exchange->take_line()) {
            if (std::optional<Problem> wrong = show_event(context, *text)) return report(context, *wrong);
        }
        if (!more) return report(context, more.error());
        if (!*more) return ExitCode::ok;
        if (exchange->silent_for() > context.client.limits().silence)
            return report(context, problem("control.timeout", "certd has fallen silent"));
        wait_readable({&*exchange}, seconds(1));
    }
}

ExitCode run_pause(Context context) {
    return simple_calls(context, "pause");
}
ExitCode run_resume(Context context) {
    return simple_calls(context, "resume");
}

ExitCode run_reload(Context context) {
    Result<Json> answer = context.client.post("/v1/reload", Json::object());
    if (!answer) return report(context, answer.error());
    context.console.print(context.options.json ? terminal_safe_json(to_text(*answer)) + "\n"
                                               : "The configuration was loaded again\n");
    return ExitCode::ok;
}

}  // namespace certd::ctl
