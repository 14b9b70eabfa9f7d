// A connected Unix stream socket with deadlines, for the client.
#pragma once

#include "libacme/base/problem.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace certd::ctl {

using Deadline = std::chrono::steady_clock::time_point;
inline Deadline deadline_after(Duration limit) {
    return std::chrono::steady_clock::now() + limit;
}

class UnixSocket {
   public:
    // Problems: control.unreachable (not there, nobody listens), control.socketPermission, control.timeout.
    static Result<UnixSocket> connect(const std::string& path, Duration limit);
    UnixSocket(UnixSocket&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
    UnixSocket& operator=(UnixSocket&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~UnixSocket();
    int fd() const { return fd_; }

    Result<void> write(std::string_view text, Deadline deadline);
    enum class Read { data, nothing_yet, end };
    // Appends what is there to `buffer`, without waiting.
    Result<Read> read(std::string& buffer);
    // False when the deadline has passed first.
    bool wait_readable(Deadline deadline) const;

   private:
    explicit UnixSocket(int fd) : fd_(fd) {}
    int fd_ = -1;
};

}  // namespace certd::ctl
