// Where certctl's output goes: a seam, so that commands are tested with strings instead of a terminal.
#pragma once

#include "ctl/layout.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace certd::ctl {

enum class Key { none, quit, up, down, page_up, page_down, home, end };

// The whole terminal, for one view, until it is destroyed: what stood there before comes back then.
class Screen {
   public:
    virtual ~Screen() = default;
    // The rows from the top, each narrower than the terminal; those below are empty.
    virtual void show(const std::vector<std::string>& rows) = 0;
    // Waits for a key, at most `limit`; none when `fd` can be read (-1: there is none), the size has changed or nothing
    // has happened. Being interrupted or terminated is Key::quit.
    virtual Key wait(int fd, Duration limit) = 0;
};

class Console {
   public:
    virtual ~Console() = default;
    virtual Style style() const = 0;       // of standard output; its width may change at any time
    virtual bool is_terminal() const = 0;  // standard output
    virtual void print(std::string_view text) = 0;
    virtual void complain(std::string_view text) = 0;  // standard error
    // Waits; false when there is no point in going on.
    virtual bool pause(Duration duration) = 0;
    virtual bool can_draw() const = 0;  // a terminal, and one that understands how
    virtual std::unique_ptr<Screen> open_screen() = 0;
};

}  // namespace certd::ctl
