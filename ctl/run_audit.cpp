// audit, which certd itself checks, and history: what the audit journal tells of one lineage.
#include "ctl/api/history.hpp"
#include "ctl/api/types.hpp"
#include "ctl/commands.hpp"
#include "ctl/render.hpp"

namespace certd::ctl {

namespace {

api::Event event_of(api::JournalEntry entry) {
    api::Event event;
    event.at = entry.at;
    event.type = std::move(entry.type);
    event.severity = std::move(entry.severity);
    event.target = std::move(entry.target);
    event.host = std::move(entry.host);
    event.job = entry.job;
    event.message = std::move(entry.message);
    event.problem = std::move(entry.problem);
    return event;
}

}  // namespace

std::vector<std::string> audit_arguments(const Options& options) {
    std::vector<std::string> arguments;
    if (!options.config.empty()) arguments.insert(arguments.end(), {"--config", options.config});
    arguments.insert(arguments.end(), {"audit", options.names.front()});
    if (!options.directory.empty()) arguments.insert(arguments.end(), {"--directory", options.directory});
    if (options.json) arguments.emplace_back("--json");
    return arguments;
}

ExitCode run_audit(Context context) {
    return become_certd(context, audit_arguments(context.options));
}

ExitCode run_history(Context context) {
    std::string text;
    Result<Json> json =
        context.client.get("/v1/lineages/" + percent_encode(context.options.names.front()) + "/history", &text);
    if (!json) return report(context, json.error());
    if (context.options.json) {
        print_json(context, *json, text);
        return ExitCode::ok;
    }
    const Json::Array* items = (*json)["history"].if_array();
    if (items == nullptr || items->empty()) {
        context.console.print("The audit journal has nothing about it yet\n");
        return ExitCode::ok;
    }
    for (const Json& item : *items)
        context.console.print(render_event(context.console.style(), event_of(api::journal_entry_from_json(item))));
    return ExitCode::ok;
}

}  // namespace certd::ctl
