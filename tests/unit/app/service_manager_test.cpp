#include "daemon/app/service_manager.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_directory.hpp"

#include <array>
#include <cstdlib>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

using namespace certd;

namespace {

// The service manager's end of the notification socket.
class Notified {
   public:
    explicit Notified(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.data(), path.size());
        if (path[0] == '@') address.sun_path[0] = '\0';
        auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
        REQUIRE(::bind(fd_, reinterpret_cast<sockaddr*>(&address), length) == 0);
        ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
    }
    ~Notified() { ::close(fd_); }
    std::string message() const {
        std::array<char, 1000> buffer{};
        ssize_t size = ::recv(fd_, buffer.data(), buffer.size(), 0);
        return size > 0 ? std::string(buffer.data(), static_cast<std::size_t>(size)) : "";
    }

   private:
    int fd_;
};

}  // namespace

TEST_CASE("states are told to the service manager by path and by abstract name") {
    test::TempDirectory directory;
    for (const std::string& path :
         {(directory.path() / "notify").string(), "@certd-test-" + std::to_string(::getpid())}) {
        Notified socket(path);
        ServiceManager manager = ServiceManager::from_environment();
        CHECK(std::getenv("NOTIFY_SOCKET") == nullptr);
        manager.ready("3 lineages\nWATCHDOG=trigger");
        CHECK(socket.message() == "READY=1\nSTATUS=3 lineages\\nWATCHDOG=trigger");
        manager.reloading();
        CHECK(socket.message().starts_with("RELOADING=1\nMONOTONIC_USEC="));
        manager.watchdog();
        CHECK(socket.message() == "WATCHDOG=1");
        manager.stopping();
        CHECK(socket.message() == "STOPPING=1");
    }
}

TEST_CASE("without a service manager nothing is sent and no socket is passed") {
    ::unsetenv("NOTIFY_SOCKET");
    ServiceManager manager = ServiceManager::from_environment();
    manager.ready("x");
    CHECK_FALSE(manager.watchdog_interval());
    CHECK(manager.passed_socket("http").error().code == "net.bind");
}

TEST_CASE("the watchdog is for this process only") {
    ::setenv("WATCHDOG_USEC", "30000000", 1);
    ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
    CHECK(ServiceManager::from_environment().watchdog_interval() == seconds(30));
    ::setenv("WATCHDOG_USEC", "30000000", 1);
    ::setenv("WATCHDOG_PID", "1", 1);
    CHECK_FALSE(ServiceManager::from_environment().watchdog_interval());
    ::setenv("WATCHDOG_USEC", "soon", 1);
    CHECK_FALSE(ServiceManager::from_environment().watchdog_interval());
}
