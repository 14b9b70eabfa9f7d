// Bodies of webhooks.
#include "daemon/notify/payload.hpp"

#include "config/template.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd {

namespace {

std::string inside_of_json_string(std::string_view text) {
    std::string quoted = to_text(Json(text));
    return quoted.substr(1, quoted.size() - 2);
}

// Slack takes '&', '<' and '>' for its own; what is shown as it is stands between lines of three backquotes.
std::string slack_text(std::string_view text) {
    std::string result;
    for (char letter : text) {
        if (letter == '&') {
            result += "&amp;";
        } else if (letter == '<') {
            result += "&lt;";
        } else if (letter == '>') {
            result += "&gt;";
        } else if (letter == '`') {
            result += '\'';
        } else {
            result += letter;
        }
    }
    return result;
}

std::string_view pagerduty_severity(const std::string& severity) {
    if (severity == "critical" || severity == "error" || severity == "warning") return severity;
    return "info";
}

std::string_view emblem(const Message& message) {
    if (message.event == "recovered") return ":white_check_mark:";
    if (message.event == "test") return ":wave:";
    return message.severity == "critical" ? ":rotating_light:" : ":warning:";
}

}  // namespace

std::string fill_json_template(const std::string& body, const Message& message) {
    Json facts = to_json(message);
    auto filled = config::fill_template(body, [&](std::string_view name) -> std::optional<std::string> {
        const std::string* text = facts[name].if_string();
        return text ? std::optional(inside_of_json_string(*text)) : std::nullopt;
    });
    if (!filled) fail("internal.unexpected", "A template has an unknown placeholder");
    return *std::move(filled);
}

Json slack_payload(const Message& message) {
    std::size_t headline_end = std::min(message.body.find("\n\n"), message.body.size());
    std::string rest(trim(std::string_view(message.body).substr(headline_end)));
    return Json::object({{"text", fmt::format("{} *{}*\n```\n{}\n```", emblem(message), slack_text(message.subject),
                                              slack_text(rest))}});
}

Json pagerduty_payload(const Message& message, const std::string& routing_key) {
    bool resolve = message.event == "recovered" || message.event == "test";
    std::string key = fmt::format("certd/{}/{}", message.hostname, message.incident).substr(0, 255);
    Json event = Json::object(
        {{"routing_key", routing_key}, {"event_action", resolve ? "resolve" : "trigger"}, {"dedup_key", key}});
    if (resolve) return event;
    std::string about = message.lineage.empty() ? message.hostname : message.lineage;
    Json payload = Json::object({{"summary", fmt::format("{}: {}", about, message.title).substr(0, 1024)},
                                 {"source", message.hostname},
                                 {"severity", pagerduty_severity(message.severity)},
                                 {"timestamp", message.since},
                                 {"component", about},
                                 {"class", message.kind},
                                 {"custom_details", to_json(message)}});
    if (!message.target.empty()) payload.set("group", message.target);
    event.set("payload", std::move(payload));
    event.set("client", "certd");
    return event;
}

}  // namespace certd
