// What certctl shows, as text: pure functions of the API's types, the current time and the device's style.
#pragma once

#include "ctl/api/doctor.hpp"
#include "ctl/api/types.hpp"
#include "ctl/layout.hpp"

#include <optional>
#include <string>
#include <vector>

namespace certd::ctl {

// The parts of render_status: the rows with each lineage's problem beneath its own, in lines; "3 lineages: 3 ok"; what
// certd has to say of itself, in lines.
struct StatusTable {
    std::string header;
    std::string rows;
};
StatusTable status_table(const Style& style, const std::vector<api::Lineage>& lineages, Time now);
std::string status_summary(const Style& style, const std::vector<api::Lineage>& lineages);
std::string daemon_remarks(const Style& style, const std::optional<Problem>& config_problem,
                           const std::optional<Problem>& notify_problem);
// The table of all lineages with problems beneath and a summary; `config_problem`: of a refused reload;
// `notify_problem`: of a notifier that does not deliver.
std::string render_status(const Style& style, const std::vector<api::Lineage>& lineages, Time now,
                          const std::optional<Problem>& config_problem = std::nullopt,
                          const std::optional<Problem>& notify_problem = std::nullopt);
// One lineage in full; of targets with many hosts those that are not as they should be, unless `all_hosts`.
std::string render_lineage(const Style& style, const api::Lineage& lineage, Time now, bool all_hosts = false);
std::string render_explanation(const Style& style, const api::Explanation& explanation, Time now);
std::string render_plan(const Style& style, const std::vector<api::PlanEntry>& plan, Time now);
std::string render_limits(const Style& style, const std::vector<api::LimitUse>& uses, Time now);
std::string render_findings(const Style& style, const std::string& lineage,
                            const std::vector<api::CheckFinding>& findings);
// One finding, with its remedy when it is not ok.
std::string render_finding(const Style& style, const api::CheckFinding& finding);
// The daemon's findings in groups; of lineages one line each, and what is not ok.
std::string render_doctor(const Style& style, const api::DoctorReport& report);
std::string render_orders(const Style& style, const std::string& ca, const api::OrderList& list);
std::string render_accounts(const Style& style, const std::vector<api::Account>& accounts);
std::string render_notifications(const Style& style, const api::Notifications& notifications, Time now);
std::string render_notify_test(const Style& style, const api::NotifyTest& test);
// "web@host1: ", or nothing when the event has no target or its message names it.
std::string place_of(const Style& style, const api::Event& event);
// One line, "2026-12-22 10:04:05 warning  example.com: …".
std::string render_event(const Style& style, const api::Event& event);
// Problem, cause and remedy, each on lines of its own: "certctl: …".
std::string render_problem(const Style& style, const Problem& problem, std::string_view subject);

// "issue in 29d 4h (Dec 22 10:04)", shorter forms with less `detail` (2, 1, 0).
std::string next_action(const Style& style, const api::Lineage& lineage, Time now, int detail);
Colour colour_of_health(std::string_view health);
// "The CA … : its words", in one clean line without hint.
std::string problem_line(const Style& style, const Problem& problem);

// "9f86d081": what people compare; "-" for none.
std::string short_fingerprint(const Style& style, const std::string& fingerprint);
// "197 of 200 serve version 4; 2 failed; 1 pending"
std::string rollout_counts(const api::Rollout& rollout);
// "batch 2 of 5", "stopped after web3: The test command …"; clean.
std::string rollout_phase(const Style& style, const api::Lineage& lineage, const api::Rollout& rollout, Time now);
// The rollout to the hosts of one target: phase, a bar on terminals, a line for each host. `rows`: of hosts, at most,
// and then those that matter; 0: all of them.
std::string render_rollout(const Style& style, const api::Lineage& lineage, const api::Rollout& rollout, Time now,
                           std::size_t rows = 0);
// What a rollout that went wrong leaves to say: each host's problem, and who serves what.
std::string render_rollout_end(const Style& style, const api::Lineage& lineage, const api::Rollout& rollout);
// One change of a rollout in one line; empty: not worth one.
std::string render_rollout_event(const Style& style, const api::Event& event);

// JSON of the daemon, whose characters that act on terminals are written as \uNNNN.
std::string terminal_safe_json(std::string_view json);

}  // namespace certd::ctl
