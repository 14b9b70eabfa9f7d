// `certctl status NAME` and `certctl explain NAME`: one lineage in full.
#include "ctl/render.hpp"
#include "libacme/base/diagnosis.hpp"
#include "libacme/base/idn.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace certd::ctl {

namespace {

// IDNs with the form in which people write them.
std::vector<std::string> readable(const std::vector<std::string>& names) {
    std::vector<std::string> texts;
    for (const std::string& name : names)
        texts.push_back(readable_name(name));
    return texts;
}

constexpr std::size_t label_width = 13;

class Sheet {
   public:
    explicit Sheet(const Style& style) : style_(style) {}

    // A labelled line, wrapped; nothing for an empty text. The text must be clean.
    void line(std::string_view label, const std::string& text, Colour colour = Colour::none) {
        if (text.empty()) return;
        std::string first = "  " + pad(std::string(label), label_width);
        std::string wrapped = wrap(style_, first, text);
        // Coloured after wrapping: the codes take no columns.
        out_ += first + paint(style_, colour, wrapped.substr(first.size(), wrapped.size() - first.size() - 1)) + "\n";
    }
    void raw(const std::string& text) { out_ += text; }
    void gap() { out_ += "\n"; }
    std::string take() { return std::move(out_); }

   private:
    const Style& style_;
    std::string out_;
};

std::string joined(const Style& style, const std::vector<std::string>& texts, std::string_view separator) {
    std::vector<std::string> safe;
    for (const std::string& text : texts)
        safe.push_back(clean(style, text));
    return join(safe, separator);
}

std::string state_text(const Style& style, const api::Lineage& lineage) {
    std::string text = clean(style, lineage.state, 64);
    if (!lineage.step.empty()) text += " (" + clean(style, lineage.step, 256) + ")";
    if (lineage.failures != 0)
        text += fmt::format(", {} failure{} in a row", lineage.failures, lineage.failures == 1 ? "" : "s");
    return text;
}

std::string validity(const Style& style, const api::Lineage& lineage, Time now) {
    if (!lineage.not_after) return {};
    std::string left = time_left(*lineage.not_after, now);
    std::string until = fmt::format("until {} ({})", date_and_time(style, *lineage.not_after),
                                    left == "expired" ? left : left + " left");
    return lineage.not_before ? fmt::format("from {} {}", date_and_time(style, *lineage.not_before), until) : until;
}

std::string revocation_text(const Style& style, const api::Revocation& known, Time now) {
    if (known.status == "not-checked") return "not looked at: the certificate names no CRL";
    std::string text = known.status == "good"      ? "not revoked"
                       : known.status == "revoked" ? fmt::format("revoked ({})", clean(style, known.reason, 64))
                                                   : "not known";
    if (known.checked_at) text += ", CRL of " + relative_past(*known.checked_at, now);
    if (known.problem) text += fmt::format(" [{}]", clean(style, known.problem->code, 128));
    return text;
}

std::string ari_text(const Style& style, const api::Ari& ari) {
    if (!ari.start || !ari.end) return {};
    std::string text = fmt::format("{} to {}", date_and_time(style, *ari.start), date_and_time(style, *ari.end));
    if (ari.selected) text += ", chosen " + date_and_time(style, *ari.selected);
    if (!ari.explanation_url.empty()) text += ", see " + clean(style, ari.explanation_url);
    return text;
}

std::string certificate(const Style& style, const api::Lineage& lineage) {
    if (lineage.version == 0) return "none yet";
    std::string text = fmt::format("version {}", lineage.version);
    if (!lineage.key_type.empty()) text += ", " + clean(style, lineage.key_type, 64);
    if (!lineage.ca.empty()) text += ", from " + clean(style, lineage.ca, 128);
    return text;
}

// The age of a key matters where it outlives its certificate.
std::string key_text(const Style& style, const api::KeyCertificate& certificate, Time now) {
    if (!certificate.key_created || !certificate.key_until) return {};
    std::string text = fmt::format("made {} ({})", date_and_time(style, *certificate.key_created),
                                   relative_past(*certificate.key_created, now));
    return text + (*certificate.key_until > now ? ", used again until " + date_and_time(style, *certificate.key_until)
                                                : ", the next renewal makes a new one");
}

constexpr std::size_t owners_shown = 3;

// Where the records belong, for those few that fit.
std::string owners_text(const Style& style, const std::vector<std::string>& owners) {
    if (owners.empty()) return {};
    const std::size_t count = std::min(owners.size(), owners_shown);
    std::string text = joined(style, {owners.begin(), owners.begin() + static_cast<std::ptrdiff_t>(count)}, ", ");
    if (owners.size() > count) text += fmt::format(" and {} more", owners.size() - count);
    return " at " + text;
}

void pin_lines(Sheet& sheet, const Style& style, const api::Lineage& lineage, const std::string& pin,
               const std::string& tlsa) {
    if (pin.empty()) return;
    sheet.line("Pin", clean(style, pin, 128));
    sheet.line("TLSA", clean(style, tlsa, 128) + owners_text(style, lineage.tlsa_owners));
}

void next_key_lines(Sheet& sheet, const Style& style, const api::Lineage& lineage, Time now) {
    for (const api::NextKey& next : lineage.next_keys) {
        sheet.line("Next key", fmt::format("{}, made {} ({})", clean(style, next.key_type, 64),
                                           date_and_time(style, next.created), relative_past(next.created, now)));
        pin_lines(sheet, style, lineage, next.pin, next.tlsa);
    }
}

void facts(Sheet& sheet, const Style& style, const api::Lineage& lineage, Time now) {
    sheet.line("Names", joined(style, readable(lineage.names), ", "));
    if (lineage.version != 0 && lineage.issued_names != lineage.names)
        sheet.line("Issued for", joined(style, readable(lineage.issued_names), ", "));
    sheet.line("State", state_text(style, lineage), colour_of_health(lineage.health));
    sheet.line("Certificate", certificate(style, lineage));
    sheet.line("Serial", clean(style, lineage.serial, 128));
    sheet.line("SHA-256", clean(style, lineage.fingerprint_sha256, 128));
    if (!lineage.csr.empty()) sheet.line("Key", "yours, of the request " + clean(style, lineage.csr));
    if (!lineage.certificates.empty()) {
        const api::KeyCertificate& first = lineage.certificates.front();
        sheet.line("Key", key_text(style, first, now));
        pin_lines(sheet, style, lineage, first.pin, first.tlsa);
    }
    for (std::size_t i = 1; i < lineage.certificates.size(); ++i) {
        const api::KeyCertificate& further = lineage.certificates[i];
        sheet.line("and", clean(style, further.key_type, 64));
        sheet.line("Serial", clean(style, further.serial, 128));
        sheet.line("SHA-256", clean(style, further.fingerprint_sha256, 128));
        sheet.line("Key", key_text(style, further, now));
        pin_lines(sheet, style, lineage, further.pin, further.tlsa);
    }
    next_key_lines(sheet, style, lineage, now);
    sheet.line("Valid", validity(style, lineage, now));
    sheet.line("Served", clean(style, lineage.served, 32));
    sheet.line("Next", next_action(style, lineage, now, 2));
    sheet.line("", joined(style, lineage.next.reasons, "; "), Colour::dim);
    if (lineage.revocation) sheet.line("Revocation", revocation_text(style, *lineage.revocation, now));
    if (lineage.ari) sheet.line("ARI window", ari_text(style, *lineage.ari));
    if (lineage.last_success) sheet.line("Last success", relative_past(*lineage.last_success, now));
}

// The problem with what usually lies behind it and what to do.
void problem_lines(Sheet& sheet, const Style& style, const Problem& problem) {
    sheet.line("Problem", clean(style, problem.what), Colour::red);
    if (!problem.remote.empty()) sheet.line("", clean(style, problem.remote));
    for (const Problem& part : problem.parts)
        sheet.line("", problem_line(style, part));
    sheet.line("Cause", clean(style, cause_of(problem)));
    sheet.line("Remedy", clean(style, problem.hint));
    sheet.line("Code", clean(style, problem.code, 128), Colour::dim);
}

Colour colour_of_host(const api::Target& target) {
    if (target.state == "watched" && target.problem) return Colour::red;
    const bool is_good = target.verdict == "live" || target.verdict == "trusted" || target.state == "deployed";
    if (is_good) return Colour::green;
    return target.state == "failed" || target.state == "rolled-back" ? Colour::red : Colour::yellow;
}

// Of an endpoint that is only watched: "watched: old".
std::string host_state(const Style& style, const api::Target& target) {
    std::string state = clean(style, target.state, 64);
    return target.verdict.empty() ? state : state + ": " + clean(style, target.verdict, 64);
}

// What comes next there.
std::string host_outlook(const Style& style, const api::Target& target, Time now) {
    if (target.next_attempt) return "again " + relative_future(*target.next_attempt, now);
    if (target.grace_until) return "to change by " + date_and_time(style, *target.grace_until);
    if (target.served_not_after) return "until " + date_and_time(style, *target.served_not_after);
    return {};
}

constexpr std::size_t few_hosts = 10;  // are all shown
constexpr std::size_t most_rows = 20;  // of hosts that are not as they should be

const api::Rollout* rollout_of(const api::Lineage& lineage, const std::string& target) {
    auto found = std::ranges::find(lineage.rollouts, target, &api::Rollout::target);
    return found == lineage.rollouts.end() ? nullptr : &*found;
}

// Those of large targets that are as they should be go without saying.
std::vector<const api::Target*> worth_a_row(const api::Lineage& lineage, bool all_hosts) {
    std::vector<const api::Target*> shown;
    std::map<std::string_view, std::size_t> rows;
    for (const api::Target& target : lineage.targets) {
        const api::Rollout* rollout = rollout_of(lineage, target.target);
        if (!all_hosts && rollout != nullptr && rollout->total > few_hosts) {
            bool well = target.state == "deployed" && target.version == rollout->version && !target.problem;
            if (well || ++rows[target.target] > most_rows) continue;
        }
        shown.push_back(&target);
    }
    return shown;
}

void fleet_lines(Sheet& sheet, const Style& style, const api::Lineage& lineage, Time now) {
    for (const api::Rollout& rollout : lineage.rollouts) {
        std::string text = rollout_counts(rollout);
        if (rollout.running) text += " (" + rollout_phase(style, lineage, rollout, now) + ")";
        sheet.raw(wrap(style, "  " + clean(style, rollout.target, 128) + ": ", text));
    }
}

void target_table(Sheet& sheet, const Style& style, const api::Lineage& lineage, Time now, bool all_hosts) {
    if (lineage.targets.empty()) return;
    std::vector<const api::Target*> shown = worth_a_row(lineage, all_hosts);
    std::vector<std::vector<Cell>> rows;
    for (const api::Target* target : shown) {
        rows.push_back({{"  " + clean(style, target->target, 128)},
                        {clean(style, target->host, 128)},
                        {host_state(style, *target), colour_of_host(*target)},
                        {target->version == 0 ? "-" : std::to_string(target->version)},
                        {short_fingerprint(style, target->served_fingerprint)},
                        {target->verified_at ? relative_past(*target->verified_at, now) : "-"},
                        {host_outlook(style, *target, now)}});
    }
    sheet.gap();
    fleet_lines(sheet, style, lineage, now);
    if (!rows.empty())
        sheet.raw(render_table(style, {"  TARGET", "HOST", "STATE", "VERSION", "SERVES", "VERIFIED", ""}, rows));
    if (shown.size() < lineage.targets.size()) {
        sheet.raw(wrap(style, "  ",
                       fmt::format("{} more hosts are not shown: certctl status {} --all-hosts",
                                   lineage.targets.size() - shown.size(), clean(style, lineage.name, 256))));
    }
    for (const api::Target* target : shown) {
        if (target->problem && target->problem != lineage.last_problem) {
            std::string where = clean(style, target->target, 128) + ": ";
            if (target->host != "local") where.insert(where.size() - 2, " on " + clean(style, target->host, 128));
            if (target->state == "watched") where.clear();  // the problem names the endpoint
            sheet.raw(wrap(style, "  " + where, problem_line(style, *target->problem)));
        }
    }
}

void refused_lines(Sheet& sheet, const Style& style, const api::Lineage& lineage, Time now) {
    if (lineage.refused_names.empty()) return;
    sheet.gap();
    sheet.raw(paint(style, Colour::bold, "Names the CA refused") + "\n");
    for (const api::RefusedName& refused : lineage.refused_names) {
        std::string name = clean(style, readable_name(refused.name), 300);
        std::string when = refused.next_attempt ? ", again " + relative_future(*refused.next_attempt, now) : "";
        std::string text = fmt::format("{}since {}{}: {}", refused.covered ? "still covered, " : "",
                                       date_and_time(style, refused.since), when, problem_line(style, refused.problem));
        sheet.raw(wrap(style, "  " + name + ": ", text));
    }
}

std::string hook_ending(const api::HookRun& run) {
    std::string text = run.exit_status    ? fmt::format("exit status {}", *run.exit_status)
                       : run.signal != 0  ? fmt::format("ended by signal {}", run.signal)
                       : run.code.empty() ? "ended"
                                          : "could not be run";
    if (run.timed_out) text += ", killed at its time limit";
    return fmt::format("{} after {}", text, format_duration(Duration(run.took_ms)));
}

std::string hook_name(const Style& style, const api::HookRun& run) {
    std::string name = clean(style, run.hook, 32);
    if (run.hook == "exec") name += " of " + clean(style, run.target, 128);
    if (!run.host.empty() && run.host != "local") name += " on " + clean(style, run.host, 128);
    return name;
}

// The last of them, with the end of what each said; all are in the JSON.
void hook_lines(Sheet& sheet, const Style& style, const api::Lineage& lineage, Time now) {
    constexpr std::size_t shown = 10;
    if (lineage.hooks.empty()) return;
    sheet.gap();
    sheet.raw(paint(style, Colour::bold, "Hooks") + "\n");
    const std::size_t from = lineage.hooks.size() - std::min(shown, lineage.hooks.size());
    for (std::size_t i = from; i < lineage.hooks.size(); ++i) {
        const api::HookRun& run = lineage.hooks[i];
        const bool failed = !run.code.empty();
        const std::string first = "  " + pad(moment(style, run.at, now), 12) + "  ";
        const std::string text =
            fmt::format("{} ({}): {}", hook_name(style, run), clean(style, run.command, 256), hook_ending(run));
        const std::string line = wrap(style, first, text);
        sheet.raw(first +
                  paint(style, failed ? Colour::red : Colour::none,
                        line.substr(first.size(), line.size() - first.size() - 1)) +
                  "\n");
        if (!run.output.empty())
            sheet.raw(wrap(style, std::string(first.size() + 2, ' '), clean(style, run.output, 1024)));
    }
}

void version_table(Sheet& sheet, const Style& style, const api::Lineage& lineage, Time now) {
    if (lineage.versions.empty()) return;
    std::vector<std::vector<Cell>> rows;
    for (const api::Version& version : lineage.versions) {
        rows.push_back({{fmt::format("  {}", version.version)},
                        {clean(style, version.status, 64), version.status == "live" ? Colour::green : Colour::none},
                        {date_and_time(style, version.not_after)},
                        {time_left(version.not_after, now)},
                        {clean(style, version.serial, 128)}});
    }
    sheet.gap();
    sheet.raw(render_table(style, {"  VERSION", "STATUS", "NOT AFTER", "LEFT", "SERIAL"}, rows, 4));
}

void bullets(Sheet& sheet, const Style& style, const std::string& title, const std::vector<std::string>& sentences) {
    if (sentences.empty()) return;
    sheet.gap();
    sheet.raw(paint(style, Colour::bold, title) + "\n");
    for (const std::string& sentence : sentences)
        sheet.raw(wrap(style, "  - ", clean(style, sentence)));
}

// The last of them, as they were made; all are in the JSON.
void decision_lines(Sheet& sheet, const Style& style, const std::vector<api::Decision>& decisions, Time now) {
    constexpr std::size_t shown = 12;
    if (decisions.empty()) return;
    sheet.gap();
    sheet.raw(paint(style, Colour::bold, "Decisions") + "\n");
    const std::size_t from = decisions.size() - std::min(shown, decisions.size());
    for (std::size_t i = from; i < decisions.size(); ++i) {
        const api::Decision& decision = decisions[i];
        std::string text = clean(style, decision.decision);
        if (decision.due) text += " at " + date_and_time(style, *decision.due);
        if (!decision.reasons.empty()) text += ": " + joined(style, decision.reasons, "; ");
        if (!decision.by.empty()) text += " (" + clean(style, decision.by, 256) + ")";
        sheet.raw(wrap(style, "  " + pad(moment(style, decision.at, now), 12) + "  ", text));
    }
}

}  // namespace

