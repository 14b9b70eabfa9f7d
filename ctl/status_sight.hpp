// What `certctl status` asks of certd.
#pragma once

#include "ctl/api/types.hpp"
#include "ctl/commands.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace certd::ctl {

// The lineages that were asked for, with the document that told of them.
struct StatusAnswer {
    std::vector<api::Lineage> lineages;
    bool in_full = false;  // one lineage and everything about it
    Json document;
    std::string text;  // of the document, as it was sent

    bool is_healthy() const;
};
Result<StatusAnswer> ask_status(Context context);

// What certd has said at one moment.
struct StatusSight {
    std::vector<api::Lineage> lineages;
    bool in_full = false;
    std::uint64_t last_event = 0;  // the latest that the lineages tell of
    api::DaemonStatus daemon;
};
Result<StatusSight> look_at_status(Context context);

}  // namespace certd::ctl
