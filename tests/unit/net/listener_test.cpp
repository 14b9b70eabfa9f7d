#include "libacme/net/http_server.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_directory.hpp"

#include <cstring>
#include <fstream>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

using namespace certd;
using namespace certd::test;

namespace {

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) >= 0;
}

bool is_private(int fd) {
    return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 && (::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0;
}

bool connects(int family, const char* host, std::uint16_t port) {
    sockaddr_in v4{};
    sockaddr_in6 v6{};
    v4.sin_family = AF_INET;
    v6.sin6_family = AF_INET6;
    v4.sin_port = v6.sin6_port = htons(port);
    ::inet_pton(family, host, family == AF_INET ? static_cast<void*>(&v4.sin_addr) : &v6.sin6_addr);
    const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool connected = family == AF_INET ? ::connect(fd, reinterpret_cast<sockaddr*>(&v4), sizeof v4) == 0
                                             : ::connect(fd, reinterpret_cast<sockaddr*>(&v6), sizeof v6) == 0;
    ::close(fd);
    return connected;
}

struct stat status_of(const std::string& path) {
    struct stat status {};
    ::lstat(path.c_str(), &status);
    return status;
}

// What a killed process leaves: a socket file nobody listens on.
void leave_stale(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, path.size());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::close(fd);
}

}  // namespace

TEST_CASE("a TCP listener binds an address, tells its port and is private to the process") {
    auto listener = Listener::tcp("127.0.0.1:0").value();
    CHECK(listener.port() != 0);
    CHECK(is_private(listener.fd()));
    CHECK(connects(AF_INET, "127.0.0.1", listener.port()));
}

TEST_CASE("[::] and an address left out listen on both families") {
    for (const auto* text : {"[::]:0", ":0"}) {
        auto listener = Listener::tcp(text).value();
        CHECK(connects(AF_INET, "127.0.0.1", listener.port()));
        CHECK(connects(AF_INET6, "::1", listener.port()));
    }
}

TEST_CASE("a port in use and an address that is not ours are told apart") {
    auto first = Listener::tcp("127.0.0.1:0").value();
    const auto address = "127.0.0.1:" + std::to_string(first.port());
    const auto second = Listener::tcp(address);
    REQUIRE_FALSE(second);
    CHECK(second.error().code == "net.portInUse");
    CHECK(second.error().what == "Cannot listen on " + address + " (Address already in use)");
    CHECK(Listener::tcp("192.0.2.1:0").error().code == "net.bind");
    for (const auto* text : {"", "80", "localhost:80", "[::1]", "1.2.3:80", "::1:80"})
        CHECK(Listener::tcp(text).error().code == "net.bind");
}

TEST_CASE("a Unix listener has its mode whatever the umask, and goes with its file") {
    const TempDirectory directory;
    const auto path = (directory.path() / "control.sock").string();
    for (const mode_t mask : {mode_t{0}, mode_t{077}}) {
        const auto old = ::umask(mask);
        {
            auto listener = Listener::unix_socket(path, 0660, ::getegid()).value();
            CHECK(is_private(listener.fd()));
            CHECK(S_ISSOCK(status_of(path).st_mode));
            CHECK((status_of(path).st_mode & 0777) == 0660);
            CHECK(status_of(path).st_gid == ::getegid());
            CHECK(listener.port() == 0);
        }
        ::umask(old);
        CHECK_FALSE(std::filesystem::exists(path));
    }
}

TEST_CASE("a socket is never born with more access than its mode") {
    const TempDirectory directory;
    const auto path = (directory.path() / "s").string();
    const auto old = ::umask(0);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, path.size());
    // The property of the kernel that Listener relies on.
    REQUIRE(::fchmod(fd, 0600) == 0);
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    ::umask(old);
    CHECK((status_of(path).st_mode & 0777) == 0600);
    ::close(fd);
}

TEST_CASE("a stale socket file is replaced, a live one and other files are refused") {
    const TempDirectory directory;
    const auto path = (directory.path() / "control.sock").string();
    leave_stale(path);
    auto listener = Listener::unix_socket(path, 0600, std::nullopt);
    REQUIRE(listener);
    CHECK(Listener::unix_socket(path, 0600, std::nullopt).error().code == "control.socketInUse");
    CHECK(std::filesystem::exists(path));

    const auto file = (directory.path() / "file").string();
    std::ofstream(file) << "precious";
    CHECK(Listener::unix_socket(file, 0600, std::nullopt).error().code == "net.bind");
    CHECK(std::filesystem::file_size(file) == 8);
    CHECK(Listener::unix_socket((directory.path() / "no" / "such").string(), 0600, std::nullopt).error().code ==
          "net.bind");
    CHECK(Listener::unix_socket("/tmp/" + std::string(200, 'x'), 0600, std::nullopt).error().code == "net.bind");
}

TEST_CASE("a passed descriptor is taken when it is a listening stream socket, and left alone when it is not") {
    const int listening = Listener::tcp("127.0.0.1:0")->release();
    ::fcntl(listening, F_SETFD, 0);
    {
        auto adopted = Listener::adopt(listening).value();
        CHECK(is_private(adopted.fd()));
        CHECK(adopted.port() != 0);
    }
    CHECK_FALSE(is_open(listening));

    const int datagram = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int idle = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (const int fd : {datagram, idle, file, -1})
        CHECK(Listener::adopt(fd).error().code == "net.bind");
    for (const int fd : {datagram, idle, file}) {
        CHECK(is_open(fd));
        ::close(fd);
    }
}

TEST_CASE("a listener that was moved from owns nothing") {
    auto first = Listener::tcp("127.0.0.1:0").value();
    const auto port = first.port();
    {
        auto second = std::move(first);
        CHECK(second.port() == port);
        first = Listener::tcp("127.0.0.1:0").value();
    }
    CHECK(first.port() != port);
    CHECK_FALSE(connects(AF_INET, "127.0.0.1", port));
}
