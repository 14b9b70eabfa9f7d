// Where certctl's output goes: a seam, so that commands are tested with strings instead of a terminal.
#pragma once

#include "ctl/layout.hpp"

#include <string_view>

namespace certd::ctl {

class Console {
   public:
    virtual ~Console() = default;
    virtual Style style() const = 0;       // of standard output; its width may change at any time
    virtual bool is_terminal() const = 0;  // standard output
    virtual void print(std::string_view text) = 0;
    virtual void complain(std::string_view text) = 0;  // standard error
    // Waits; false when there is no point in going on.
    virtual bool pause(Duration duration) = 0;
};

}  // namespace certd::ctl
