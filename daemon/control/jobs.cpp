// The long verbs: renew, rollback, deploy and check, streamed or only started.
#include "daemon/control/routes.hpp"
#include "daemon/control/stream.hpp"
#include "libacme/base/text.hpp"

#include <utility>

#include <fmt/format.h>

namespace certd::control {

namespace {

Json findings_as_json(const std::string& lineage, const std::vector<api::CheckFinding>& findings) {
    Json list = Json::array();
    for (const api::CheckFinding& finding : findings)
        list.push(api::to_json(finding));
    return Json::object({{"lineage", lineage}, {"findings", std::move(list)}});
}

Task<Result<Json>> as_json(Task<Result<api::JobResult>> job) {
    Result<api::JobResult> result = co_await std::move(job);
    if (!result) co_return failure(std::move(result).error());
    co_return api::to_json(*result);
}

Task<Result<Json>> as_json(std::string lineage, Task<Result<std::vector<api::CheckFinding>>> check) {
    Result<std::vector<api::CheckFinding>> findings = co_await std::move(check);
    if (!findings) co_return failure(std::move(findings).error());
    co_return findings_as_json(lineage, *findings);
}

Task<> answer_started(Exchange& exchange, std::shared_ptr<Call> call) {
    if (call->ended()) {
        co_await exchange.answer.json(200, Json::object({{"result", value_or_fail(*call->outcome)}}));
        co_return;
    }
    api::JobStarted started{exchange.name().text(), call->job.value_or(0), call->joined};
    co_await exchange.answer.json(202, Json::object({{"result", api::to_json(started)}}));
}

Task<> answer_call(Exchange& exchange, std::string verb, bool wait, Calls::Work work) {
    EventCursor cursor(exchange.operations.events(), exchange.operations.events().last_id());
    auto call = value_or_fail(exchange.calls.start(verb + " " + exchange.name().text(), std::move(work)));
    co_await await_start(call, exchange.clock);
    // Refused before anything had begun: the status line can still say so.
    if (call->ended() && !call->job && !*call->outcome) fail(call->outcome->error());
    if (wait) {
        co_await stream_call(exchange.answer, call, cursor, exchange.clock, exchange.name().text());
    } else {
        co_await answer_started(exchange, call);
    }
}

std::string deploy_command(const api::DeployRequest& request) {
    std::string command = "deploy";
    if (!request.target.empty()) command += " --target " + escape_untrusted(request.target, 128);
    if (!request.host.empty()) command += " --host " + escape_untrusted(request.host, 128);
    return command;
}

}  // namespace

Task<> renew_lineage(Exchange& exchange) {
    auto request = value_or_fail(api::renew_request_from_json(exchange.body));
    exchange.record("renew");
    std::string by = exchange.asker(request.force ? "renew --force" : "renew");
    auto work = [&operations = exchange.operations, name = exchange.name(), request, by](Operations::Started started) {
        return as_json(operations.renew(name, request, by, std::move(started)));
    };
    co_await answer_call(exchange, "renew", request.wait, std::move(work));
}

Task<> roll_back_lineage(Exchange& exchange) {
    auto request = value_or_fail(api::rollback_request_from_json(exchange.body));
    exchange.record("rollback");
    std::string by = exchange.asker(request.to == 0 ? "rollback" : fmt::format("rollback --to {}", request.to));
    auto work = [&operations = exchange.operations, name = exchange.name(), request, by](Operations::Started started) {
        return as_json(operations.rollback(name, request, by, std::move(started)));
    };
    co_await answer_call(exchange, "rollback", request.wait, std::move(work));
}

Task<> deploy_lineage(Exchange& exchange) {
    auto request = value_or_fail(api::deploy_request_from_json(exchange.body));
    exchange.record("deploy");
    std::string by = exchange.asker(deploy_command(request));
    auto work = [&operations = exchange.operations, name = exchange.name(), request, by](Operations::Started started) {
        return as_json(operations.deploy(name, request, by, std::move(started)));
    };
    co_await answer_call(exchange, "deploy", request.wait, std::move(work));
}

// Not a job and without events of its own; streamed all the same, because it may take as long as a CA or a test command
// does.
Task<> check_lineage(Exchange& exchange) {
    value_or_fail(api::no_arguments_from_json(exchange.body));
    exchange.record("check");
    auto work = [&operations = exchange.operations, name = exchange.name()](const Operations::Started&) {
        return as_json(name.text(), operations.check(name));
    };
    co_await answer_call(exchange, "check", true, std::move(work));
}

}  // namespace certd::control
