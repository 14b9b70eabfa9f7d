#include "tests/support/pty.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <stdexcept>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace certd::test {

namespace {

[[noreturn]] void become(const std::vector<std::string>& argv, const char* terminal) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::setsid();
    const int fd = ::open(terminal, O_RDWR);
    ::ioctl(fd, TIOCSCTTY, 0);
    for (int standard = 0; standard < 3; ++standard)
        ::dup2(fd, standard);
    ::setenv("TERM", "xterm", 1);
    ::setenv("LC_ALL", "C.UTF-8", 1);
    ::unsetenv("NO_COLOR");
    std::vector<char*> pointers;
    for (const std::string& argument : argv)
        pointers.push_back(const_cast<char*>(argument.c_str()));
    pointers.push_back(nullptr);
    ::execvp(pointers[0], pointers.data());
    ::_exit(127);
}

}  // namespace

Pty::Pty(std::vector<std::string> argv, unsigned rows, unsigned columns) : rows_(rows) {
    master_ = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master_ < 0 || ::grantpt(master_) != 0 || ::unlockpt(master_) != 0)
        throw std::runtime_error("there is no pseudo-terminal");
    const std::string terminal = ::ptsname(master_);
    winsize size{};
    size.ws_row = static_cast<unsigned short>(rows);
    size.ws_col = static_cast<unsigned short>(columns);
    ::ioctl(master_, TIOCSWINSZ, &size);
    pid_ = ::fork();
    if (pid_ == 0) become(argv, terminal.c_str());
}

Pty::~Pty() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    ::close(master_);
}

void Pty::read(Limit limit) {
    pollfd waiting{master_, POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(limit.count())) <= 0) return;
    char buffer[4096];
    const ssize_t count = ::read(master_, buffer, sizeof buffer);  // EIO once the program has gone
    if (count > 0) written_.append(buffer, static_cast<std::size_t>(count));
}

bool Pty::shows(const std::string& text, Limit limit) {
    return eventually(limit, [&] {
        read(Limit(0));
        return this->text().find(text) != std::string::npos;
    });
}

int Pty::wait(Limit limit) {
    int status = 0;
    const bool ended = eventually(limit, [&] {
        read(Limit(0));
        return ::waitpid(pid_, &status, WNOHANG) == pid_;
    });
    if (!ended) return -1;
    pid_ = -1;
    for (std::size_t before = written_.size() + 1; before != written_.size();) {
        before = written_.size();
        read(Limit(20));
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::vector<std::string> Pty::screen() const {
    std::vector<std::string> lines(1);
    std::size_t row = 0, column = 0;
    for (std::size_t i = 0; i < written_.size(); ++i) {
        const char letter = written_[i];
        if (letter == '\r') {
            column = 0;
        } else if (letter == '\n') {
            if (++row == lines.size()) lines.emplace_back();
            column = 0;
        } else if (letter == '\x1b' && i + 1 < written_.size() && written_[i + 1] == '[') {
            const std::size_t end = written_.find_first_not_of("0123456789;?", i + 2);
            if (end == std::string::npos) break;
            const std::size_t number = static_cast<std::size_t>(std::strtoul(written_.c_str() + i + 2, nullptr, 10));
            if (written_[end] == 'A') row -= std::min(row, std::max<std::size_t>(number, 1));
            if (written_[end] == 'H') row = lines.size() > rows_ ? lines.size() - rows_ : 0;
            if (written_[end] == 'K') lines[row].resize(std::min(lines[row].size(), column));
            if (written_[end] == 'J') {
                lines[row].resize(std::min(lines[row].size(), column));
                lines.resize(row + 1);
            }
            i = end;
        } else {
            lines[row].resize(std::max(lines[row].size(), column + 1), ' ');
            lines[row][column++] = letter;
        }
    }
    return lines;
}

std::string Pty::text() const {
    std::string all;
    for (const std::string& line : screen())
        all += line + "\n";
    return all;
}

}  // namespace certd::test
