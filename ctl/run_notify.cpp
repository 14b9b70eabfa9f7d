// notify: who is told of incidents, which are open, and a test of the way.
#include "ctl/api/types.hpp"
#include "ctl/commands.hpp"
#include "ctl/render.hpp"

namespace certd::ctl {

namespace {

ExitCode list_notifiers(Context context) {
    Result<Json> answer = context.client.get("/v1/notify");
    if (!answer) return report(context, answer.error());
    if (context.options.json) {
        context.console.print(terminal_safe_json(to_text(*answer)) + "\n");
    } else {
        context.console.print(render_notifications(context.console.style(), api::notifications_from_json(*answer),
                                                   time_in(*answer, "now").value_or(Time{})));
    }
    return ExitCode::ok;
}

ExitCode test_notifiers(Context context) {
    const std::vector<std::string>& words = context.options.names;
    api::NotifyTestRequest request{words.size() > 1 ? words[1] : std::string()};
    Result<Json> answer = context.client.post("/v1/notify/test", api::to_json(request));
    if (!answer) return report(context, answer.error());
    if (context.options.json) context.console.print(terminal_safe_json(to_text(*answer)) + "\n");
    ExitCode code = ExitCode::ok;
    const Json::Array* results = (*answer)["results"].if_array();
    for (const Json& item : results ? *results : Json::Array()) {
        api::NotifyTest test = api::notify_test_from_json(item);
        if (!test.delivered) code = ExitCode::failed;
        if (!context.options.json) context.console.print(render_notify_test(context.console.style(), test));
    }
    return code;
}

}  // namespace

ExitCode run_notify(Context context) {
    return context.options.names.front() == "test" ? test_notifiers(context) : list_notifiers(context);
}

}  // namespace certd::ctl
