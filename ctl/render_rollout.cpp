// `certctl rollout`: what a rollout is doing, host by host.
#include "ctl/render.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include <fmt/format.h>

namespace certd::ctl {

namespace {

constexpr std::size_t most_names = 12;     // of hosts in one clause
constexpr std::size_t most_problems = 10;  // of hosts that are told in full
constexpr std::size_t longest_bar = 40;

constexpr std::array<std::pair<std::string_view, std::string_view>, 12> steps = {{{"back-up", "backing up"},
                                                                                  {"install", "installing"},
                                                                                  {"exec", "running exec"},
                                                                                  {"test", "testing"},
                                                                                  {"reload", "reloading"},
                                                                                  {"verify", "verifying"},
                                                                                  {"commit", "finishing"},
                                                                                  {"restore", "putting back"},
                                                                                  {"exec-restored", "putting back"},
                                                                                  {"reload-restored", "reloading old"},
                                                                                  {"verify-restored", "verifying old"},
                                                                                  {"close", "finishing"}}};

enum class Standing { at_work, failed, waiting, well };

struct Host {
    std::string name;
    api::Target target;
    Standing standing = Standing::waiting;
    bool to_come = false;  // in the rollout that runs
};

std::string list(const Style& style, const std::vector<std::string>& hosts) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < std::min(hosts.size(), most_names); ++i)
        names.push_back(clean(style, hosts[i], 128));
    std::string text = join(names, ", ");
    return hosts.size() <= most_names ? text : fmt::format("{} and {} more", text, hosts.size() - most_names);
}

const api::Target* find(const api::Lineage& lineage, const std::string& target, const std::string& host) {
    auto found = std::ranges::find_if(
        lineage.targets, [&](const api::Target& place) { return place.target == target && place.host == host; });
    return found == lineage.targets.end() ? nullptr : &*found;
}

Standing standing_of(const api::Target& target, const api::Rollout& rollout) {
    if (!target.step.empty()) return Standing::at_work;
    if (target.state == "deployed" && target.version == rollout.version)
        return target.problem ? Standing::failed : Standing::well;
    bool went_back = target.problem && target.problem->code == "deploy.rolledBack";
    bool failed = target.state == "failed" || target.state == "rolled-back";
    return failed && !went_back ? Standing::failed : Standing::waiting;
}

std::vector<Host> hosts_of(const api::Lineage& lineage, const api::Rollout& rollout) {
    std::map<std::string_view, const api::Target*> known;
    for (const api::Target& target : lineage.targets) {
        if (target.target == rollout.target) known.emplace(target.host, &target);
    }
    std::vector<Host> hosts;
    for (const std::string& name : rollout.hosts) {
        auto target = known.find(name);
        Host host{name, target == known.end() ? api::Target{} : *target->second};
        host.standing = standing_of(host.target, rollout);
        hosts.push_back(std::move(host));
    }
    return hosts;
}

std::string now_text(const Style& style, const Host& host, const api::Rollout& rollout, Time now) {
    if (!host.target.step.empty()) {
        const auto* step = std::ranges::find(steps, host.target.step, [](const auto& item) { return item.first; });
        return step == steps.end() ? clean(style, host.target.step, 32) : std::string(step->second);
    }
    if (host.standing == Standing::well) return std::string(style.tick()) + " serves it";
    if (host.standing == Standing::failed) {
        std::string again = host.target.next_attempt && !rollout.running
                                ? ", again " + relative_future(*host.target.next_attempt, now)
                                : "";
        return std::string(style.cross()) + " failed" + again;
    }
    if (host.target.state == "rolled-back") return "went back";
    return rollout.running && rollout.phase != "going-back" ? "waiting" : "pending";
}

Colour colour_of(Standing standing) {
    switch (standing) {
        case Standing::at_work:
            return Colour::cyan;
        case Standing::failed:
            return Colour::red;
        case Standing::well:
            return Colour::green;
        case Standing::waiting:
            break;
    }
    return Colour::none;
}

