// From a section of `dns_providers` to its value.
#pragma once

#include "config/dns.hpp"
#include "config/document.hpp"
#include "config/report.hpp"

namespace certd::config {

// `resolvers`: what it uses unless it names its own.
std::shared_ptr<const DnsProvider> build_dns_provider(TreeNode key, TreeNode value,
                                                      const std::vector<std::string>& resolvers, Report& report);

}  // namespace certd::config
