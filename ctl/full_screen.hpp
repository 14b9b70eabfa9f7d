// The real screen: the alternate buffer of the terminal behind standard output, keys from standard input where that is
// a terminal too. Whatever ends it, but SIGKILL, the terminal is as it was: signals are taken as keys meanwhile, and a
// stopped certctl (^Z) gives the terminal back until it goes on.
#pragma once

#include "ctl/console.hpp"
#include "libacme/base/descriptor.hpp"

#include <csignal>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <termios.h>

namespace certd::ctl {

// Takes the first key off what was typed; none and nothing taken when there is no whole one. What means nothing is
// dropped.
Key take_key(std::string& typed);

// What to write so that a screen with `before` shows `after`; rows that are the same are left alone.
std::string difference(const std::vector<std::string>& before, const std::vector<std::string>& after);

class FullScreen final : public Screen {
   public:
    // Throws Failure: the signals cannot be had.
    FullScreen();
    ~FullScreen() override;
    FullScreen(const FullScreen&) = delete;
    FullScreen& operator=(const FullScreen&) = delete;

    void show(const std::vector<std::string>& rows) override;
    Key wait(int fd, Duration limit) override;

   private:
    void enter();
    void leave();
    Key take_signal();
    Key read_keys();

    sigset_t signals_before_;
    Descriptor signals_;
    std::optional<termios> keyboard_;  // as it was; nothing when there is none
    std::string typed_;
    std::vector<std::string> shown_;
    bool is_known_ = false;  // that the screen shows `shown_`
};

}  // namespace certd::ctl
