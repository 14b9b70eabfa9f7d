// Notifiers, open incidents and test messages as text.
#include "ctl/render.hpp"
#include "libacme/base/text.hpp"

#include <fmt/format.h>

namespace certd::ctl {

namespace {

Colour colour_of(const api::Incident& incident) {
    if (incident.over) return Colour::green;
    return incident.severity == "warning" ? Colour::yellow : Colour::red;
}

std::string notifiers_table(const Style& style, const std::vector<api::Notifier>& notifiers, Time now) {
    if (notifiers.empty())
        return "No notifier is configured: nobody is told of incidents (see `notify` in certd.yaml)\n";
    std::vector<std::vector<Cell>> rows;
    for (const api::Notifier& notifier : notifiers) {
        rows.push_back({{clean(style, notifier.name, 64), Colour::bold},
                        {clean(style, notifier.kind, 32)},
                        {clean(style, notifier.to, 256)},
                        {notifier.last_delivery ? relative_past(*notifier.last_delivery, now) : "never"},
                        {std::to_string(notifier.queued), notifier.queued == 0 ? Colour::none : Colour::yellow},
                        {std::to_string(notifier.dropped), notifier.dropped == 0 ? Colour::none : Colour::red}});
    }
    std::string out = render_table(style, {"NOTIFIER", "KIND", "TO", "LAST DELIVERY", "QUEUED", "DROPPED"}, rows, 2);
    for (const api::Notifier& notifier : notifiers) {
        if (!notifier.problem) continue;
        std::string next =
            notifier.next_attempt ? "; next attempt " + relative_future(*notifier.next_attempt, now) : std::string();
        out += wrap(style, clean(style, notifier.name, 64) + ": ", problem_line(style, *notifier.problem) + next);
        if (!notifier.problem->hint.empty()) out += wrap(style, "  Remedy: ", clean(style, notifier.problem->hint));
    }
    return out;
}

std::string incidents_table(const Style& style, const std::vector<api::Incident>& incidents, Time now) {
    if (incidents.empty()) return "No incident is open\n";
    std::vector<std::vector<Cell>> rows;
    for (const api::Incident& incident : incidents) {
        std::vector<std::string> told;
        for (const std::string& name : incident.told)
            told.push_back(clean(style, name, 64));
        std::string about = incident.lineage.empty() ? "" : clean(style, incident.lineage, 128) + ": ";
        rows.push_back({{incident.over ? "over" : clean(style, incident.severity, 16), colour_of(incident)},
                        {relative_past(incident.since, now)},
                        {about + clean(style, incident.title, 300)},
                        {told.empty() ? "nobody" : join(told, ", ")}});
    }
    return render_table(style, {"INCIDENT", "SINCE", "WHAT", "TOLD"}, rows, 2);
}

}  // namespace

std::string render_notifications(const Style& style, const api::Notifications& notifications, Time now) {
    return notifiers_table(style, notifications.notifiers, now) + "\n" +
           incidents_table(style, notifications.incidents, now);
}

std::string render_notify_test(const Style& style, const api::NotifyTest& test) {
    std::string name = clean(style, test.notifier, 64);
    if (test.delivered)
        return wrap(style, name + ": ", fmt::format("delivered; the receiver said: {}", clean(style, test.answer)));
    return test.problem ? render_problem(style, *test.problem, name) : name + ": not delivered\n";
}

}  // namespace certd::ctl