std::string render_lineage(const Style& style, const api::Lineage& lineage, Time now, bool all_hosts) {
    Sheet sheet(style);
    std::string name = clean(style, lineage.name, 256);
    if (style.width != 0) name = elide_middle(style, name, style.width);
    sheet.raw(paint(style, Colour::bold, name) + "\n");
    facts(sheet, style, lineage, now);
    if (lineage.last_problem) {
        sheet.gap();
        problem_lines(sheet, style, *lineage.last_problem);
    }
    refused_lines(sheet, style, lineage, now);
    target_table(sheet, style, lineage, now, all_hosts);
    version_table(sheet, style, lineage, now);
    hook_lines(sheet, style, lineage, now);
    return sheet.take();
}

std::string render_explanation(const Style& style, const api::Explanation& explanation, Time now) {
    const api::Lineage& lineage = explanation.lineage;
    Sheet sheet(style);
    sheet.raw(wrap(style, "", clean(style, lineage.name, 256) + " is " + state_text(style, lineage)));
    bullets(sheet, style, "Why", explanation.why);
    bullets(sheet, style, "What happens next", explanation.then);
    if (lineage.last_problem) {
        sheet.gap();
        Problem shown = *lineage.last_problem;
        if (!explanation.remedy.empty()) shown.hint = explanation.remedy;
        problem_lines(sheet, style, shown);
    } else {
        sheet.line("Cause", clean(style, explanation.cause));
        sheet.line("Remedy", clean(style, explanation.remedy));
    }
    decision_lines(sheet, style, explanation.decisions, now);
    hook_lines(sheet, style, lineage, now);
    if (!explanation.history.empty()) {
        sheet.gap();
        sheet.raw(paint(style, Colour::bold, "History") + "\n");
        for (const api::HistoryEntry& entry : explanation.history) {
            std::string code = entry.code.empty() ? "" : " [" + clean(style, entry.code, 64) + "]";
            sheet.raw(
                wrap(style, "  " + pad(moment(style, entry.at, now), 12) + "  ", clean(style, entry.what) + code));
        }
    }
    return sheet.take();
}

}  // namespace certd::ctl
