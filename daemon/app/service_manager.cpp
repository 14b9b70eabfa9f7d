// ServiceManager.
#include "daemon/app/service_manager.hpp"

#include "libacme/base/text.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

namespace certd {

namespace {

constexpr int first_passed_fd = 3;

std::string take_variable(const char* name) {
    const char* value = std::getenv(name);
    std::string text = value ? value : "";
    ::unsetenv(name);
    return text;
}

std::optional<std::int64_t> number(const std::string& text) {
    std::int64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
    return value;
}

bool is_for_this_process(const std::string& pid) {
    return number(pid) == std::optional<std::int64_t>(::getpid());
}

std::string one_line(const std::string& text) {
    return escape_untrusted(text, 200);
}

}  // namespace

ServiceManager ServiceManager::from_environment() {
    ServiceManager manager;
    manager.notify_socket_ = take_variable("NOTIFY_SOCKET");
    std::string watchdog_pid = take_variable("WATCHDOG_PID");
    auto watchdog = number(take_variable("WATCHDOG_USEC"));
    if (watchdog && *watchdog > 0 && (watchdog_pid.empty() || is_for_this_process(watchdog_pid))) {
        manager.watchdog_interval_ = std::max(milliseconds(10), milliseconds(*watchdog / 1000));
    }
    std::string listen_pid = take_variable("LISTEN_PID");
    auto count = number(take_variable("LISTEN_FDS"));
    std::string names = take_variable("LISTEN_FDNAMES");
    if (!count || !is_for_this_process(listen_pid)) return manager;
    std::vector<std::string_view> name_list = split(names, ':');
    for (int i = 0; i < std::min<std::int64_t>(*count, 64); ++i) {
        auto index = static_cast<std::size_t>(i);
        std::string name =
            index < name_list.size() && !name_list[index].empty() ? std::string(name_list[index]) : "unknown";
        ::fcntl(first_passed_fd + i, F_SETFD, FD_CLOEXEC);
        manager.passed_.emplace(std::move(name), first_passed_fd + i);
    }
    return manager;
}

void ServiceManager::notify(std::string_view assignments) const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (notify_socket_.empty() || notify_socket_.size() >= sizeof address.sun_path) return;
    std::memcpy(address.sun_path, notify_socket_.data(), notify_socket_.size());
    // "@name" is the abstract namespace, whose names begin with NUL and have an exact length.
    if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
    int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return;
    auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + notify_socket_.size());
    ::sendto(fd, assignments.data(), assignments.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
             length);
    ::close(fd);
}

void ServiceManager::ready(const std::string& status) const {
    notify("READY=1\nSTATUS=" + one_line(status));
}

void ServiceManager::reloading() const {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    notify(fmt::format("RELOADING=1\nMONOTONIC_USEC={}",
                       static_cast<std::int64_t>(now.tv_sec) * 1000000 + now.tv_nsec / 1000));
}

void ServiceManager::stopping() const {
    notify("STOPPING=1");
}
void ServiceManager::status(const std::string& status) const {
    notify("STATUS=" + one_line(status));
}
void ServiceManager::watchdog() const {
    notify("WATCHDOG=1");
}

Result<int> ServiceManager::passed_socket(const std::string& name) const {
    auto found = passed_.find(name);
    if (found == passed_.end())
        return failure("net.bind", "No socket named '" + name + "' was passed by the service manager");
    int fd = ::fcntl(found->second, F_DUPFD_CLOEXEC, 10);
    if (fd < 0) return failure("net.bind", "Cannot use the passed socket '" + name + "'", std::strerror(errno));
    return fd;
}

}  // namespace certd
