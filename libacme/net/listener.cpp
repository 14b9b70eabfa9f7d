// Listener: a listening socket bound here or handed over by systemd. Everything is close-on-exec and non-blocking.
#include "libacme/net/listener.hpp"

#include "libacme/base/descriptor.hpp"
#include "libacme/net/address.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace certd {
namespace {

std::string reason(int error) {
    return " (" + std::string(std::strerror(error)) + ")";
}

tl::unexpected<Problem> bind_failure(int error, std::string_view where) {
    if (error == EADDRINUSE) return failure("net.portInUse", "Cannot listen on " + std::string(where) + reason(error));
    return failure("net.bind", "Cannot listen on " + std::string(where) + reason(error));
}

int stream_socket(int family) {
    return ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

void set_option(int fd, int level, int name, int value) {
    ::setsockopt(fd, level, name, &value, sizeof value);
}

int option(int fd, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

// The listening descriptor, or -1 with errno set.
int listen_on(const sockaddr* address, socklen_t size) {
    Descriptor fd(stream_socket(address->sa_family));
    if (fd.get() < 0) return -1;
    set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (address->sa_family == AF_INET6) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
    if (::bind(fd.get(), address, size) != 0 || ::listen(fd.get(), SOMAXCONN) != 0) return -1;
    return fd.release();
}

int listen_ipv4(const std::string& host, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    if (!host.empty() && ::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) return errno = EINVAL, -1;
    return listen_on(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

int listen_ipv6(const std::string& host, std::uint16_t port) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    if (!host.empty() && ::inet_pton(AF_INET6, host.c_str(), &address.sin6_addr) != 1) return errno = EINVAL, -1;
    return listen_on(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

bool is_any_ipv6(const std::string& host) {
    in6_addr address{};
    return host.empty() || (::inet_pton(AF_INET6, host.c_str(), &address) == 1 && IN6_IS_ADDR_UNSPECIFIED(&address));
}

// Whether somebody accepts connections on this socket file. A full backlog also means somebody.
bool answers(const sockaddr_un& address) {
    const Descriptor fd(stream_socket(AF_UNIX));
    if (fd.get() < 0) return true;
    return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == EAGAIN;
}

// Removes the socket file a killed process left behind; anything else in its place is not ours to remove.
Result<void> remove_stale(const sockaddr_un& address, const std::string& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
        if (errno == ENOENT) return {};
        return bind_failure(errno, path);
    }
    if (!S_ISSOCK(status.st_mode)) {
        return failure("net.bind", "Cannot listen on " + path + " (a file that is not a socket is in its place)");
    }
    if (answers(address))
        return failure("control.socketInUse", "Cannot listen on " + path + " (another process answers on it)");
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return bind_failure(errno, path);
    return {};
}

}  // namespace

Result<Listener> Listener::tcp(std::string_view address) {
    const auto parsed = parse_host_port(address);
    if (!parsed) {
        return failure("net.bind", "Cannot listen on \"" + std::string(address) + "\" (not of the form ADDRESS:PORT)");
    }
    const auto& [host, port] = *parsed;
    const bool ipv6 = host.empty() || host.find(':') != std::string::npos;
    int fd = ipv6 ? listen_ipv6(host, port) : listen_ipv4(host, port);
    // A kernel without IPv6 still serves "every address".
    if (fd < 0 && is_any_ipv6(host) && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) fd = listen_ipv4({}, port);
    if (fd < 0) return bind_failure(errno, address);
    return Listener(fd, {});
}

Result<Listener> Listener::unix_socket(const std::string& path, mode_t mode, std::optional<gid_t> group) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) {
        return failure("net.bind", "Cannot listen on " + path + " (a socket's path has 1 to 107 bytes)");
    }
    path.copy(address.sun_path, path.size());
    if (auto removed = remove_stale(address, path); !removed) return failure(std::move(removed).error());

    Descriptor fd(stream_socket(AF_UNIX));
    if (fd.get() < 0) return bind_failure(errno, path);
    // On Linux the file is born with the socket inode's mode (less the umask): at no instant is it open to more than
    // `mode`. Nobody can connect before listen(), and by then group and mode are final.
    if (::fchmod(fd.get(), mode) != 0) return bind_failure(errno, path);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return bind_failure(errno, path);
    Listener listener(fd.release(), path);
    if (group && ::lchown(path.c_str(), static_cast<uid_t>(-1), *group) != 0) return bind_failure(errno, path);
    if (::chmod(path.c_str(), mode) != 0 || ::listen(listener.fd(), SOMAXCONN) != 0) return bind_failure(errno, path);
    return listener;
}

Result<Listener> Listener::adopt(int fd) {
    const int domain = option(fd, SO_DOMAIN);
    const bool known = domain == AF_INET || domain == AF_INET6 || domain == AF_UNIX;
    if (!known || option(fd, SO_TYPE) != SOCK_STREAM || option(fd, SO_ACCEPTCONN) != 1) {
        return failure("net.bind", "Passed descriptor " + std::to_string(fd) + " is not a listening stream socket");
    }
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    return Listener(fd, {});
}

Listener::Listener(Listener&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::exchange(other.path_, {})) {}

Listener& Listener::operator=(Listener&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(path_, other.path_);
    return *this;
}

Listener::~Listener() {
    if (fd_ < 0) return;
    if (!path_.empty()) ::unlink(path_.c_str());
    ::close(fd_);
}

std::uint16_t Listener::port() const {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
    if (address.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
    if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
    return 0;
}

int Listener::release() {
    path_.clear();
    return std::exchange(fd_, -1);
}

}  // namespace certd
