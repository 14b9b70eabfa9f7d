// Streams without events, of which only the end matters: check and doctor.
#pragma once

#include "ctl/commands.hpp"
#include "libacme/base/json.hpp"

namespace certd::ctl {

// What stands beside `result` in the last line. Problems: certd's own, control.protocol, control.connectionLost and
// control.timeout, when not even heartbeats come.
Result<Json> final_line(Context context, Exchange exchange);

}  // namespace certd::ctl
