// The clock seam: wall time for dates, monotonic time for waits. Tests put a virtual clock behind it.
#pragma once

#include "libacme/async/task.hpp"
#include "libacme/base/time.hpp"

namespace certd {

class Clock {
   public:
    virtual ~Clock() = default;
    virtual Time now() const = 0;            // wall clock; may jump
    virtual Duration monotonic() const = 0;  // since an arbitrary start, never jumps, counts suspend time
    // Cancellable; ends with boost::system::system_error(operation_aborted) when cancelled.
    virtual Task<> sleep(Duration duration) = 0;
};

class SystemClock final : public Clock {
   public:
    Time now() const override;
    Duration monotonic() const override;
    Task<> sleep(Duration duration) override;
};

// Sleeps until the wall clock reads `instant`, re-reading it at least once a minute so that jumps are noticed.
Task<> sleep_until(Clock& clock, Time instant);

}  // namespace certd
