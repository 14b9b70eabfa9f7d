// Standard output as a terminal, pipe or file.
#include "ctl/terminal.hpp"

#include "ctl/full_screen.hpp"
#include "libacme/base/descriptor.hpp"
#include "libacme/base/text.hpp"

#include <array>
#include <cstdlib>

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace certd::ctl {

namespace {

constexpr std::size_t least_width = 20, least_height = 8;

std::string_view environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string_view() : std::string_view(value);
}

std::string_view locale_name() {
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        if (std::string_view value = environment(name); !value.empty()) return value;
    }
    return {};
}

void take_size(Style& style) {
    winsize size{};
    bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0;
    style.width = known ? std::max<std::size_t>(size.ws_col, least_width) : 80;
    style.height = known && size.ws_row != 0 ? std::max<std::size_t>(size.ws_row, least_height) : 24;
}

void write_to(int fd, std::string_view text) {
    if (!write_all(fd, text)) std::_Exit(1);  // nobody reads on: there is nothing left to say, and nowhere to say it
}

}  // namespace

bool is_utf8_locale(std::string_view name) {
    std::string_view charset = name.substr(std::min(name.find('.'), name.size()));
    charset = charset.substr(0, charset.find('@'));
    return equals_ignoring_case(charset, ".UTF-8") || equals_ignoring_case(charset, ".utf8");
}

Terminal::Terminal(bool no_color)
    : is_terminal_(::isatty(STDOUT_FILENO) == 1), unicode_(is_utf8_locale(locale_name())) {
    colour_ = is_terminal_ && !no_color && environment("NO_COLOR").empty() && environment("TERM") != "dumb";
}

Style Terminal::style() const {
    Style style;
    if (is_terminal_) take_size(style);
    style.colour = colour_;
    style.unicode = unicode_;
    return style;
}

void Terminal::print(std::string_view text) {
    write_to(STDOUT_FILENO, text);
}
void Terminal::complain(std::string_view text) {
    write_to(STDERR_FILENO, text);
}

bool Terminal::pause(Duration duration) {
    ::poll(nullptr, 0, static_cast<int>(duration.count()));
    return true;
}

bool Terminal::can_draw() const {
    const std::string_view kind = environment("TERM");
    return is_terminal_ && !kind.empty() && kind != "dumb";
}

std::unique_ptr<Screen> Terminal::open_screen() {
    return std::make_unique<FullScreen>();
}

}  // namespace certd::ctl
