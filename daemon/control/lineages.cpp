// The noun "lineage": lists, one in full, why it is as it is, and holding it back.
#include "daemon/control/routes.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace certd::control {

namespace {

constexpr std::size_t chunk_size = 64 * 1024;

bool wants_table(const ServerRequest& request) {
    std::string view = request.parameter("view").value_or("full");
    if (view != "table" && view != "full") {
        fail("control.badRequest",
             fmt::format("The parameter view is \"{}\": neither table nor full", escape_untrusted(view, 64)));
    }
    return view == "table";
}

// `name=a,b` keeps these and refuses names that are not there.
void keep_named(std::vector<api::Lineage>& lineages, const std::string& names) {
    std::set<std::string, std::less<>> wanted;
    for (std::string_view name : split(names, ','))
        wanted.emplace(name);
    std::erase_if(lineages, [&](const api::Lineage& lineage) { return !wanted.contains(lineage.name); });
    for (const api::Lineage& lineage : lineages)
        wanted.erase(lineage.name);
    if (!wanted.empty())
        fail("control.noSuchLineage", fmt::format("There is no lineage {}", escape_untrusted(*wanted.begin(), 128)));
}

}  // namespace

// Written chunk by chunk: ten thousand lineages as one tree would cost many times the memory and time.
Task<> list_lineages(Exchange& exchange) {
    bool table = wants_table(exchange.request);
    const std::uint64_t last_event = exchange.operations.events().last_id();
    std::vector<api::Lineage> lineages = exchange.operations.lineages(table);
    if (std::optional<std::string> names = exchange.request.parameter("name")) keep_named(lineages, *names);

    co_await exchange.answer.begin("application/json");
    std::string text =
        fmt::format(R"({{"now":"{}","last_event":{},"lineages":[)", format_rfc3339(exchange.clock.now()), last_event);
    text.reserve(chunk_size + 4096);
    for (std::size_t i = 0; i < lineages.size(); ++i) {
        if (i != 0) text += ',';
        table ? api::append_table_row(text, lineages[i]) : void(text += to_text(api::to_json(lineages[i])));
        if (text.size() >= chunk_size) {
            co_await exchange.answer.chunk(std::move(text));
            text = std::string();
            text.reserve(chunk_size + 4096);
        }
    }
    co_await exchange.answer.chunk(text + "]}\n");
    co_await exchange.answer.finish();
}

Task<> show_lineage(Exchange& exchange) {
    Result<api::Lineage> lineage = co_await exchange.operations.lineage(exchange.name());
    co_await exchange.answer.json(200, api::to_json(value_or_fail(std::move(lineage))));
}

Task<> explain_lineage(Exchange& exchange) {
    Result<api::Explanation> explanation = co_await exchange.operations.explain(exchange.name());
    co_await exchange.answer.json(200, api::to_json(value_or_fail(std::move(explanation))));
}

Task<> show_history(Exchange& exchange) {
    Json entries = Json::array();
    const std::vector<api::JournalEntry> past = value_or_fail(co_await exchange.operations.history(exchange.name()));
    for (const api::JournalEntry& entry : past)
        entries.push(api::to_json(entry));
    co_await exchange.answer.json(200,
                                  Json::object({{"lineage", exchange.name().text()}, {"history", std::move(entries)}}));
}

Task<> list_plan(Exchange& exchange) {
    Json entries = Json::array();
    for (const api::PlanEntry& entry : exchange.operations.plan())
        entries.push(api::to_json(entry));
    co_await exchange.answer.json(
        200, Json::object({{"now", to_json(std::optional<Time>(exchange.clock.now()))}, {"plan", std::move(entries)}}));
}

Task<> list_limits(Exchange& exchange) {
    Json uses = Json::array();
    for (const api::LimitUse& use : exchange.operations.limits())
        uses.push(api::to_json(use));
    co_await exchange.answer.json(
        200, Json::object({{"now", to_json(std::optional<Time>(exchange.clock.now()))}, {"limits", std::move(uses)}}));
}

Task<> pause_lineage(Exchange& exchange) {
    value_or_fail(api::no_arguments_from_json(exchange.body));
    exchange.record("pause");
    value_or_fail(co_await exchange.operations.pause(exchange.name(), exchange.asker("pause")));
    api::JobResult result{exchange.name().text(), "paused", 0, "Nothing is done for it until it is resumed"};
    co_await exchange.answer.json(200, Json::object({{"result", api::to_json(result)}}));
}

Task<> resume_lineage(Exchange& exchange) {
    value_or_fail(api::no_arguments_from_json(exchange.body));
    exchange.record("resume");
    value_or_fail(co_await exchange.operations.resume(exchange.name(), exchange.asker("resume")));
    api::JobResult result{exchange.name().text(), "resumed", 0, "It is planned for again"};
    co_await exchange.answer.json(200, Json::object({{"result", api::to_json(result)}}));
}

Task<> revoke_lineage(Exchange& exchange) {
    auto request = value_or_fail(api::revoke_request_from_json(exchange.body));
    exchange.record("revoke");
    api::JobResult result =
        value_or_fail(co_await exchange.operations.revoke(exchange.name(), request, exchange.asker("revoke")));
    co_await exchange.answer.json(200, Json::object({{"result", api::to_json(result)}}));
}

}  // namespace certd::control
