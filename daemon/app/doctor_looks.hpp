// What the doctor reads from this machine. Blocking: call from `offload`.
#pragma once

#include "daemon/app/doctor_findings.hpp"
#include "libacme/async/process.hpp"
#include "libacme/base/file_system.hpp"

#include <optional>
#include <string>
#include <vector>

namespace certd {

// Without what systemd knows of the unit, for which `show_unit` asks it.
ServiceFacts own_service();
Command show_unit(const std::string& unit, Duration limit);

// The programs of all targets, lineages, DNS providers and notifiers that are run on this machine.
std::vector<api::CheckFinding> all_programs(const config::Config& config);

// Owners and modes of everything in the state directory; symlinks are not followed.
StateSurvey survey_state(FileSystem& files, const Path& root);

std::optional<Time> written_at(const std::string& path);  // nullopt: it is not there

}  // namespace certd
