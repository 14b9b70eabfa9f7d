// The real console: standard output and error, and what is known of the terminal behind them.
#pragma once

#include "ctl/console.hpp"

namespace certd::ctl {

class Terminal final : public Console {
   public:
    // Colours need a terminal, no --no-color, no $NO_COLOR and a $TERM other than "dumb"; Unicode a UTF-8 locale.
    explicit Terminal(bool no_color);
    Style style() const override;
    bool is_terminal() const override { return is_terminal_; }
    void print(std::string_view text) override;
    void complain(std::string_view text) override;
    bool pause(Duration duration) override;
    bool can_draw() const override;
    std::unique_ptr<Screen> open_screen() override;

   private:
    bool is_terminal_ = false;
    bool colour_ = false;
    bool unicode_ = false;
};

// Whether a locale name as in $LC_ALL, $LC_CTYPE or $LANG means UTF-8: "de_DE.UTF-8", "C.utf8".
bool is_utf8_locale(std::string_view name);

}  // namespace certd::ctl
