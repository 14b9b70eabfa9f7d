// The plan, the findings of a check, events and problems as text; JSON made safe for terminals.
#include "ctl/render.hpp"
#include "libacme/base/diagnosis.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd::ctl {

namespace {

Colour colour_of_severity(std::string_view severity) {
    if (severity == "error" || severity == "critical") return Colour::red;
    return severity == "warning" ? Colour::yellow : severity == "debug" ? Colour::dim : Colour::none;
}

Colour colour_of_result(std::string_view result) {
    return result == "ok" ? Colour::green : result == "warning" ? Colour::yellow : Colour::red;
}

}  // namespace

std::string problem_line(const Style& style, const Problem& problem) {
    std::string text = clean(style, problem.what.empty() ? problem.code : problem.what);
    if (!problem.remote.empty()) text += ": " + clean(style, problem.remote);
    return text;
}

std::string render_plan(const Style& style, const std::vector<api::PlanEntry>& plan, Time now) {
    if (plan.empty()) return "Nothing is planned\n";
    std::vector<std::vector<Cell>> rows;
    for (const api::PlanEntry& entry : plan) {
        std::vector<std::string> reasons;
        for (const std::string& reason : entry.reasons)
            reasons.push_back(clean(style, reason));
        rows.push_back({{moment(style, entry.at, now)},
                        {relative_future(entry.at, now)},
                        {clean(style, entry.lineage, 256), Colour::bold},
                        {clean(style, entry.action, 64)},
                        {join(reasons, "; "), Colour::dim}});
    }
    return render_table(style, {"WHEN", "", "LINEAGE", "ACTION", "BECAUSE"}, rows, 2);
}

std::string render_limits(const Style& style, const std::vector<api::LimitUse>& uses, Time now) {
    if (uses.empty()) return "No rate limit is in use\n";
    std::vector<std::vector<Cell>> rows;
    for (const api::LimitUse& use : uses) {
        bool empty = use.used >= use.capacity;
        rows.push_back({{clean(style, use.ca, 64), Colour::bold},
                        {clean(style, use.kind, 64)},
                        {clean(style, use.key, 256)},
                        {fmt::format("{} of {}", use.used, use.capacity), empty ? Colour::red : Colour::none},
                        {use.next <= now ? "now" : relative_future(use.next, now)},
                        {relative_future(use.full_at, now)}});
    }
    std::string out = render_table(style, {"CA", "LIMIT", "OF", "USED", "NEXT", "UNUSED AGAIN"}, rows, 2);
    for (const api::LimitUse& use : uses) {
        if (use.page.empty()) continue;
        out += wrap(style, "",
                    fmt::format("{}: {} has paused the names; unpause them at", clean(style, use.key, 256),
                                clean(style, use.ca, 64)));
        out += "  " + clean(style, use.page, 2048) + "\n";
    }
    return out;
}

std::string render_finding(const Style& style, const api::CheckFinding& finding) {
    const bool ok = finding.result == "ok";
    std::string mark(ok ? style.tick() : finding.result == "warning" ? "!" : style.cross());
    std::string about = finding.name.empty() ? "" : " " + clean(style, finding.name, 260);
    std::string first = mark + " " + clean(style, finding.check, 128) + about + ": ";
    std::string wrapped = wrap(style, first, clean(style, finding.text));
    std::string out = paint(style, colour_of_result(finding.result), mark) + wrapped.substr(mark.size());
    if (!ok && !finding.hint.empty()) out += wrap(style, "  ", clean(style, finding.hint));
    return out;
}

std::string render_findings(const Style& style, const std::string& lineage,
                            const std::vector<api::CheckFinding>& findings) {
    std::string out;
    std::size_t warnings = 0, blocked = 0;
    for (const api::CheckFinding& finding : findings) {
        if (finding.result != "ok") ++(finding.result == "warning" ? warnings : blocked);
        out += render_finding(style, finding);
    }
    std::string verdict = blocked != 0 ? fmt::format("{} would block a renewal", blocked) : "a renewal should succeed";
    if (warnings != 0) verdict += fmt::format(", {} warning{}", warnings, warnings == 1 ? "" : "s");
    return out + wrap(style, "",
                      fmt::format("{}: {} check{}: {}", clean(style, lineage, 256), findings.size(),
                                  findings.size() == 1 ? "" : "s", verdict));
}

