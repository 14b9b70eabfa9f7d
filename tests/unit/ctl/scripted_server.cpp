// The scripted server: a thread, because the client blocks.
#include "tests/unit/ctl/scripted_server.hpp"

#include <array>

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace certd::test {

ScriptedServer::ScriptedServer(std::vector<std::string> answers, bool hold_open)
    : path_((directory_.path() / "s").string()), answers_(std::move(answers)), hold_open_(hold_open) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
        ::listen(listener_, 16) != 0 || ::pipe(stop_) != 0) {
        std::abort();
    }
    thread_ = std::thread([this] { run(); });
}

ScriptedServer::~ScriptedServer() {
    ::close(stop_[1]);
    thread_.join();
    ::close(stop_[0]);
    ::close(listener_);
}

std::vector<std::string> ScriptedServer::requests() const {
    std::scoped_lock lock(mutex_);
    return requests_;
}

void ScriptedServer::run() {
    std::vector<int> open;
    for (std::size_t count = 0;; ++count) {
        std::array<pollfd, 2> entries = {{{listener_, POLLIN, 0}, {stop_[0], POLLIN, 0}}};
        ::poll(entries.data(), entries.size(), -1);
        if (entries[1].revents != 0) break;
        int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        std::array<char, 4096> buffer;
        std::string request;
        while (request.find("\r\n\r\n") == std::string::npos) {
            ssize_t got = ::read(connection, buffer.data(), buffer.size());
            if (got <= 0) break;
            request.append(buffer.data(), static_cast<std::size_t>(got));
        }
        {
            std::scoped_lock lock(mutex_);
            requests_.push_back(request);
        }
        std::string_view answer = answers_[std::min(count, answers_.size() - 1)];
        while (!answer.empty()) {
            ssize_t sent = ::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
            if (sent <= 0) break;
            answer.remove_prefix(static_cast<std::size_t>(sent));
        }
        if (hold_open_) {
            open.push_back(connection);
        } else {
            ::close(connection);
        }
    }
    for (int connection : open)
        ::close(connection);
}

std::string response(int status, const std::string& content_type, const std::string& body) {
    return fmt::format("HTTP/1.1 {} X\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{}", status, content_type,
                       body.size(), body);
}

std::string stream_of(const std::vector<std::string>& lines, bool cut) {
    std::string text = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (const std::string& line : lines)
        text += fmt::format("{:x}\r\n{}\n\r\n", line.size() + 1, line);
    return cut ? text : text + "0\r\n\r\n";
}

}  // namespace certd::test
