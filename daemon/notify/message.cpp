// The words.
#include "daemon/notify/message.hpp"

#include "daemon/lineage/codec.hpp"
#include "libacme/base/diagnosis.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd {

namespace codec {

template <class Visit>
static void fields(Is<Message> auto& message, Visit& visit) {
    visit("event", message.event);
    visit("id", message.id);
    visit("incident", message.incident);
    visit("kind", message.kind);
    visit("severity", message.severity);
    visit("lineage", message.lineage);
    visit("target", message.target);
    visit("title", message.title);
    visit("subject", message.subject);
    visit("body", message.body);
    visit("at", message.at);
    visit("since", message.since);
    visit("duration", message.duration);
    visit("code", message.code);
    visit("problem", message.problem);
    visit("remote", message.remote);
    visit("cause", message.cause);
    visit("remedy", message.remedy);
    visit("served", message.served);
    visit("served_until", message.served_until);
    visit("next", message.next);
    visit("hostname", message.hostname);
    visit("explain", message.explain);
}

}  // namespace codec

namespace {

std::string stamp(Time time) {
    return format_rfc3339(std::chrono::floor<seconds>(time));
}

// "Served:   version 3 …", nothing for nothing.
void line(std::string& body, std::string_view name, std::string_view value) {
    if (!value.empty()) body += fmt::format("{:<10}{}\n", std::string(name) + ":", value);
}

std::string whose(const Problem& problem) {
    return problem.kind == ProblemKind::ca || problem.code.starts_with("acme.") ? "The CA says" : "It says";
}

// Where a problem has parts, the first ones: one for each name or host.
void add_problem(std::string& body, const Problem& problem) {
    constexpr std::size_t parts_told = 5;
    line(body, "Problem", fmt::format("{} [{}]", escape_untrusted(problem.what), problem.code));
    if (!problem.remote.empty())
        body += fmt::format("          {}: \"{}\"\n", whose(problem), escape_untrusted(problem.remote));
    for (std::size_t i = 0; i < problem.parts.size() && i < parts_told; ++i) {
        const Problem& part = problem.parts[i];
        body += fmt::format("          - {} [{}]\n", escape_untrusted(part.what), part.code);
        if (!part.remote.empty() && part.remote != problem.remote)
            body += fmt::format("            {}: \"{}\"\n", whose(part), escape_untrusted(part.remote));
    }
    if (problem.parts.size() > parts_told)
        body += fmt::format("          and {} more\n", problem.parts.size() - parts_told);
}

std::string headline(Notice notice, const Condition& condition) {
    std::string about = condition.lineage.empty() ? "" : condition.lineage + ": ";
    switch (notice) {
        case Notice::reminder:
            return fmt::format("still: {}{}", about, condition.title);
        case Notice::escalated:
            return fmt::format("worse: {}{}", about, condition.title);
        case Notice::recovered:
            return fmt::format("over: {}{}", about, condition.resolved);
        default:
            return about + condition.title;
    }
}

std::string tail(const Message& message) {
    return fmt::format("\nFrom certd on {}. More: {}\n", message.hostname, message.explain);
}

void write_body(Message& message, Notice notice, const Incident& incident, Time now) {
    const Condition& condition = incident.condition;
    std::string& body = message.body;
    body = message.subject.substr(std::string_view("[certd] ").size()) + "\n\n";
    if (notice == Notice::recovered) {
        line(body, "Was", condition.title);
        line(body, "From", fmt::format("{} to {}", message.since, stamp(*incident.over)));
        line(body, "Lasted", message.duration);
        line(body, "Served", condition.served);
        body += tail(message);
        return;
    }
    Duration lasted = now - incident.since;
    line(body, "Since",
         lasted < seconds(1) ? message.since : fmt::format("{} ({} ago)", message.since, message.duration));
    line(body, "Severity", message.severity);
    line(body, "Served", condition.served);
    if (condition.problem) add_problem(body, *condition.problem);
    line(body, "Cause", message.cause);
    line(body, "Remedy", message.remedy);
    line(body, "Next", condition.next);
    body += tail(message);
}

}  // namespace

