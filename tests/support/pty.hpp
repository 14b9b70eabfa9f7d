// A program on a terminal of its own, and what a person would see there at last.
#pragma once

#include "tests/support/child.hpp"

#include <string>
#include <vector>

namespace certd::test {

class Pty {
   public:
    // Starts the program with the terminal as its standard input, output and error. UTF-8, TERM=xterm.
    Pty(std::vector<std::string> argv, unsigned rows, unsigned columns);
    ~Pty();
    Pty(const Pty&) = delete;
    Pty& operator=(const Pty&) = delete;

    bool shows(const std::string& text, Limit limit);  // on its screen, now or later
    int wait(Limit limit);                             // its exit code; -1: it had to be killed
    void type(const std::string& keys);
    void resize(unsigned rows, unsigned columns);
    const std::string& written() const { return written_; }
    // The lines as they stand, with cursor movements and clearing carried out and colours left out. Knows what certctl
    // uses: CR, LF, CSI A, H, J, K, m and the alternate buffer.
    std::vector<std::string> screen() const;
    std::string text() const;  // the same as one

   private:
    void read(Limit limit);

    int master_ = -1;
    pid_t pid_ = -1;
    unsigned rows_;
    std::string written_;
};

}  // namespace certd::test