// When there is no room for all: those at work, those that failed, then what was done last and what comes next.
std::vector<Host> worth_showing(std::vector<Host> hosts, std::size_t rows) {
    if (rows == 0 || hosts.size() <= rows) return hosts;
    std::vector<std::size_t> chosen;
    auto choose = [&](Standing standing, std::size_t most, bool latest) {
        std::vector<std::size_t> fitting;
        for (std::size_t i = 0; i < hosts.size(); ++i) {
            if (hosts[i].standing == standing && std::ranges::find(chosen, i) == chosen.end()) fitting.push_back(i);
        }
        if (latest) std::ranges::reverse(fitting);
        most = std::min({most, fitting.size(), rows - chosen.size()});
        chosen.insert(chosen.end(), fitting.begin(), fitting.begin() + static_cast<std::ptrdiff_t>(most));
    };
    choose(Standing::at_work, rows, false);
    choose(Standing::failed, rows, false);
    choose(Standing::waiting, (rows - chosen.size() + 1) / 2, false);
    choose(Standing::well, rows, true);
    choose(Standing::waiting, rows, false);
    std::ranges::sort(chosen);
    std::vector<Host> shown;
    for (std::size_t i : chosen)
        shown.push_back(std::move(hosts[i]));
    return shown;
}

std::string bar(const Style& style, const api::Rollout& rollout, std::size_t width) {
    std::size_t total = std::max<std::size_t>(rollout.total, 1);
    std::size_t done = std::min<std::size_t>(rollout.serving, total) * width / total;
    // A host that failed is to be seen, however many there are.
    std::size_t failed = std::min(width - done, (std::size_t{rollout.failed} * width + total - 1) / total);
    auto times = [](std::string_view sign, std::size_t count) {
        std::string text;
        while (count-- != 0)
            text += sign;
        return text;
    };
    return paint(style, Colour::green, times(style.unicode ? "█" : "#", done)) +
           paint(style, Colour::red, times(style.unicode ? "█" : "!", failed)) +
           paint(style, Colour::dim, times(style.unicode ? "░" : ".", width - done - failed));
}

// The hosts that stopped it and what the first of them said.
std::string after_failure(const Style& style, const api::Lineage& lineage, const api::Rollout& rollout) {
    if (rollout.failed_hosts.empty()) return {};
    std::string text = " after " + list(style, rollout.failed_hosts);
    const api::Target* first = find(lineage, rollout.target, rollout.failed_hosts.front());
    if (first != nullptr && first->problem) text += ": " + problem_line(style, *first->problem);
    return text;
}

// What other columns leave over: a problem is told in full elsewhere, the name of a host is not.
std::size_t room_for_problems(const Style& style, const std::vector<std::vector<Cell>>& rows) {
    constexpr std::size_t title = 8, least = 8;
    if (style.width == 0) return std::size_t(-1);
    std::size_t taken = 0;
    for (std::size_t column = 0; column + 1 < rows.front().size(); ++column) {
        std::size_t widest = 0;
        for (const auto& row : rows)
            widest = std::max(widest, display_width(row[column].text));
        taken += std::max(widest, title) + 2;
    }
    return std::max(least, style.width - std::min(style.width, taken));
}

std::string table(const Style& style, const std::vector<Host>& hosts, const api::Rollout& rollout, Time now) {
    if (hosts.empty()) return {};
    std::vector<std::vector<Cell>> rows;
    for (const Host& host : hosts) {
        const api::Target& target = host.target;
        rows.push_back({{"  " + clean(style, host.name, 128)},
                        {now_text(style, host, rollout, now), colour_of(host.standing)},
                        {target.version == 0 ? "-" : std::to_string(target.version)},
                        {short_fingerprint(style, target.served_fingerprint)},
                        {target.verified_at ? relative_past(*target.verified_at, now) : "-"},
                        {target.problem ? problem_line(style, *target.problem) : ""}});
    }
    std::size_t room = room_for_problems(style, rows);
    bool problems = false;
    for (auto& row : rows) {
        problems = problems || !row.back().text.empty();
        row.back().text = elide_end(style, row.back().text, room);
    }
    return render_table(style, {"  HOST", "NOW", "VERSION", "SERVES", "VERIFIED", problems ? "PROBLEM" : ""}, rows);
}

std::string served_text(const Style& style, const api::ServedGroup& group) {
    std::string fingerprint = short_fingerprint(style, group.fingerprint);
    if (group.fingerprint.empty())
        return group.version == 0 ? "nothing that was ever seen"
                                  : fmt::format("version {}, not looked at,", group.version);
    return group.version == 0 ? fmt::format("another certificate ({})", fingerprint)
                              : fmt::format("version {} ({})", group.version, fingerprint);
}

}  // namespace

