// Encoding and decoding of the control API's types from their field lists (fields.hpp).
#include "ctl/api/types.hpp"

#include "ctl/api/fields.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include <fmt/format.h>

namespace certd::api {

namespace {

// ---- values to JSON

template <class T>
Json encode(const T& value);
template <class T>
    requires HasFields<const T>
Json encode(const T& value);

Json encode(const Time& value) {
    return certd::to_json(std::optional<Time>(value));
}
Json encode(const Problem& value) {
    return certd::to_json(value);
}
Json encode(const std::uint64_t& value) {
    return Json(static_cast<std::int64_t>(value));
}

template <class T>
Json encode(const std::optional<T>& value) {
    return value ? encode(*value) : Json();
}

template <class T>
Json encode(const std::vector<T>& values) {
    Json::Array items;
    items.reserve(values.size());
    for (const T& value : values)
        items.push_back(encode(value));
    return Json(std::move(items));
}

template <class T>
Json encode(const T& value) {
    return Json(value);
}

template <class T>
    requires HasFields<const T>
Json encode(const T& value) {
    Json::Object members;
    fields(value, [&](const char* key, const auto& member, Shown) { members.emplace_back(key, encode(member)); });
    return Json(std::move(members));
}

// ---- the status table's rows as text

template <class T>
bool is_default(const T& value) {
    if constexpr (HasFields<const T>) {
        return false;
    } else {
        return value == T{};
    }
}

void append(std::string& out, const std::string& text) {
    bool plain = std::ranges::all_of(
        text, [](char letter) { return letter >= 0x20 && letter < 0x7F && letter != '"' && letter != '\\'; });
    if (plain) {
        out.append(1, '"').append(text).append(1, '"');
    } else {
        out += to_text(Json(text));
    }
}

void append(std::string& out, std::uint32_t number) {
    fmt::format_to(std::back_inserter(out), FMT_STRING("{}"), number);
}
void append(std::string& out, const std::optional<Time>& time) {
    append(out, time ? format_rfc3339(*time) : std::string());
}
void append(std::string& out, const std::optional<Problem>& problem) {
    out += problem ? to_text(certd::to_json(*problem)) : std::string("null");
}

template <class T>
    requires HasFields<const T>
void append(std::string& out, const T& value) {
    char before = '{';
    fields(value, [&](const char* key, const auto& member, Shown shown) {
        using Member = std::remove_cvref_t<decltype(member)>;
        if constexpr (requires { append(out, member); } || HasFields<const Member>) {
            if (shown != Shown::table || is_default(member)) return;
            out.append(1, before).append(1, '"').append(key).append("\":");
            append(out, member);
            before = ',';
        }
    });
    out += before == '{' ? "{}" : "}";
}

// ---- JSON to values: what does not fit is left as it was

template <class T>
    requires HasFields<T>
void decode(const Json& json, T& value);

void decode(const Json& json, std::string& value) {
    if (const std::string* text = json.if_string()) value = *text;
}
void decode(const Json& json, bool& value) {
    if (const bool* truth = json.if_bool()) value = *truth;
}
void decode(const Json& json, Json& value) {
    value = json;
}
void decode(const Json& json, Problem& value) {
    if (json.is_object()) value = problem_from_json(json);
}
void decode(const Json& json, Time& value) {
    const std::string* text = json.if_string();
    if (std::optional<Time> time = text ? parse_rfc3339(*text) : std::nullopt) value = *time;
}

template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
void decode(const Json& json, T& value) {
    const std::int64_t* number = json.if_int();
    if (number && std::in_range<T>(*number)) value = static_cast<T>(*number);
}

void decode(const Json& json, std::optional<Time>& value) {
    const std::string* text = json.if_string();
    if (text) value = parse_rfc3339(*text);
}

void decode(const Json& json, std::optional<std::uint32_t>& value) {
    if (json.if_int() && std::in_range<std::uint32_t>(*json.if_int())) decode(json, value.emplace());
}

template <class T>
void decode(const Json& json, std::optional<T>& value) {
    if (json.is_object()) decode(json, value.emplace());
}

template <class T>
bool has_shape(const Json& json) {
    if constexpr (std::same_as<T, std::string>) {
        return json.if_string() != nullptr;
    } else {
        return json.is_object();
    }
}

template <class T>
void decode(const Json& json, std::vector<T>& values) {
    const Json::Array* items = json.if_array();
    if (items == nullptr) return;
    values.clear();
    for (const Json& item : *items) {
        if (has_shape<T>(item)) decode(item, values.emplace_back());
    }
}

template <class T>
    requires HasFields<T>
void decode(const Json& json, T& value) {
    if (!json.is_object()) return;
    fields(value, [&](const char* key, auto& member, Shown) { decode(json[key], member); });
}

template <class T>
T decoded(const Json& json) {
    T value;
    decode(json, value);
    return value;
}

// ---- requests: every member must be known and of the right type

const char* wanted(const std::string&) {
    return "a string";
}
const char* wanted(bool) {
    return "true or false";
}
const char* wanted(std::uint32_t) {
    return "a whole number from 0 to 4294967295";
}

bool fits(const Json& json, const std::string&) {
    return json.if_string() != nullptr;
}
bool fits(const Json& json, bool) {
    return json.if_bool() != nullptr;
}
bool fits(const Json& json, std::uint32_t) {
    return json.if_int() && std::in_range<std::uint32_t>(*json.if_int());
}

template <class T>
Result<T> strict(const Json& json) {
    const Json::Object* members = json.if_object();
    if (members == nullptr) return failure("control.badRequest", "The body of the request is not a JSON object");
    T value;
    std::vector<std::string_view> known;
    std::string wrong;
    fields(value, [&](const char* key, auto& member, Shown) {
        known.emplace_back(key);
        const Json* given = nullptr;
        for (const auto& [name, content] : *members) {
            if (name == key) given = &content;
        }
        if (given == nullptr) return;
        if (fits(*given, member)) {
            decode(*given, member);
        } else if (wrong.empty()) {
            wrong = fmt::format("The member \"{}\" of the request must be {}", key, wanted(member));
        }
    });
    for (const auto& [name, content] : *members) {
        if (std::ranges::find(known, std::string_view(name)) != known.end()) continue;
        return failure("control.badRequest",
                       fmt::format("The request has an unknown member \"{}\"", escape_untrusted(name, 64)));
    }
    if (!wrong.empty()) return failure("control.badRequest", wrong);
    return value;
}

}  // namespace

Json to_json(const Lineage& value, bool table_only) {
    if (!table_only) return encode(value);
    std::string text;
    append_table_row(text, value);
    return parse_json(text).value_or(Json());
}
void append_table_row(std::string& out, const Lineage& value) {
    append(out, value);
}

Json to_json(const Explanation& value) {
    return encode(value);
}
Json to_json(const PlanEntry& value) {
    return encode(value);
}
Json to_json(const LimitUse& value) {
    return encode(value);
}
Json to_json(const CheckFinding& value) {
    return encode(value);
}
Json to_json(const Account& value) {
    return encode(value);
}
Json to_json(const OrderList& value) {
    return encode(value);
}
Json to_json(const Notifications& value) {
    return encode(value);
}
Json to_json(const NotifyTest& value) {
    return encode(value);
}
Json to_json(const DaemonStatus& value) {
    return encode(value);
}
Json to_json(const JobResult& value) {
    return encode(value);
}
Json to_json(const JobStarted& value) {
    return encode(value);
}
Json to_json(const RenewRequest& value) {
    return encode(value);
}
Json to_json(const RollbackRequest& value) {
    return encode(value);
}
Json to_json(const DeployRequest& value) {
    return encode(value);
}
Json to_json(const ImportRequest& value) {
    return encode(value);
}
Json to_json(const NotifyTestRequest& value) {
    return encode(value);
}
Json to_json(const RevokeRequest& value) {
    return encode(value);
}

Lineage lineage_from_json(const Json& json) {
    return decoded<Lineage>(json);
}
Explanation explanation_from_json(const Json& json) {
    return decoded<Explanation>(json);
}
PlanEntry plan_entry_from_json(const Json& json) {
    return decoded<PlanEntry>(json);
}
LimitUse limit_use_from_json(const Json& json) {
    return decoded<LimitUse>(json);
}
CheckFinding check_finding_from_json(const Json& json) {
    return decoded<CheckFinding>(json);
}
Account account_from_json(const Json& json) {
    return decoded<Account>(json);
}
OrderList order_list_from_json(const Json& json) {
    return decoded<OrderList>(json);
}
Notifications notifications_from_json(const Json& json) {
    return decoded<Notifications>(json);
}
NotifyTest notify_test_from_json(const Json& json) {
    return decoded<NotifyTest>(json);
}
DaemonStatus daemon_status_from_json(const Json& json) {
    return decoded<DaemonStatus>(json);
}
JobResult job_result_from_json(const Json& json) {
    return decoded<JobResult>(json);
}
JobStarted job_started_from_json(const Json& json) {
    return decoded<JobStarted>(json);
}
Event event_from_json(const Json& json) {
    return decoded<Event>(json);
}

Result<RenewRequest> renew_request_from_json(const Json& json) {
    return strict<RenewRequest>(json);
}
Result<RollbackRequest> rollback_request_from_json(const Json& json) {
    return strict<RollbackRequest>(json);
}
Result<DeployRequest> deploy_request_from_json(const Json& json) {
    return strict<DeployRequest>(json);
}
Result<NotifyTestRequest> notify_test_request_from_json(const Json& json) {
    return strict<NotifyTestRequest>(json);
}
Result<ImportRequest> import_request_from_json(const Json& json) {
    return strict<ImportRequest>(json);
}
Result<RevokeRequest> revoke_request_from_json(const Json& json) {
    return strict<RevokeRequest>(json);
}
Result<NoArguments> no_arguments_from_json(const Json& json) {
    return strict<NoArguments>(json);
}

}  // namespace certd::api
