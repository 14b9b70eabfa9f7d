// The service manager's side of the process (sd_notify(3), sd_listen_fds(3), sd_watchdog_enabled(3)), spoken directly:
// one datagram socket and a few environment variables need no library.
#pragma once

#include "libacme/base/problem.hpp"
#include "libacme/base/time.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace certd {

class ServiceManager {
   public:
    // Reads and removes NOTIFY_SOCKET, WATCHDOG_*, LISTEN_* so that no child inherits them.
    static ServiceManager from_environment();

    // Sends newline-joined assignments; silent without a manager. Texts are made one line first.
    void notify(std::string_view assignments) const;
    void ready(const std::string& status) const;
    void reloading() const;
    void stopping() const;
    void status(const std::string& status) const;
    void watchdog() const;

    std::optional<Duration> watchdog_interval() const { return watchdog_interval_; }
    // A duplicate of the socket passed under this name (FileDescriptorName=); net.bind when there is none.
    Result<int> passed_socket(const std::string& name) const;

   private:
    std::string notify_socket_;
    std::optional<Duration> watchdog_interval_;
    std::map<std::string, int> passed_;
};

}  // namespace certd
