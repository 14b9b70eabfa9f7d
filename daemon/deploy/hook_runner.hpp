// Runs one command of the operator — a hook, a script of a hook directory, an exec step — and tells how it ended:
// hook.finished carries its exit status, duration and last words, from which the lineage's history is made.
#pragma once

#include "daemon/deploy/host.hpp"
#include "daemon/lineage/lineage.hpp"
#include "daemon/observe/event.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace certd {

struct HookSubject {
    std::string hook;                   // "pre", "deploy", "post", "pre-issue", "post-issue", "exec"
    std::string text;                   // "The exec command of web"
    std::string code;                   // of the problem when it fails
    std::vector<std::string> lineages;  // whom it is run for, the one whose job runs it first
    std::optional<Place> place = {};    // in a deployment
    std::uint64_t job = 0;
};

// Problem `subject.code`. Throws on cancellation, which is told of nowhere: the command is run again.
Task<Result<void>> run_hook(Clock& clock, Host& host, EventSink events, Command command, HookSubject subject);

// What a hook.finished tells, and of which lineages; nothing for any other event.
std::vector<std::pair<std::string, HookRun>> hook_runs_of(const Event& event);

}  // namespace certd
