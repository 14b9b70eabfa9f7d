// The noun "doctor": the checklist of the whole daemon, streamed because it takes as long as CAs and name servers do.
#include "daemon/control/routes.hpp"
#include "daemon/control/stream.hpp"

namespace certd::control {

namespace {

Task<Result<Json>> as_json(Task<Result<api::DoctorReport>> examination) {
    Result<api::DoctorReport> report = co_await std::move(examination);
    if (!report) co_return failure(std::move(report).error());
    co_return api::to_json(*report);
}

}  // namespace

Task<> examine_daemon(Exchange& exchange) {
    value_or_fail(api::no_arguments_from_json(exchange.body));
    exchange.record("doctor");
    EventCursor cursor(exchange.operations.events(), exchange.operations.events().last_id());
    auto work = [&operations = exchange.operations](const Operations::Started&) {
        return as_json(operations.doctor());
    };
    auto call = value_or_fail(exchange.calls.start("doctor", std::move(work)));
    co_await stream_call(exchange.answer, call, cursor, exchange.clock, {});
}

}  // namespace certd::control
