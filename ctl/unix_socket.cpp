// Unix socket calls, and what their failures mean to somebody who wanted to talk to certd.
#include "ctl/unix_socket.hpp"

#include "libacme/base/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace certd::ctl {

namespace {

bool wait_for(int fd, short what, Deadline deadline) {
    for (;;) {
        auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
        pollfd entry{fd, what, 0};
        int ready = ::poll(&entry, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000)));
        if (ready > 0) return true;
        if (ready == 0 && left <= 3'600'000) return false;
        if (ready < 0 && errno != EINTR) return false;
    }
}

Problem connect_problem(int error, const std::string& path) {
    std::string shown = escape_untrusted(path, 256);
    switch (error) {
        case ENOENT:
        case ENOTDIR:
            return problem("control.unreachable", fmt::format("Cannot reach certd: there is no socket {}", shown));
        case ECONNREFUSED:
            return problem("control.unreachable", fmt::format("Cannot reach certd: nobody listens on {}", shown));
        case EACCES:
        case EPERM:
            return problem("control.socketPermission",
                           fmt::format("Cannot reach certd: uid {} may not use the socket {}", ::geteuid(), shown));
        default:
            return problem("control.unreachable", fmt::format("Cannot reach certd on {}", shown), std::strerror(error));
    }
}

}  // namespace

Result<UnixSocket> UnixSocket::connect(const std::string& path, Duration limit) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof(address.sun_path) || path.find('\0') != std::string::npos) {
        return failure("control.unreachable",
                       fmt::format("Cannot reach certd: \"{}\" cannot be the path of a socket (1 to {} bytes)",
                                   escape_untrusted(path, 256), sizeof(address.sun_path) - 1));
    }
    path.copy(address.sun_path, path.size());
    UnixSocket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (socket.fd_ < 0) return failure(connect_problem(errno, path));

    Deadline deadline = deadline_after(limit);
    while (::connect(socket.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
        // A full backlog is EAGAIN here and cannot be polled for.
        if (errno != EAGAIN && errno != EINTR) return failure(connect_problem(errno, path));
        if (std::chrono::steady_clock::now() >= deadline) {
            return failure("control.timeout",
                           fmt::format("certd does not accept connections on {}", escape_untrusted(path, 256)));
        }
        ::poll(nullptr, 0, 20);
    }
    return socket;
}

UnixSocket::~UnixSocket() {
    if (fd_ >= 0) ::close(fd_);
}

Result<void> UnixSocket::write(std::string_view text, Deadline deadline) {
    while (!text.empty()) {
        ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
        if (sent >= 0) {
            text.remove_prefix(static_cast<std::size_t>(sent));
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            if (!wait_for(fd_, POLLOUT, deadline)) return failure("control.timeout", "certd does not read the request");
        } else if (errno == EPIPE || errno == ECONNRESET) {
            return {};  // certd may have answered and closed before it had read everything: the answer says why
        } else if (errno != EINTR) {
            return failure("control.connectionLost", "Cannot send the request to certd", std::strerror(errno));
        }
    }
    return {};
}

Result<UnixSocket::Read> UnixSocket::read(std::string& buffer) {
    std::array<char, 64 * 1024> chunk;
    for (;;) {
        ssize_t got = ::recv(fd_, chunk.data(), chunk.size(), 0);
        if (got > 0) {
            buffer.append(chunk.data(), static_cast<std::size_t>(got));
            return Read::data;
        }
        if (got == 0 || errno == ECONNRESET) return Read::end;
        if (errno == EAGAIN || errno == EWOULDBLOCK) return Read::nothing_yet;
        if (errno != EINTR)
            return failure("control.connectionLost", "Cannot read certd's answer", std::strerror(errno));
    }
}

bool UnixSocket::wait_readable(Deadline deadline) const {
    return wait_for(fd_, POLLIN, deadline);
}

}  // namespace certd::ctl
