// Which way of proof is tried first: as configured, but one that has just failed goes last. Pure.
#pragma once

#include "config/model.hpp"
#include "daemon/lineage/lineage.hpp"

#include <string>
#include <vector>

namespace certd {

// The types of `challenge`; those in `refused` (oldest first) after the others.
std::vector<std::string> challenge_order(const config::Challenge& challenge, const std::vector<std::string>& refused);

// Remembers that `type` proved nothing, as the latest.
void note_refused(CaAttempts& attempts, const std::string& type);

// "tls-alpn-01 is tried next, because http-01 failed" for each way of the lineage that does not begin as configured.
std::vector<std::string> challenge_reasons(const config::Lineage& spec, const std::vector<std::string>& refused);

}  // namespace certd
