// The service manager's end of NOTIFY_SOCKET.
#pragma once

#include "tests/support/child.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <stdexcept>
#include <string>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace certd::test {

class NotifySocket {
   public:
    explicit NotifySocket(const std::filesystem::path& path)
        : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)), path_(path) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.string().copy(address.sun_path, sizeof address.sun_path - 1);
        if (::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
            throw std::runtime_error("cannot bind " + path.string());
        }
    }
    ~NotifySocket() { ::close(fd_); }
    NotifySocket(const NotifySocket&) = delete;
    NotifySocket& operator=(const NotifySocket&) = delete;

    std::string variable() const { return "NOTIFY_SOCKET=" + path_.string(); }

    // Whether a message with this assignment comes (or came) within the limit.
    bool hears(const std::string& assignment, Limit limit) {
        return eventually(limit, [&] {
            read();
            return heard_.find("\n" + assignment) != std::string::npos;
        });
    }
    void forget() {
        read();
        heard_ = "\n";
    }
    const std::string& heard() const { return heard_; }

   private:
    void read() {
        std::array<char, 4096> buffer;
        for (pollfd poll{fd_, POLLIN, 0}; ::poll(&poll, 1, 0) == 1;) {
            const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
            heard_.append(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
            heard_ += '\n';
        }
    }

    int fd_;
    std::filesystem::path path_;
    std::string heard_ = "\n";
};

}  // namespace certd::test
