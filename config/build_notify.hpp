// From a section of `notify` to its value.
#pragma once

#include "config/document.hpp"
#include "config/notify.hpp"
#include "config/report.hpp"

namespace certd::config {

std::shared_ptr<const Notifier> build_notifier(TreeNode key, TreeNode value, Report& report);

}  // namespace certd::config
