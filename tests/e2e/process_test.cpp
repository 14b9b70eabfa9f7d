// certd as a service: notifications, watchdog, passed sockets, ports (acme-facts of systemd: sd_notify(3),
// sd_listen_fds(3)).
#include "tests/e2e/world.hpp"
#include "tests/support/notify_socket.hpp"

#include <fmt/format.h>

#include <csignal>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace certd::test;

namespace {

int listening_socket(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(fd, 16) == 0);
    return fd;
}

}  // namespace

TEST_CASE("the service manager hears READY, STATUS, WATCHDOG, RELOADING and STOPPING") {
    World world;
    NotifySocket manager(world.directory() / "notify.sock");
    world.certd.configure(world.configuration());
    ChildOptions options;
    options.environment = {manager.variable(), "WATCHDOG_USEC=1000000"};
    world.certd.start(options);
    REQUIRE(manager.hears("READY=1", 20s));
    REQUIRE(manager.hears("STATUS=", 10s));
    REQUIRE(manager.hears("WATCHDOG=1", 3s));
    manager.forget();
    REQUIRE(manager.hears("WATCHDOG=1", 3s));  // it goes on

    manager.forget();
    world.certd.process().signal(SIGHUP);
    REQUIRE(manager.hears("RELOADING=1", 10s));
    REQUIRE(manager.heard().find("MONOTONIC_USEC=") != std::string::npos);
    REQUIRE(manager.hears("READY=1", 10s));
    world.certd.terminate();
    REQUIRE(manager.hears("STOPPING=1", 1s));
}

TEST_CASE("a stopped event loop sends no watchdog messages, a running one goes on") {
    World world;
    NotifySocket manager(world.directory() / "notify.sock");
    world.certd.configure(world.configuration());
    ChildOptions options;
    options.environment = {manager.variable(), "WATCHDOG_USEC=500000"};
    world.certd.start(options);
    REQUIRE(manager.hears("WATCHDOG=1", 5s));
    world.certd.process().signal(SIGSTOP);
    ::usleep(100'000);
    manager.forget();
    REQUIRE_FALSE(manager.hears("WATCHDOG=1", 1s));
    world.certd.process().signal(SIGCONT);
    REQUIRE(manager.hears("WATCHDOG=1", 5s));
}

TEST_CASE("challenges are answered on a socket that systemd passed") {
    World world;
    const int fd = listening_socket(world.http_port);
    world.certd.configure(world.configuration({.http_listen = "\"systemd:http\""}));
    ChildOptions options;
    options.listen_fds = {fd};
    options.listen_names = "http";
    world.certd.start(options);
    const Output renewed = world.certd.ctl({"renew", "shop"});
    INFO(renewed.both() << world.certd.log());
    REQUIRE(renewed.exit_code == 0);
    REQUIRE(world.served_is_live());
    ::close(fd);
}

TEST_CASE("a challenge port that is taken is a problem that names the port, and is tried again") {
    World world;
    const int taken = listening_socket(world.http_port);
    world.start();
    const Output renewed = world.certd.ctl({"renew", "shop"});
    INFO(renewed.both());
    REQUIRE(renewed.exit_code == 1);
    const certd::Json problem = world.certd.lineage("shop")["last_problem"];
    REQUIRE(problem.string_or("code") == "net.portInUse");
    REQUIRE(problem.string_or("what").find(std::to_string(world.http_port)) != std::string::npos);
    REQUIRE_FALSE(problem.string_or("hint").empty());

    ::close(taken);
    REQUIRE(world.certd.ctl({"renew", "shop", "--force"}).exit_code == 0);
    REQUIRE(world.served_is_live());
}

TEST_CASE("certd --version and --help need neither configuration nor root") {
    for (const char* option : {"--version", "--help"}) {
        const Output output = run({certd_program(), option}, {{}, uid_t{65534}, 10s});
        CAPTURE(option, output.both());
        REQUIRE(output.exit_code == 0);
        REQUIRE_FALSE(output.out.empty());
    }
}