std::string render_accounts(const Style& style, const std::vector<api::Account>& accounts) {
    if (accounts.empty()) return "There is no account yet: the first renewal at a CA makes one\n";
    std::string out;
    for (const api::Account& account : accounts) {
        std::vector<std::string> contacts;
        for (const std::string& contact : account.contact)
            contacts.push_back(clean(style, contact, 256));
        out += paint(style, Colour::bold, clean(style, account.ca, 128)) + "\n";
        out += wrap(style, "  account:    ", clean(style, account.url));
        out += wrap(style, "  directory:  ", clean(style, account.directory));
        out += wrap(style, "  contact:    ", contacts.empty() ? "none" : join(contacts, ", "));
        out += wrap(style, "  key:        ", clean(style, account.key_type + ", thumbprint " + account.thumbprint));
        if (!account.terms_of_service.empty())
            out += wrap(style, "  agreed to:  ", clean(style, account.terms_of_service));
        if (account.problem) out += wrap(style, "  suspended:  ", problem_line(style, *account.problem));
    }
    return out;
}

std::string render_orders(const Style& style, const std::string& ca, const api::OrderList& list) {
    if (!list.offered) return fmt::format("{} does not list the orders of an account\n", clean(style, ca, 128));
    std::string out;
    for (const std::string& url : list.urls)
        out += clean(style, url, 2048) + "\n";
    if (!list.complete) out += "There is more than is shown here\n";
    return out.empty() ? fmt::format("{} lists no orders\n", clean(style, ca, 128)) : out;
}

std::string place_of(const Style& style, const api::Event& event) {
    if (event.target.empty() || event.message.find(event.target) != std::string::npos) return {};
    return clean(style, event.target, 128) + (event.host.empty() ? "" : "@" + clean(style, event.host, 128)) + ": ";
}

std::string render_event(const Style& style, const api::Event& event) {
    std::string line = event.at ? date_and_time_of_day(style, *event.at) + " " : "";
    line += paint(style, colour_of_severity(event.severity), pad(clean(style, event.severity, 16), 8)) + " ";
    if (!event.lineage.empty()) line += paint(style, Colour::bold, clean(style, event.lineage, 256)) + ": ";
    line += place_of(style, event);
    line += clean(style, event.message.empty() ? event.type : event.message);
    if (event.problem) line += ": " + problem_line(style, *event.problem);
    return line + "\n";
}

std::string render_problem(const Style& style, const Problem& problem, std::string_view subject) {
    std::string first = clean(style, subject, 256) + ": ";
    std::string out = wrap(style, first, problem_line(style, problem));
    for (const Problem& part : problem.parts)
        out += wrap(style, "  - ", problem_line(style, part));
    if (std::string_view cause = cause_of(problem); !cause.empty())
        out += wrap(style, "  Cause:  ", clean(style, cause));
    if (!problem.hint.empty()) out += wrap(style, "  Remedy: ", clean(style, problem.hint));
    return out;
}

std::string terminal_safe_json(std::string_view json) {
    auto harmless = [](char letter) { return static_cast<signed char>(letter) >= 0 && letter != 0x7F; };
    if (std::ranges::all_of(json, harmless)) return std::string(json);
    std::string out;
    out.reserve(json.size() + 64);
    for (std::size_t i = 0; i < json.size();) {
        auto octet = [&](std::size_t at) { return static_cast<unsigned char>(json[at]); };
        if (harmless(json[i])) {
            out += json[i++];
            continue;
        }
        std::size_t length = octet(i) == 0x7F ? 1 : octet(i) < 0xE0 ? 2 : octet(i) < 0xF0 ? 3 : 4;
        std::string_view letter = json.substr(i, length);
        i += letter.size();
        if (escape_untrusted(letter) == letter) {
            out += letter;
            continue;
        }
        // All letters that escape_untrusted objects to lie in the basic plane but for the tags (U+E0000 …), which are
        // left out.
        if (letter.size() == 1) out += letter[0] == 0x7F ? "\\u007f" : "\\ufffd";
        char32_t point = letter.size() == 2   ? (char32_t(letter[0] & 0x1F) << 6) | char32_t(letter[1] & 0x3F)
                         : letter.size() == 3 ? (char32_t(letter[0] & 0x0F) << 12) | (char32_t(letter[1] & 0x3F) << 6) |
                                                    char32_t(letter[2] & 0x3F)
                                              : 0;
        if (point != 0) out += fmt::format("\\u{:04x}", static_cast<unsigned>(point));
    }
    return out;
}

}  // namespace certd::ctl