std::string short_fingerprint(const Style& style, const std::string& fingerprint) {
    return fingerprint.empty() ? "-" : clean(style, fingerprint.substr(0, 8), 64);
}

std::string rollout_counts(const api::Rollout& rollout) {
    std::string text = fmt::format("{} of {} serve version {}", rollout.serving, rollout.total, rollout.version);
    if (rollout.failed != 0) text += fmt::format("; {} failed", rollout.failed);
    if (rollout.pending != 0) text += fmt::format("; {} {}", rollout.pending, rollout.running ? "to come" : "pending");
    return text;
}

std::string rollout_phase(const Style& style, const api::Lineage& lineage, const api::Rollout& rollout, Time now) {
    std::string batch = rollout.batches == 0 ? "" : fmt::format("batch {} of {}", rollout.batch, rollout.batches);
    if (rollout.phase == "batch") return batch;
    if (rollout.phase == "pausing") {
        std::string until = rollout.paused_until
                                ? fmt::format(" until {} ({})", date_and_time_of_day(style, *rollout.paused_until),
                                              relative_future(*rollout.paused_until, now))
                                : "";
        return "pausing" + until + (batch.empty() ? "" : ", then " + batch);
    }
    if (rollout.phase == "going-back") return "rolling back" + after_failure(style, lineage, rollout);
    if (rollout.phase == "stopped") return "stopped" + after_failure(style, lineage, rollout);
    if (rollout.phase == "rolled-back") return "rolled back" + after_failure(style, lineage, rollout);
    if (rollout.phase == "incomplete") return "incomplete" + after_failure(style, lineage, rollout);
    return clean(style, rollout.phase, 64);
}

std::string render_rollout(const Style& style, const api::Lineage& lineage, const api::Rollout& rollout, Time now,
                           std::size_t rows) {
    std::string name = clean(style, lineage.name, 256), target = clean(style, rollout.target, 128);
    std::string head = fmt::format("{}: version {} to {}: {}", name, rollout.version, target,
                                   rollout_phase(style, lineage, rollout, now));
    if (rollout.running && rollout.started) head += ", begun " + relative_past(*rollout.started, now);
    // In a frame that is drawn again and again every line has its place.
    std::string out = rows == 0 ? wrap(style, "", head) : elide_end(style, head, style.width) + "\n";
    std::string counts = rollout_counts(rollout);
    std::size_t taken = display_width(counts) + 4;
    std::string line =
        style.width > taken + 8 ? bar(style, rollout, std::min(longest_bar, style.width - taken)) + "  " : "";
    out += "  " + line + (rows == 0 ? counts : elide_end(style, counts, style.width - 2)) + "\n";
    std::vector<Host> hosts = hosts_of(lineage, rollout);
    std::vector<Host> shown = worth_showing(hosts, rows);
    out += table(style, shown, rollout, now);
    if (shown.size() < hosts.size())
        out += paint(style, Colour::dim, fmt::format("  and {} more hosts", hosts.size() - shown.size())) + "\n";
    return out;
}

std::string render_rollout_end(const Style& style, const api::Lineage& lineage, const api::Rollout& rollout) {
    std::string out;
    std::size_t told = 0;
    for (const std::string& host : rollout.failed_hosts) {
        const api::Target* target = find(lineage, rollout.target, host);
        if (target == nullptr || !target->problem) continue;
        if (++told > most_problems) continue;
        out += wrap(style, "  " + clean(style, host, 128) + ": ", problem_line(style, *target->problem));
    }
    if (told > most_problems) out += fmt::format("  and {} more hosts failed\n", told - most_problems);
    if (rollout.served.size() < 2 && rollout.failed == 0) return out;
    out += "  As last seen:\n";
    for (const api::ServedGroup& group : rollout.served)
        out += wrap(style, "    " + served_text(style, group) + " on ", list(style, group.hosts));
    return out;
}

std::string render_rollout_event(const Style& style, const api::Event& event) {
    bool wanted = event.type.starts_with("rollout.") || event.type.starts_with("deploy.");
    // What a command said stands in the events and in the log.
    if (!wanted || event.target.empty() || event.data["command"].if_string() != nullptr) return {};
    std::string line = event.at ? date_and_time_of_day(style, *event.at) + " " : "";
    line += clean(style, event.message.empty() ? event.type : event.message);
    if (event.problem) line += ": " + problem_line(style, *event.problem);
    return line + "\n";
}

}  // namespace certd::ctl
