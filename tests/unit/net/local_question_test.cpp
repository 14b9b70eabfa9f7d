// A question over a Unix socket: its answer is everything up to the end, and every way to get none has its problem.
#include "libacme/net/local_question.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/temp_directory.hpp"

#include <functional>
#include <string>
#include <thread>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

using namespace certd;
using namespace certd::test;

namespace {

// Listens in a directory of its own, and plays `part` to one client on a thread of its own.
class Peer {
   public:
    explicit Peer(std::function<void(int)> part) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path().copy(address.sun_path, sizeof address.sun_path - 1);
        listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        REQUIRE(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(::listen(listener_, 1) == 0);
        thread_ = std::thread([this, part = std::move(part)] {
            const int client = ::accept(listener_, nullptr, nullptr);
            if (client < 0) return;
            part(client);
            ::close(client);
        });
    }
    ~Peer() {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }
    std::string path() const { return (directory_.path() / "socket").string(); }

   private:
    TempDirectory directory_;
    int listener_ = -1;
    std::thread thread_;
};

std::string receive(int client, std::size_t count) {
    std::string text;
    char letter = 0;
    while (text.size() < count && ::recv(client, &letter, 1, 0) == 1)
        text += letter;
    return text;
}

void say(int client, const std::string& text) {
    std::string_view rest = text;
    while (!rest.empty()) {
        const ssize_t sent = ::send(client, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent <= 0) return;
        rest.remove_prefix(static_cast<std::size_t>(sent));
    }
}

Result<std::string> ask(LocalQuestion question) {
    SystemClock clock;
    try {
        return run_task(ask_local(clock, std::move(question)));
    } catch (const Failure& failed) {
        return failure(failed.problem());
    }
}

}  // namespace

TEST_CASE("the answer is everything that is said until the connection is closed") {
    std::string heard;
    const std::string large(100'000, 'x');
    Peer peer([&](int client) {
        heard = receive(client, 5);
        say(client, "first\n");
        say(client, large + "\n\n");
    });
    CHECK(ask({peer.path(), "show\n"}) == Result<std::string>("first\n" + large + "\n\n"));
    CHECK(heard == "show\n");
}

TEST_CASE("nothing is an answer too") {
    Peer peer([](int client) { receive(client, 5); });
    CHECK(ask({peer.path(), "show\n"}) == Result<std::string>(""));
}

TEST_CASE("who does not listen to the end may have answered all the same, or broken the connection") {
    Peer peer([](int client) { receive(client, 5); });
    const auto answer = ask({peer.path(), std::string(1'000'000, 'x')});
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == "net.closed");
    CHECK(answer.error().what == "The connection to " + peer.path() + " broke (Connection reset by peer)");
}

TEST_CASE("an answer without end is cut off by the limit") {
    Peer peer([](int client) { say(client, std::string(10'000, 'x')); });
    const auto answer = ask({peer.path(), "show\n", seconds(10), 9'999});
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == "net.tooLarge");
    CHECK(answer.error().what == "The answer of " + peer.path() + " has more than 9999 octets");
}

TEST_CASE("who says nothing is waited for until the time is over") {
    Peer peer([](int client) { receive(client, 6); });
    const auto answer = ask({peer.path(), "show\n", milliseconds(50)});
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == "net.timeout");
    CHECK(answer.error().what == peer.path() + " did not answer within 50ms");
}

TEST_CASE("a socket that is not there, or could not be, is told by its path") {
    TempDirectory directory;
    const std::string missing = (directory.path() / "none").string();
    const auto answer = ask({missing, "show\n"});
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == "net.connect");
    CHECK(answer.error().what == "Cannot connect to the socket " + missing + " (No such file or directory)");
    CHECK(
        ask({"/" + std::string(107, 'x'), "show\n"}).error().what.ends_with("a path of a socket has 1 to 107 octets"));
}
