// The judgements of `certctl doctor`.
#include "daemon/app/doctor_findings.hpp"

#include "libacme/base/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include <fmt/format.h>

namespace certd {

using api::CheckFinding;
using Findings = std::vector<CheckFinding>;

namespace {

constexpr std::size_t shown_faults = 5;
constexpr std::uint32_t comfortable = 3;  // attempts: fewer leave no weekend to mend something

std::string counted(std::size_t number, std::string_view noun) {
    return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

bool starts_at_boot(std::string_view state) {
    constexpr std::array<std::string_view, 6> states{"enabled", "static", "alias", "indirect", "generated", "linked"};
    return std::ranges::find(states, state) != states.end();
}

}  // namespace

std::string unit_of(std::string_view cgroup) {
    for (std::string_view line : split(cgroup, '\n')) {
        // cgroups(7): "0::/system.slice/certd.service" in the unified hierarchy, "1:name=systemd:/…" in the old one.
        if (!line.starts_with("0::") && line.find(":name=systemd:") == std::string_view::npos) continue;
        const std::string_view last = line.substr(line.rfind('/') + 1);
        if (last.ends_with(".service")) return std::string(last);
    }
    return {};
}

void read_unit(ServiceFacts& facts, std::string_view properties) {
    for (std::string_view line : split(properties, '\n')) {
        const std::size_t equals = line.find('=');
        if (equals == std::string_view::npos) continue;
        const std::string_view key = line.substr(0, equals), value = trim(line.substr(equals + 1));
        if (key == "UnitFileState") facts.enabled = escape_untrusted(value, 64);
        if (key == "Restart") facts.restart = escape_untrusted(value, 64);
        if (key == "MainPID") std::from_chars(value.data(), value.data() + value.size(), facts.main_pid);
    }
}

Findings service_findings(const ServiceFacts& facts) {
    const std::string unit = "service.unit";
    if (!facts.systemd) {
        return {good(unit,
                     "systemd does not run this machine: whatever has started certd has to start it at boot and "
                     "after a crash")};
    }
    if (facts.silent)
        return {warning(unit, "systemd could not be asked: " + describe(*facts.silent), facts.silent->hint)};
    if (facts.unit.empty() || facts.main_pid != facts.pid) {
        return {warning(unit, "certd was not started by systemd: nothing starts it at boot or after a crash",
                        "Stop it and run `systemctl enable --now certd`")};
    }
    Findings findings{good(unit, fmt::format("certd runs as {}", facts.unit))};
    findings.push_back(starts_at_boot(facts.enabled)
                           ? good("service.enabled", fmt::format("{} is started at boot", facts.unit))
                           : warning("service.enabled",
                                     fmt::format("{} is not started at boot: it is {}", facts.unit,
                                                 facts.enabled.empty() ? "not enabled" : facts.enabled),
                                     fmt::format("Run `systemctl enable {}`", facts.unit)));
    findings.push_back(
        facts.restart.empty() || facts.restart == "no"
            ? warning("service.restart", fmt::format("{} is not started again after a crash", facts.unit),
                      "Set Restart=on-failure in the unit")
            : good("service.restart", fmt::format("{} is started again: Restart={}", facts.unit, facts.restart)));
    return findings;
}

CheckFinding config_finding(const std::string& file, const std::optional<Problem>& loaded) {
    if (!loaded) return good("config", fmt::format("{} can be loaded", file));
    return blocked("config", fmt::format("certd would not start again with {}: {}", file, describe(*loaded)),
                   fmt::format("Mend what `certd --check-config --config {}` shows, then run `certctl reload`", file));
}

Findings program_findings(const std::string& owner, std::size_t programs, const std::vector<Problem>& found) {
    if (programs == 0 && found.empty()) return {};
    if (found.empty()) {
        return {good("programs",
                     fmt::format("{}: {} can be run and changed by nobody else", owner, counted(programs, "program")))};
    }
    Findings findings;
    for (const Problem& problem : found)
        findings.push_back(blocked("programs", problem));
    return findings;
}

bool is_key_file(std::string_view path) {
    const std::string_view name = path.substr(path.rfind('/') + 1);
    // Orders and keys made ahead hold keys too; what stands aside has more behind its name.
    return name == "privkey.pem" || name.starts_with("key.pem") || name.starts_with("next-key") ||
           path.find("/order/") != std::string_view::npos;
}

std::optional<std::string> fault_of(const StateEntry& entry, uid_t self) {
    if (entry.owner != 0 && entry.owner != self)
        return fmt::format("{} belongs to user {}, neither root nor the one certd runs as", entry.path, entry.owner);
    const mode_t mode = entry.mode & 07777U;
    if (!entry.directory && is_key_file(entry.path) && (mode & 077U) != 0)
        return fmt::format("{} can be read or changed by others (mode {:04o})", entry.path, mode);
    if ((mode & 022U) != 0) return fmt::format("{} can be changed by others (mode {:04o})", entry.path, mode);
    return std::nullopt;
}

CheckFinding state_finding(const std::string& directory, const StateSurvey& survey) {
    const std::string check = "store.permissions";
    if (survey.faulty != 0) {
        const std::size_t shown = std::min(shown_faults, survey.faults.size());
        std::string text = join(std::span(survey.faults).first(shown), "; ");
        if (survey.faulty > shown) text += fmt::format("; and {} more", survey.faulty - shown);
        return blocked(check, text,
                       fmt::format("chmod -R go-rwx '{}', and give what belongs to others back to the user "
                                   "certd runs as; keys that others could read should be replaced",
                                   directory));
    }
    if (survey.broken_off) return warning(check, describe(*survey.broken_off), survey.broken_off->hint);
    return good(check, fmt::format("{} in {} are certd's own, and nobody else can read any of {}",
                                   counted(survey.files, "file"), directory, counted(survey.keys, "key")));
}

std::optional<CheckFinding> budget_left_finding(const config::Ca& ca, const std::vector<BucketUse>& uses, Time now) {
    if (ca.limits == config::LimitsModel::none) return std::nullopt;
    const std::string check = fmt::format("ca.{}.budget", ca.name.text);
    if (uses.empty()) return good(check, "nothing is used of its rate limits, as far as certd has counted");
    const auto full = std::ranges::count_if(uses, [](const BucketUse& use) { return use.used >= use.capacity; });
    const auto by_share = [](const BucketUse& left, const BucketUse& right) {
        return std::uint64_t{left.used} * right.capacity < std::uint64_t{right.used} * left.capacity;
    };
    const BucketUse& most = *std::ranges::max_element(uses, by_share);
    const std::string text = fmt::format("{} of {} of the limit {} of {}", most.used, most.capacity, most.kind,
                                         escape_untrusted(most.key, 260));
    if (full == 0) return good(check, text + " are used, more than of any other");
    std::string more = full > 1 ? fmt::format(" (and {} more)", full - 1) : "";
    return warning(check,
                   fmt::format("{} are used up{}; one more order in {}", text, more,
                               format_approximate(std::max(Duration::zero(), most.next - now))),
                   "`certctl limits` shows what is used; orders are placed by themselves when there is room");
}

Findings monitoring_findings(const config::MetricsListener& metrics, const std::optional<Time>& written, Time now) {
    const std::string check = "monitoring";
    if (!metrics.listen && !metrics.textfile) {
        return {warning(check,
                        "No monitoring can see how certd fares: neither metrics.listen nor metrics.textfile is set",
                        "Set metrics.listen and let Prometheus scrape it with the rules of contrib/prometheus")};
    }
    Findings findings;
    if (metrics.listen) findings.push_back(good(check, fmt::format("metrics are served at {}", *metrics.listen)));
    if (!metrics.textfile) return findings;
    if (!written) {
        findings.push_back(warning(check, fmt::format("There is no {} yet", *metrics.textfile),
                                   "Make sure that certd may write to its directory"));
    } else if (const Duration age = now - *written; age > metrics.textfile_interval * 3) {
        findings.push_back(
            warning(check, fmt::format("{} was last written {} ago", *metrics.textfile, format_approximate(age)),
                    "Make sure that certd may write to its directory"));
    } else {
        findings.push_back(good(check, fmt::format("metrics are written to {}", *metrics.textfile)));
    }
    return findings;
}

Findings notification_findings(const std::vector<api::Notifier>& notifiers, Time now) {
    if (notifiers.empty()) {
        return {warning("notification", "Nobody is told of failures: there is no notifier",
                        "Add one under `notify`, then run `certctl notify test`")};
    }
    Findings findings;
    for (const api::Notifier& notifier : notifiers) {
        const std::string check = "notification." + notifier.name;
        const std::string test = fmt::format("run `certctl notify test {}`", notifier.name);
        if (notifier.problem) {
            findings.push_back(
                warning(check, "The last message was not delivered: " + describe(*notifier.problem),
                        notifier.problem->hint.empty() ? "Mend it, then " + test : notifier.problem->hint));
        } else if (!notifier.last_delivery) {
            findings.push_back(warning(check, fmt::format("Nothing was ever delivered to {}", notifier.to),
                                       "To see whether messages arrive, " + test));
        } else {
            findings.push_back(good(check, fmt::format("the last message was delivered to {} {} ago", notifier.to,
                                                       format_approximate(now - *notifier.last_delivery))));
        }
    }
    return findings;
}

std::string window_text(const config::MaintenanceWindow& window) {
    constexpr std::array<std::string_view, 7> names{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    std::string days;
    // From Monday on, as people count; a day that ends a run of three or more stands behind a dash.
    for (std::size_t i = 0; i < 7 && !window.days.all(); ++i) {
        if (!window.days[(i + 1) % 7]) continue;
        std::size_t last = i;
        while (last + 1 < 7 && window.days[(last + 2) % 7])
            ++last;
        if (!days.empty()) days += ',';
        days += names[(i + 1) % 7];
        if (last > i) days += fmt::format("-{}", names[(last + 1) % 7]);
        i = last;
    }
    if (!days.empty()) days += ' ';
    return fmt::format("{}{:02}:{:02}-{:02}:{:02}", days, window.begin / 60, window.begin % 60, window.end / 60,
                       window.end % 60);
}

CheckFinding standing_finding(const api::Lineage& view) {
    const std::string check = "standing";
    if (view.health == "ok") {
        return good(check,
                    view.version == 0 ? view.state : fmt::format("{}, version {} is live", view.state, view.version));
    }
    std::string text = fmt::format("The lineage is {} ({})", view.state, view.health);
    std::string hint = fmt::format("`certctl explain {}` tells why and what comes next", view.name);
    if (view.last_problem) text += ": " + describe(*view.last_problem);
    return view.health == "critical" ? blocked(check, text, hint) : warning(check, text, hint);
}

std::optional<CheckFinding> revocation_finding(const std::optional<api::Revocation>& revocation) {
    if (!revocation || !revocation->problem) return std::nullopt;
    return warning("revocation", describe(*revocation->problem), revocation->problem->hint);
}

CheckFinding slack_finding(const config::Lineage& spec, const config::Config& config,
                           const std::optional<RenewalSlack>& slack, Duration lifetime) {
    const std::string check = "slack";
    if (!slack)
        return warning(check, "There is no certificate yet whose renewal could be reckoned",
                       fmt::format("`certctl explain {}` tells why", spec.name));
    const std::uint32_t attempts = slack->attempts();
    const bool windows = slack->narrowest && slack->deploy && *slack->deploy <= slack->issue;
    std::string why = fmt::format("a certificate of {}", format_approximate(lifetime));
    if (windows) {
        std::vector<std::string> texts;
        if (auto target = config.targets.find(*slack->narrowest); target != config.targets.end()) {
            for (const config::MaintenanceWindow& window : target->second.maintenance)
                texts.push_back(fmt::format("`{}`", window_text(window)));
        }
        why += fmt::format(" and deployments to {} on {} only", slack->narrowest->text, join(texts, ", "));
    }
    const std::string text = fmt::format("{} has {}: {}", spec.name, counted(attempts, "attempt"), why);
    if (attempts >= comfortable) return good(check, text);
    const std::string hint =
        windows ? fmt::format("Give {} more or longer maintenance windows, or take certificates that live longer",
                              slack->narrowest->text)
                : "Renew it now with `certctl renew`, or take certificates that live longer";
    return attempts == 0 ? blocked(check, text, hint) : warning(check, text, hint);
}

CheckFinding unseen_finding(const std::string& lineage, const Problem& why) {
    return warning("unseen", describe(why), fmt::format("`certctl check {}` looks at it alone", lineage));
}

CheckFinding rollback_finding(const config::Lineage& spec, const RollbackFacts& facts) {
    const std::string check = "rollback";
    if (facts.live == 0) return good(check, "there is nothing to go back from yet");
    if (facts.to != 0) return good(check, fmt::format("version {} can be gone back to", facts.to));
    if (facts.versions < 2) return good(check, "there is one version; the next renewal leaves it to go back to");
    std::string text = "There is no version to go back to";
    if (facts.problem) text += ": " + describe(*facts.problem);
    return warning(check, text, fmt::format("`certctl renew {} --force` makes one", spec.name));
}

}  // namespace certd
