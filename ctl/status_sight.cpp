#include "ctl/status_sight.hpp"

#include <algorithm>
#include <utility>

namespace certd::ctl {

namespace {

std::string target_of(const Options& options) {
    if (options.names.size() == 1) return "/v1/lineages/" + percent_encode(options.names.front());
    std::string target = options.json ? "/v1/lineages" : "/v1/lineages?view=table";
    if (options.names.empty()) return target;
    std::string names;
    for (const std::string& name : options.names)
        names += (names.empty() ? "" : ",") + name;
    return target + (options.json ? "?" : "&") + "name=" + percent_encode(names);
}

}  // namespace

bool StatusAnswer::is_healthy() const {
    return std::ranges::all_of(lineages, [](const api::Lineage& lineage) { return lineage.health == "ok"; });
}

Result<StatusAnswer> ask_status(Context context) {
    StatusAnswer answer;
    answer.in_full = context.options.names.size() == 1;
    Result<Json> document = context.client.get(target_of(context.options), &answer.text);
    if (!document) return failure(std::move(document).error());
    answer.document = *std::move(document);
    if (answer.in_full) answer.lineages.push_back(api::lineage_from_json(answer.document));
    if (const Json::Array* items = answer.document["lineages"].if_array()) {
        answer.lineages.reserve(items->size());
        for (const Json& item : *items)
            answer.lineages.push_back(api::lineage_from_json(item));
    }
    return answer;
}

// Relative times are by the daemon's clock.
Result<StatusSight> look_at_status(Context context) {
    Result<StatusAnswer> answer = ask_status(context);
    if (!answer) return failure(std::move(answer).error());
    Result<Json> status = context.client.get("/v1/status");
    if (!status) return failure(std::move(status).error());
    const auto last_event = static_cast<std::uint64_t>(answer->document.int_or("last_event"));
    return StatusSight{std::move(answer->lineages), answer->in_full, last_event, api::daemon_status_from_json(*status)};
}

}  // namespace certd::ctl
