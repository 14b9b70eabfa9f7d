#include "tests/support/haproxy.hpp"

#include "tests/support/tls_files.hpp"

#include <algorithm>
#include <cctype>
#include <csignal>
#include <stdexcept>
#include <string_view>

#include <fmt/format.h>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

namespace certd::test {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view configuration = R"(global
    tune.bufsize {4}
    stats socket {0}/api.sock mode 600 level {3}
    stats socket {0}/test.sock mode 600 level admin
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend tls
    bind 127.0.0.1:{1} ssl crt {0}/{5}
    bind 127.0.0.1:{2} ssl crt {0}/foreign.pem
    http-request return status 200
)";

sockaddr_un address_of(const fs::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.string().copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
}

void send_all(int socket, std::string_view text) {
    while (!text.empty()) {
        const ssize_t sent = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
        if (sent <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
}

// Until the end, or until `whole` is so.
std::string receive(int socket, const std::function<bool(const std::string&)>& whole) {
    std::string text;
    char buffer[4096];
    while (!whole(text)) {
        const ssize_t count = ::recv(socket, buffer, sizeof buffer, 0);
        if (count <= 0) break;
        text.append(buffer, static_cast<std::size_t>(count));
    }
    return text;
}

std::string ask_at(const fs::path& path, const std::string& command) {
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un address = address_of(path);
    std::string answer;
    const timeval limit{2, 0};  // a worker that ends may leave a question unanswered
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
        send_all(socket, command);
        answer = receive(socket, [](const std::string&) { return false; });
    }
    ::close(socket);
    return answer;
}

// The value of "KEY: VALUE".
std::string value_of(const std::string& answer, const std::string& key) {
    const auto at = answer.find(key + ": ");
    if (at == std::string::npos) return {};
    const auto begin = at + key.size() + 2;
    return answer.substr(begin, answer.find('\n', begin) - begin);
}

std::string sha1_of_file(const fs::path& file) {
    std::string said = run({"openssl", "x509", "-noout", "-fingerprint", "-sha1", "-in", file}).out;
    said.erase(0, said.find('=') + 1);
    std::erase_if(said, [](char c) { return c == ':' || c == '\n'; });
    return said;
}

}  // namespace

Haproxy::Haproxy(fs::path directory, HaproxyOptions options)
    : directory_(std::move(directory)), options_(std::move(options)), port_(free_port()), foreign_port_(free_port()) {
    fs::create_directories(directory_);
    auto files = options_.files;
    files.emplace_back("foreign.pem");
    for (const std::string& name : files) {
        const bool rsa = name.ends_with(".rsa");
        make_placeholder(directory_ / "new.crt", directory_ / "new.key", rsa ? "rsa" : "ec",
                         rsa ? "rsa_keygen_bits:2048" : "ec_paramgen_curve:prime256v1");
        write_file(file(name),
                   "\n" + read_file(directory_ / "new.key") + "\n \n" + read_file(directory_ / "new.crt") + "\n");
    }
    write_configuration();
    child_ = std::make_unique<Child>(std::vector<std::string>{program("haproxy"), "-W", "-db", "-f",
                                                              directory_ / "haproxy.cfg", "-p", directory_ / "pid"},
                                     ChildOptions{{}, directory_ / "output.log", {}, {}, {}});
    if (!eventually(20s, [&] { return !worker().empty() && !served().empty(); }))
        throw std::runtime_error("haproxy did not start:\n" + log());
}

void Haproxy::write_configuration() const {
    write_file(directory_ / "haproxy.cfg", fmt::format(configuration, directory_.string(), port_, foreign_port_,
                                                       options_.level, options_.bufsize, options_.crt));
}

void Haproxy::configure(HaproxyOptions options) {
    options_ = std::move(options);
    write_configuration();
    reload();
}

void Haproxy::reload() const {
    const std::string before = worker();
    child_->signal(SIGUSR2);
    const auto renewed = [&] {
        const std::string now = worker();
        return !now.empty() && now != before && !fs::exists("/proc/" + before);
    };
    if (!eventually(20s, renewed)) throw std::runtime_error("haproxy did not reload:\n" + log());
}

std::string Haproxy::endpoint() const {
    return fmt::format("127.0.0.1:{}", port_);
}

std::string Haproxy::foreign_endpoint() const {
    return fmt::format("127.0.0.1:{}", foreign_port_);
}

std::string Haproxy::reload_command() const {
    return fmt::format("{{ shell: \"echo >>{0}/reloads; kill -USR2 $(cat {0}/pid)\" }}", directory_.string());
}

std::size_t Haproxy::reloads() const {
    return static_cast<std::size_t>(std::ranges::count(read_file(directory_ / "reloads"), '\n'));
}

std::string Haproxy::worker() const {
    return value_of(ask("show info\n"), "\nPid");
}

std::string Haproxy::ask(const std::string& command) const {
    return ask_at(directory_ / "test.sock", command);
}

bool Haproxy::agrees(const std::string& name) const {
    const std::string shown = value_of(ask("show ssl cert " + file(name).string() + "\n"), "SHA1 FingerPrint");
    return !shown.empty() && shown == sha1_of_file(file(name)) && ask("show ssl cert\n").find('*') == std::string::npos;
}

std::string Haproxy::served(const std::string& options) const {
    return served_fingerprint(endpoint(), "a.example.test", options);
}

HaproxyRelay::HaproxyRelay(fs::path at, fs::path to, After after) : to_(std::move(to)), after_(std::move(after)) {
    const sockaddr_un address = address_of(at);
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_, 8) != 0)
        throw std::runtime_error("no relay at " + at.string());
    thread_ = std::thread([this] { serve(); });
}

HaproxyRelay::~HaproxyRelay() {
    ended_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
}

void HaproxyRelay::serve() {
    while (!ended_) {
        const int client = ::accept(listener_, nullptr, nullptr);
        if (client < 0) continue;
        // Only a payload has more than one line.
        const std::string command = receive(client, [](const std::string& text) {
            return text.find("<<") == std::string::npos ? text.ends_with('\n') : text.ends_with("\n\n");
        });
        const std::string answer = ask_at(to_, command);
        after_(command);
        send_all(client, answer);
        ::close(client);
    }
}

}  // namespace certd::test
