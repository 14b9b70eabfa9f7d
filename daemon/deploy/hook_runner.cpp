#include "daemon/deploy/hook_runner.hpp"

#include "daemon/deploy/commands.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd {

namespace {

// The end is what tells how it ended.
std::string last_words(std::string_view output) {
    output = trim(output);
    constexpr std::size_t mark = 3;  // octets of the ellipsis
    std::string escaped = escape_untrusted(output, output.size() * 8 + mark);
    if (escaped.size() <= hook_output_limit) return escaped;
    std::size_t from = escaped.size() - (hook_output_limit - mark);
    while (from < escaped.size() && (static_cast<unsigned char>(escaped[from]) & 0xC0U) == 0x80U)
        ++from;
    return "…" + escaped.substr(from);
}

HookRun run_of(const Command& command, const HookSubject& subject, const Result<ProcessResult>& ran, Time now) {
    HookRun run;
    run.at = now;
    run.hook = subject.hook;
    run.command = command_text(command.argv);
    if (subject.place) {
        run.target = subject.place->target.text;
        run.host = subject.place->host;
    }
    if (!ran) return run;
    if (ran->exit_code >= 0) run.exit_status = static_cast<std::uint32_t>(ran->exit_code);
    run.signal = static_cast<std::uint32_t>(ran->signal);
    run.timed_out = ran->timed_out;
    run.took_ms = static_cast<std::uint32_t>(std::clamp<std::int64_t>(ran->took.count(), 0, UINT32_MAX));
    run.output = last_words(ran->output);
    return run;
}

Json data_of(const HookRun& run, const std::vector<std::string>& lineages) {
    Json data = Json::object({{"hook", run.hook}, {"command", run.command}});
    data.set("exit_status", run.exit_status ? Json(std::int64_t{*run.exit_status}) : Json());
    data.set("signal", std::int64_t{run.signal}).set("timed_out", run.timed_out);
    data.set("took_ms", std::int64_t{run.took_ms}).set("output", run.output);
    if (lineages.size() > 1) data.set("lineages", Json(Json::Array(lineages.begin(), lineages.end())));
    return data;
}

Event event_of(const HookRun& run, const HookSubject& subject, const std::optional<Problem>& cause) {
    Event event;
    event.type = EventType::hook_finished;
    event.severity = cause ? Severity::error : Severity::info;
    if (!subject.lineages.empty()) event.lineage = subject.lineages.front();
    event.target = run.target;
    event.host = run.host;
    event.job = subject.job;
    event.message = cause ? cause->what
                          : fmt::format("{} ({}) ended well after {}", subject.text, run.command,
                                        format_duration(Duration(run.took_ms)));
    event.problem = cause;
    event.data = data_of(run, subject.lineages);
    return event;
}

std::uint32_t number(const Json& json) {
    const std::int64_t* value = json.if_int();
    return value && *value >= 0 && *value <= UINT32_MAX ? static_cast<std::uint32_t>(*value) : 0;
}

}  // namespace

Task<Result<void>> run_hook(Clock& clock, Host& host, EventSink events, Command command, HookSubject subject) {
    Result<ProcessResult> ran = co_await host.run(command);
    std::optional<Problem> cause;
    if (!ran) {
        cause = command_problem(subject.code, subject.text, command, ran.error());
    } else if (!ran->ok()) {
        cause = command_problem(subject.code, subject.text, command, *ran);
    }
    events(event_of(run_of(command, subject, ran, clock.now()), subject, cause));
    if (cause) co_return failure(*std::move(cause));
    co_return Result<void>{};
}

std::vector<std::pair<std::string, HookRun>> hook_runs_of(const Event& event) {
    std::vector<std::pair<std::string, HookRun>> runs;
    if (event.type != EventType::hook_finished || event.data["hook"].is_null()) return runs;
    HookRun run;
    run.at = event.at;
    run.hook = event.data.string_or("hook");
    run.command = event.data.string_or("command");
    run.target = event.target;
    run.host = event.host;
    if (event.data["exit_status"].if_int()) run.exit_status = number(event.data["exit_status"]);
    run.signal = number(event.data["signal"]);
    const bool* timed_out = event.data["timed_out"].if_bool();
    run.timed_out = timed_out != nullptr && *timed_out;
    run.took_ms = number(event.data["took_ms"]);
    run.output = event.data.string_or("output");
    if (event.problem) run.code = event.problem->code;
    std::vector<std::string> lineages = event.data.strings("lineages");
    if (lineages.empty()) lineages.push_back(event.lineage);
    for (std::string& lineage : lineages)
        runs.emplace_back(std::move(lineage), run);
    return runs;
}

}  // namespace certd
