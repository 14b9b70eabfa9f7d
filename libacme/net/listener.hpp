// The listening sockets of every server.
#pragma once

#include "libacme/base/problem.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace certd {

// A listening socket: bound here, or passed by systemd. Move-only; closes on destruction (a Unix path is removed).
class Listener {
   public:
    // "127.0.0.1:9402", "[::]:80" (dual stack), ":80". Problems net.portInUse, net.bind.
    static Result<Listener> tcp(std::string_view address);
    // Created with `mode` and group from the beginning; a stale socket file is replaced, a live one refused
    // (control.socketInUse).
    static Result<Listener> unix_socket(const std::string& path, mode_t mode, std::optional<gid_t> group);
    static Result<Listener> adopt(int fd);  // from LISTEN_FDS; checked to be a listening stream socket
    Listener(Listener&&) noexcept;
    Listener& operator=(Listener&&) noexcept;
    ~Listener();
    int fd() const { return fd_; }
    std::uint16_t port() const;  // of a TCP listener
    int release();

   private:
    explicit Listener(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
    int fd_ = -1;
    std::string path_;
};

}  // namespace certd
