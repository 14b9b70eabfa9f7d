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
    resize(rows, columns);
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

namespace {

// What a terminal does with what is written to it.
class Emulation {
   public:
    explicit Emulation(std::size_t rows) : rows_(rows) {}

    std::vector<std::string> lines_of(const std::string& written) {
        for (std::size_t i = 0; i < written.size(); ++i) {
            if (written[i] != '\x1b' || i + 1 >= written.size() || written[i + 1] != '[') {
                put(written[i]);
                continue;
            }
            const std::size_t end = written.find_first_not_of("0123456789;?", i + 2);
            if (end == std::string::npos) break;
            control(written.substr(i + 2, end - i - 2), written[end]);
            i = end;
        }
        return lines_;
    }

   private:
    void put(char letter) {
        if (letter == '\r') {
            column_ = 0;
        } else if (letter == '\n') {
            go(row_ + 1);
        } else {
            lines_[row_].resize(std::max(lines_[row_].size(), column_ + 1), ' ');
            lines_[row_][column_++] = letter;
        }
    }
    void control(const std::string& parameters, char action) {
        const std::size_t number = std::strtoul(parameters.c_str(), nullptr, 10);
        if (action == 'A') row_ -= std::min(row_, std::max<std::size_t>(number, 1));
        if (action == 'H')
            go((lines_.size() > rows_ ? lines_.size() - rows_ : 0) + std::max<std::size_t>(number, 1) - 1);
        if (action == 'K' || action == 'J') lines_[row_].resize(std::min(lines_[row_].size(), column_));
        if (action == 'J') lines_.resize(row_ + 1);
        if (parameters != "?1049") return;  // the alternate buffer: another screen, and back
        std::swap(lines_, other_);
        std::swap(row_, other_row_);
        column_ = 0;
    }
    void go(std::size_t row) {
        row_ = row;
        column_ = 0;
        if (row_ >= lines_.size()) lines_.resize(row_ + 1);
    }

    std::size_t rows_, row_ = 0, column_ = 0, other_row_ = 0;
    std::vector<std::string> lines_{std::string()}, other_{std::string()};
};

}  // namespace

std::vector<std::string> Pty::screen() const {
    return Emulation(rows_).lines_of(written_);
}

void Pty::type(const std::string& keys) {
    if (::write(master_, keys.data(), keys.size()) != static_cast<ssize_t>(keys.size()))
        throw std::runtime_error("the terminal takes no keys");
}

void Pty::resize(unsigned rows, unsigned columns) {
    rows_ = rows;
    winsize size{};
    size.ws_row = static_cast<unsigned short>(rows);
    size.ws_col = static_cast<unsigned short>(columns);
    ::ioctl(master_, TIOCSWINSZ, &size);
}

std::string Pty::text() const {
    std::string all;
    for (const std::string& line : screen())
        all += line + "\n";
    return all;
}

}  // namespace certd::test
