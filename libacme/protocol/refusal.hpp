// Which names of an order a CA's refusal is about, so that the others may be ordered without them. Pure.
#pragma once

#include "libacme/protocol/issue.hpp"

#include <vector>

namespace certd::acme {

// Whether a problem is the CA's word on one name and not a fault of its own, of ours, of the account or of the network.
bool is_about_name(const Problem& problem);

// The names that the refusal of an order, or of its finalization, is about; empty unless names and nothing else are at
// fault. RFC 8555 §6.7.1: subproblems say which; without them the words of the CA may name some, as Let's Encrypt's do
// when it is only one or when it has paused them.
std::vector<RefusedName> names_at_fault(const Problem& refusal, const std::vector<Identifier>& ordered);

}  // namespace certd::acme
