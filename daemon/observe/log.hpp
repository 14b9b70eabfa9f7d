// The log: one line per event, on stderr (with journald's priority prefix when stderr is the journal) or in a rotating
// file.
#pragma once

#include "config/model.hpp"
#include "daemon/observe/event.hpp"

namespace certd {

// A sink for the bus. Throws Failure(storage.*) when the file cannot be opened.
EventSink make_log_sink(const config::Log& config);

// The line as written, without prefix: "2026-11-23T17:03:34Z warning example.com: message" or the event as JSON.
std::string log_line(const Event& event, config::Log::Format format, bool with_time);

}  // namespace certd
