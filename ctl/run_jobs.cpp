// renew, rollback, deploy and check: operations that take their time, followed line by line.
#include "ctl/api/types.hpp"
#include "ctl/commands.hpp"
#include "ctl/final_line.hpp"
#include "ctl/progress.hpp"
#include "ctl/render.hpp"

#include <algorithm>
#include <deque>

#include <fmt/format.h>

namespace certd::ctl {

namespace {

constexpr std::size_t most_streams = 32;  // certd bounds the orders it works on by itself
constexpr Duration tick = milliseconds(100);

Duration monotonic() {
    return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch());
}

std::string target_of(const std::string& name, std::string_view verb) {
    return fmt::format("/v1/lineages/{}/{}", percent_encode(name), verb);
}

// Jobs of one verb on several lineages, each with its stream.
class Follower {
   public:
    Follower(Context context, std::string_view verb, Json body)
        : context_(context), verb_(verb), body_(to_text(body)), progress_(context.console.style(), live(context)) {}

    ExitCode run() {
        std::deque<std::string> waiting(context_.options.names.begin(), context_.options.names.end());
        while (!waiting.empty() || !streams_.empty()) {
            while (!waiting.empty() && streams_.size() < most_streams) {
                open(waiting.front());
                waiting.pop_front();
            }
            draw();
            wait();
            for (Stream& stream : streams_)
                advance(stream);
            std::erase_if(streams_, [](const Stream& stream) { return stream.over; });
        }
        erase_line();
        return code_;
    }

   private:
    struct Stream {
        std::string lineage;
        Exchange exchange;
        bool over = false;
    };

    static bool live(Context context) { return context.console.is_terminal() && !context.options.json; }

    void open(const std::string& name) {
        Result<Exchange> exchange = context_.client.stream("POST", target_of(name, verb_), body_);
        if (!exchange) {
            failed(name, exchange.error());
        } else {
            streams_.push_back({name, std::move(*exchange)});
        }
    }

    void wait() const {
        std::vector<const Exchange*> exchanges;
        for (const Stream& stream : streams_)
            exchanges.push_back(&stream.exchange);
        if (!exchanges.empty()) wait_readable(exchanges, tick);
    }

    void advance(Stream& stream) {
        Result<bool> more = stream.exchange.read_available();
        while (std::optional<std::string> text = stream.exchange.take_line()) {
            if (!stream.over) line(stream, *text);
        }
        if (stream.over) return;
        std::optional<Problem> lost;
        if (!more) {
            lost = more.error();
        } else if (!*more) {
            lost = problem("control.connectionLost", "certd ended its answer without a result");
        } else if (stream.exchange.silent_for() > context_.client.limits().silence) {
            lost = problem("control.timeout", "certd has fallen silent");
        }
        if (!lost) return;
        stream.over = true;
        failed(stream.lineage, *lost);
    }

    void line(Stream& stream, const std::string& text) {
        Result<Json> json = parse_json(text, {context_.client.limits().line, 64});
        if (!json || !json->is_object()) {
            stream.over = true;
            failed(stream.lineage, problem("control.protocol", "A line on the control socket is not a JSON object"));
            return;
        }
        if (!(*json)["heartbeat"].is_null()) return;
        if ((*json)["problem"].is_object() && (*json)["type"].is_null()) {
            stream.over = true;
            failed(stream.lineage, problem_from_json((*json)["problem"]));
        } else if (context_.options.json) {
            stream.over = (*json)["result"].is_object();
            context_.console.print(terminal_safe_json(text) + "\n");
        } else if ((*json)["result"].is_object()) {
            stream.over = true;
            result((*json)["result"], stream.lineage);
        } else if ((*json)["started"].is_object()) {
            say(progress_.started(stream.lineage, api::job_started_from_json((*json)["started"]), monotonic()));
        } else if ((*json)["type"].if_string()) {
            say(progress_.event(stream.lineage, api::event_from_json(*json), monotonic()));
        }
    }

    void result(const Json& json, const std::string& lineage) {
        if (json["outcome"].if_string()) {
            say(progress_.succeeded(lineage, api::job_result_from_json(json), monotonic()));
            return;
        }
        api::JobStarted job = api::job_started_from_json(json);
        std::string name = clean(context_.console.style(), lineage, 256);
        say(fmt::format("{}: {} (job {})\n", name, job.joined ? "is running already" : "has started", job.job));
    }

    void failed(const std::string& lineage, const Problem& cause) {
        code_ = worse(code_, exit_code_for(cause));
        if (context_.options.json) {
            Json json = Json::object({{"problem", to_json(cause)}, {"lineage", lineage}});
            context_.console.print(terminal_safe_json(to_text(json)) + "\n");
        } else {
            erase_line();
            context_.console.complain(progress_.failed(lineage, cause, monotonic()));
        }
    }

    void say(const std::string& text) {
        if (text.empty()) return;
        erase_line();
        context_.console.print(text);
    }

    void draw() {
        if (!live(context_)) return;
        std::string line = progress_.live_line(monotonic(), context_.console.style().width);
        if (line.empty()) return;
        context_.console.print("\r\x1b[K" + line);
        line_shown_ = true;
    }

    void erase_line() {
        if (std::exchange(line_shown_, false)) context_.console.print("\r\x1b[K");
    }

    Context context_;
    std::string_view verb_;
    std::string body_;
    Progress progress_;
    std::vector<Stream> streams_;
    ExitCode code_ = ExitCode::ok;
    bool line_shown_ = false;
};

}  // namespace

ExitCode run_renew(Context context) {
    const Options& options = context.options;
    return Follower(context, "renew", api::to_json(api::RenewRequest{options.force, options.dry_run, !options.no_wait}))
        .run();
}

ExitCode run_rollback(Context context) {
    return Follower(context, "rollback",
                    api::to_json(api::RollbackRequest{context.options.to, !context.options.no_wait}))
        .run();
}

ExitCode run_deploy(Context context) {
    const Options& options = context.options;
    return Follower(context, "deploy",
                    api::to_json(api::DeployRequest{options.target, options.host, !options.no_wait, options.dry_run}))
        .run();
}

ExitCode run_check(Context context) {
    const std::string& name = context.options.names.front();
    Result<Exchange> exchange = context.client.stream("POST", target_of(name, "check"), "{}");
    if (!exchange) return report(context, exchange.error());
    Result<Json> answer = final_line(context, std::move(*exchange));
    if (!answer) return report(context, answer.error());
    std::vector<api::CheckFinding> findings;
    if (const Json::Array* items = (*answer)["findings"].if_array()) {
        for (const Json& item : *items)
            findings.push_back(api::check_finding_from_json(item));
    }
    context.console.print(context.options.json ? terminal_safe_json(to_text(*answer)) + "\n"
                                               : render_findings(context.console.style(), name, findings));
    bool passed = std::ranges::all_of(findings, [](const api::CheckFinding& finding) {
        return finding.result == "ok" || finding.result == "warning";
    });
    return passed ? ExitCode::ok : ExitCode::failed;
}

}  // namespace certd::ctl
