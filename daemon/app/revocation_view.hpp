// What certd knows of a certificate by its CRL, as the control API and people get to see it. Pure.
#pragma once

#include "ctl/api/types.hpp"
#include "daemon/schedule/crl_watch.hpp"

#include <optional>
#include <string>
#include <vector>

namespace certd {

std::optional<api::Revocation> revocation_view(const std::optional<CrlSight>& sight);
// Why it is known or not that the certificate is good, and when that is looked at next.
std::vector<std::string> revocation_sentences(const api::Lineage& view, Time now);

}  // namespace certd