Message compose(Notice notice, const Incident& incident, Time now, const Sender& sender) {
    const Condition& condition = incident.condition;
    Message message;
    message.event = to_string(notice);
    message.incident = condition.key;
    message.id = fmt::format("{}@{}", condition.key, stamp(incident.since));
    message.kind = to_string(condition.kind);
    message.severity = to_string(condition.severity);
    message.lineage = condition.lineage;
    message.target = condition.target;
    message.title = escape_untrusted(notice == Notice::recovered ? condition.resolved : condition.title, 300);
    message.subject = escape_untrusted("[certd] " + headline(notice, condition), 400);
    message.at = stamp(now);
    message.since = stamp(incident.since);
    Time until = notice == Notice::recovered && incident.over ? *incident.over : now;
    message.duration = format_approximate(until - incident.since);
    if (condition.problem) {
        const Problem& problem = *condition.problem;
        message.code = problem.code;
        message.problem = escape_untrusted(problem.what);
        message.remote = escape_untrusted(problem.remote);
        message.remedy = escape_untrusted(problem.hint);
        message.cause = cause_of(problem);
    }
    message.served = escape_untrusted(condition.served, 300);
    if (condition.served_until) message.served_until = stamp(*condition.served_until);
    message.next = escape_untrusted(condition.next, 300);
    message.hostname = sender.hostname;
    message.explain =
        condition.lineage.empty() ? "certctl notify list" : fmt::format("certctl explain {}", condition.lineage);
    write_body(message, notice, incident, now);
    return message;
}

Message compose_digest(const std::vector<News>& news, Time now, const Sender& sender) {
    constexpr std::size_t incidents_named = 50;
    Message message;
    Severity severity = Severity::notice;
    std::size_t over = 0;
    std::string lines;
    for (std::size_t i = 0; i < news.size(); ++i) {
        const auto& [notice, incident] = news[i];
        severity = std::max(severity, incident.condition.severity);
        if (notice == Notice::recovered) ++over;
        if (i < incidents_named) lines += escape_untrusted(headline(notice, incident.condition), 300) + "\n";
    }
    if (news.size() > incidents_named) lines += fmt::format("and {} more\n", news.size() - incidents_named);
    message.event = to_string(over == news.size() ? Notice::recovered : Notice::opened);
    message.incident = message.kind = "several";
    message.id = fmt::format("several@{}", format_rfc3339(now));
    message.severity = to_string(severity);
    message.title = fmt::format("{} incidents, {} of them over", news.size(), over);
    message.subject = "[certd] " + message.title;
    message.at = message.since = stamp(now);
    message.duration = "0s";
    message.hostname = sender.hostname;
    message.explain = "certctl notify list";
    message.body = fmt::format("{}\n\n{}{}", message.title, lines, tail(message));
    return message;
}

Message test_message(const std::string& notifier, Time now, const Sender& sender) {
    Message message;
    message.event = to_string(Notice::test);
    message.incident = "test/" + notifier;
    message.id = fmt::format("test/{}@{}", notifier, format_rfc3339(now));
    message.kind = "test";
    message.severity = to_string(Severity::notice);
    message.title = fmt::format("test of the notifier {}", notifier);
    message.subject = "[certd] " + message.title;
    message.at = message.since = stamp(now);
    message.duration = "0s";
    message.hostname = sender.hostname;
    message.explain = "certctl notify list";
    message.body = fmt::format(
        "{}\n\nNothing is wrong: somebody asked with `certctl notify test`. What certd {} tells arrives like this.\n{}",
        message.title, sender.version, tail(message));
    return message;
}

Json to_json(const Message& message) {
    return codec::Coder<Message>::encode(message);
}

Result<Message> message_from_json(const Json& json) {
    return codec::decode_document<Message>(json, "A notification");
}

}  // namespace certd
