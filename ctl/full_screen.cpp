#include "ctl/full_screen.hpp"

#include "libacme/base/problem.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace certd::ctl {

namespace {

// Alternate buffer, no cursor, no wrapping at the right edge; and back.
constexpr std::string_view enter_screen = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[H\x1b[J";
constexpr std::string_view leave_screen = "\x1b[?7h\x1b[?25h\x1b[?1049l";

constexpr std::array<std::pair<std::string_view, Key>, 17> sequences = {{{"\x1b[A", Key::up},
                                                                         {"\x1bOA", Key::up},
                                                                         {"k", Key::up},
                                                                         {"\x1b[B", Key::down},
                                                                         {"\x1bOB", Key::down},
                                                                         {"j", Key::down},
                                                                         {"\x1b[5~", Key::page_up},
                                                                         {"b", Key::page_up},
                                                                         {"\x1b[6~", Key::page_down},
                                                                         {" ", Key::page_down},
                                                                         {"\x1b[H", Key::home},
                                                                         {"\x1b[1~", Key::home},
                                                                         {"g", Key::home},
                                                                         {"\x1b[F", Key::end},
                                                                         {"\x1b[4~", Key::end},
                                                                         {"G", Key::end},
                                                                         {"q", Key::quit}}};

// Of the escape sequence at the beginning; 0: it is not whole yet. ECMA-48 §5.4: parameters and intermediates end with
// an octet from '@' on.
std::size_t length_of_sequence(std::string_view typed) {
    if (typed.size() < 2) return 0;
    if (typed[1] == 'O') return typed.size() < 3 ? 0 : 3;
    if (typed[1] != '[') return 1;
    for (std::size_t i = 2; i < typed.size(); ++i) {
        if (typed[i] >= '@' && typed[i] <= '~') return i + 1;
    }
    return 0;
}

void write_out(std::string_view text) {
    if (!write_all(STDOUT_FILENO, text)) std::_Exit(1);  // the terminal has gone, and with it who could be told
}

}  // namespace

Key take_key(std::string& typed) {
    while (!typed.empty()) {
        const std::size_t length = typed.front() == '\x1b' ? length_of_sequence(typed) : 1;
        if (length == 0) return Key::none;
        const std::string_view sequence = std::string_view(typed).substr(0, length);
        const auto known = std::ranges::find(sequences, sequence, &decltype(sequences)::value_type::first);
        const Key key = known == sequences.end() ? Key::none : known->second;
        typed.erase(0, length);
        if (key != Key::none) return key;
    }
    return Key::none;
}

std::string difference(const std::vector<std::string>& before, const std::vector<std::string>& after) {
    std::string out;
    for (std::size_t row = 0; row < std::max(before.size(), after.size()); ++row) {
        const std::string_view now = row < after.size() ? std::string_view(after[row]) : std::string_view();
        const std::string_view then = row < before.size() ? std::string_view(before[row]) : std::string_view();
        if (now != then) out += fmt::format("\x1b[{};1H{}\x1b[K", row + 1, now);
    }
    return out;
}

FullScreen::FullScreen() {
    sigset_t signals;
    ::sigemptyset(&signals);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH})
        ::sigaddset(&signals, signal);
    ::sigprocmask(SIG_BLOCK, &signals, &signals_before_);
    signals_ = Descriptor(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals_.ok()) {
        const int error = errno;
        ::sigprocmask(SIG_SETMASK, &signals_before_, nullptr);
        fail("process.start", "Cannot take over the terminal", std::strerror(error));
    }
    enter();
}

FullScreen::~FullScreen() {
    leave();
    ::sigprocmask(SIG_SETMASK, &signals_before_, nullptr);
}

void FullScreen::enter() {
    termios keyboard{};
    if (::tcgetattr(STDIN_FILENO, &keyboard) == 0) {
        keyboard_ = keyboard;
        keyboard.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
        ::tcsetattr(STDIN_FILENO, TCSANOW, &keyboard);
    }
    write_out(enter_screen);
    is_known_ = false;
}

void FullScreen::leave() {
    write_out(leave_screen);
    if (keyboard_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &*keyboard_);
}

void FullScreen::show(const std::vector<std::string>& rows) {
    std::string out = is_known_ ? difference(shown_, rows) : "\x1b[H\x1b[J" + difference({}, rows);
    if (!out.empty()) write_out(out);
    shown_ = rows;
    is_known_ = true;
}

Key FullScreen::wait(int fd, Duration limit) {
    if (const Key key = take_key(typed_); key != Key::none) return key;
    std::array<pollfd, 3> sources = {
        {{signals_.get(), POLLIN, 0}, {keyboard_ ? STDIN_FILENO : -1, POLLIN, 0}, {fd, POLLIN, 0}}};
    const auto time = static_cast<int>(std::clamp<std::int64_t>(limit.count(), 0, 3'600'000));
    if (::poll(sources.data(), sources.size(), time) <= 0) return Key::none;
    if (sources[0].revents != 0) return take_signal();
    return sources[1].revents != 0 ? read_keys() : Key::none;
}

Key FullScreen::take_signal() {
    signalfd_siginfo info{};
    if (::read(signals_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return Key::none;
    switch (static_cast<int>(info.ssi_signo)) {
        case SIGWINCH:
            is_known_ = false;  // nobody knows where the rows went
            return Key::none;
        case SIGTSTP:
            leave();
            ::raise(SIGSTOP);
            enter();
            return Key::none;
        default:
            return Key::quit;
    }
}

Key FullScreen::read_keys() {
    std::array<char, 64> buffer{};
    const ssize_t count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (count == 0 || (count < 0 && errno != EINTR)) return Key::quit;  // the keyboard has gone
    if (count > 0) typed_.append(buffer.data(), static_cast<std::size_t>(count));
    return take_key(typed_);
}

}  // namespace certd::ctl
