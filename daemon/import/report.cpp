// An outcome for people and for programs.
#include "daemon/import/import.hpp"

#include "libacme/base/json.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd::certbot {

namespace {

using Texts = std::vector<std::string>;

std::string clean(std::string_view text) {
    return escape_untrusted(text, 2048);
}

Texts texts_of(const std::vector<Identifier>& names) {
    Texts texts;
    for (const Identifier& name : names)
        texts.push_back(name.value);
    return texts;
}

Texts texts_of(const std::vector<TargetName>& targets) {
    Texts texts;
    for (const TargetName& target : targets)
        texts.push_back(target.text);
    return texts;
}

std::string next_line(const Outlook& outlook, Time now) {
    if (outlook.plan.action == Action::none) return std::string(to_string(outlook.plan.state));
    Duration wait = outlook.plan.at - now;
    std::string when = wait <= Duration::zero() ? "now" : "in " + format_approximate(wait);
    return fmt::format("{} {} ({}): {}", outlook.plan.action == Action::issue ? "renewal" : "deployment", when,
                       format_rfc3339(std::chrono::floor<seconds>(outlook.plan.at)), join(outlook.plan.reasons, "; "));
}

std::string archive_numbers(const ImportedLineage& lineage) {
    Texts numbers;
    for (const ArchivedVersion& version : lineage.versions)
        numbers.push_back(std::to_string(version.number));
    return join(numbers, ", ");
}

std::string targets_line(const config::Lineage& spec) {
    return spec.targets.empty() ? "none" : join(texts_of(spec.targets), ", ");
}

std::string lineage_text(const Outlook& outlook, Time now) {
    const ImportedLineage& lineage = *outlook.imported;
    std::string name = lineage.name->text();
    if (name != lineage.certbot_name) name = fmt::format("{} → {}", lineage.certbot_name, name);
    std::string text = fmt::format(
        "{}\n"
        "  names      {}\n"
        "  key, CA    {}, {}\n"
        "  proof      {} → {}\n"
        "  targets    {}\n"
        "  versions   {} of the archive, valid until {}\n"
        "  next       {}\n",
        clean(name), clean(join(texts_of(lineage.names), ", ")), to_string(lineage.key), lineage.ca.text,
        clean(lineage.authenticator), clean(lineage.way), targets_line(*outlook.spec), archive_numbers(lineage),
        format_rfc3339(outlook.live.not_after), clean(next_line(outlook, now)));
    for (const std::string& note : lineage.notes)
        text += fmt::format("  note       {}\n", clean(note));
    return text;
}

void add_lineages(const Outcome& outcome, std::string& text) {
    const Translation& translation = outcome.preparation.translation;
    for (const Outlook& outlook : outlooks(outcome.preparation, outcome.now))
        text += lineage_text(outlook, outcome.now) + "\n";
    if (!translation.clashes.empty()) text += "In the way:\n";
    for (const NotCarried& clash : translation.clashes)
        text += fmt::format("  {}: {}\n", clean(clash.certbot_name), clean(clash.reason));
    if (!translation.not_carried.empty()) text += "Not carried over, left to certbot:\n";
    for (const NotCarried& left : translation.not_carried)
        text += fmt::format("  {}: {}\n", clean(left.certbot_name), clean(left.reason));
}

// The lines after the first of a step are to be copied as they are.
std::string step_text(const std::string& step) {
    Texts lines;
    for (std::string_view line : split(step, '\n'))
        lines.push_back(clean(line));
    return join(lines, "\n     ");
}

std::string summary(const Outcome& outcome) {
    const Preparation& made = outcome.preparation;
    std::size_t count = made.translation.lineages.size();
    std::string text;
    if (outcome.mode == "shadow") {
        text = fmt::format("{} of {} lineages can be taken over into {} with {}. Nothing was changed.\n", count,
                           count + made.translation.not_carried.size() + made.translation.clashes.size(),
                           made.state_directory.string(), made.file.string());
        if (std::size_t taken = made.record.at(Stage::taken).size(); taken > 0)
            text += fmt::format("{} were taken over before.\n", taken);
    } else if (outcome.done.empty()) {
        text = "There was nothing left to do.\n";
    }
    return text;
}

Json list_of(const Texts& texts) {
    Json list = Json::array();
    for (const std::string& text : texts)
        list.push(text);
    return list;
}

Json list_of(const std::vector<NotCarried>& items) {
    Json list = Json::array();
    for (const NotCarried& item : items)
        list.push(Json::object({{"certbot", item.certbot_name}, {"reason", item.reason}}));
    return list;
}

Json lineage_json(const Outlook& outlook) {
    const ImportedLineage& lineage = *outlook.imported;
    Json numbers = Json::array();
    for (const ArchivedVersion& version : lineage.versions)
        numbers.push(version.number);
    Json next = Json::object({{"action", to_string(outlook.plan.action)},
                              {"at", to_json(std::optional(outlook.plan.at))},
                              {"reasons", list_of(outlook.plan.reasons)}});
    return Json::object({{"certbot", lineage.certbot_name},
                         {"name", lineage.name->text()},
                         {"names", list_of(texts_of(lineage.names))},
                         {"key_type", to_string(lineage.key)},
                         {"ca", lineage.ca.text},
                         {"authenticator", lineage.authenticator},
                         {"challenge", lineage.way},
                         {"targets", list_of(texts_of(outlook.spec->targets))},
                         {"archive_versions", std::move(numbers)},
                         {"not_after", to_json(std::optional(outlook.live.not_after))},
                         {"next", std::move(next)},
                         {"notes", list_of(lineage.notes)}});
}

}  // namespace

std::string text_of(const Outcome& outcome) {
    std::string text;
    if (outcome.mode != "give-back") add_lineages(outcome, text);
    for (const std::string& note : outcome.preparation.translation.notes)
        text += fmt::format("Note: {}\n", clean(note));
    for (const std::string& done : outcome.done)
        text += fmt::format("Done: {}\n", clean(done));
    text += summary(outcome);
    if (!outcome.steps.empty()) text += "\nWhat is left to you:\n";
    std::size_t number = 0;
    for (const std::string& step : outcome.steps)
        text += fmt::format("  {}. {}\n", ++number, step_text(step));
    return text;
}

Json json_of(const Outcome& outcome) {
    const Preparation& made = outcome.preparation;
    Json lineages = Json::array();
    if (outcome.mode != "give-back") {
        for (const Outlook& outlook : outlooks(made, outcome.now))
            lineages.push(lineage_json(outlook));
    }
    Json taken = Json::array();
    for (const Entry& entry : made.record.entries) {
        taken.push(Json::object({{"certbot", entry.certbot_name},
                                 {"lineage", entry.lineage},
                                 {"file", entry.file.string()},
                                 {"stage", to_string(entry.stage)}}));
    }
    return Json::object({{"mode", outcome.mode},
                         {"from", made.record.from.string()},
                         {"state_dir", made.state_directory.string()},
                         {"file", made.file.string()},
                         {"lineages", std::move(lineages)},
                         {"clashes", list_of(made.translation.clashes)},
                         {"not_carried", list_of(made.translation.not_carried)},
                         {"record", std::move(taken)},
                         {"notes", list_of(made.translation.notes)},
                         {"done", list_of(outcome.done)},
                         {"steps", list_of(outcome.steps)}});
}

}  // namespace certd::certbot
