#include "tests/support/sshd.hpp"

#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <vector>

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace certd::test {

namespace {

std::string first_two_words(const std::string& text) {
    return text.substr(0, text.find_first_of(" \n", text.find(' ') + 1));
}

void make_key(const std::filesystem::path& file) {
    std::filesystem::remove(file);
    const auto made = run({program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", file.string()});
    if (made.exit_code != 0) throw std::runtime_error("ssh-keygen failed: " + made.both());
}

std::vector<pid_t> children_of(pid_t parent) {
    std::vector<pid_t> children;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        const std::string name = entry.path().filename();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        // PID (NAME) STATE PARENT …
        const std::string stat = read_file(entry.path() / "stat");
        const auto end = stat.rfind(')');
        if (end == std::string::npos || end + 4 >= stat.size()) continue;
        if (std::strtol(stat.c_str() + end + 4, nullptr, 10) == parent) children.push_back(std::stoi(name));
    }
    return children;
}

void write_owned(const std::filesystem::path& file, const std::string& content) {
    write_file(file, content);
    ::chmod(file.c_str(), 0644);
}

}  // namespace

SshKey::SshKey(std::filesystem::path file) : file_(std::move(file)) {
    make_key(file_);
}

std::string SshKey::public_key() const {
    return first_two_words(read_file(path() + ".pub"));
}

Sshd::Sshd(std::filesystem::path directory, const SshKey& client, std::string address)
    : directory_(std::move(directory)),
      client_key_(client.public_key()),
      address_(std::move(address)),
      port_(free_port()),
      host_conf_(fmt::format("state {}\n", state().string())) {
    std::filesystem::create_directories(directory_);
    make_key(directory_ / "host_key");
    write_configuration();
    force_certd_host();
    forbid_all();
    start();
}

void Sshd::write_configuration() const {
    write_file(
        directory_ / "sshd_config",
        fmt::format("ListenAddress {}\nPort {}\nHostKey {}\nPidFile none\nAuthorizedKeysFile {}\nStrictModes no\n"
                    "UsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n"
                    "PrintMotd no\nMaxStartups 100\n",
                    address_, port_, (directory_ / "host_key").string(), (directory_ / "authorized_keys").string()));
}

std::string Sshd::user() {
    const passwd* entry = ::getpwuid(::geteuid());
    return entry != nullptr ? entry->pw_name : "root";
}

std::string Sshd::host() const {
    return fmt::format("{}:{}", address_, port_);
}

std::string Sshd::known_host() const {
    return fmt::format("[{}]:{} {}\n", address_, port_, first_two_words(read_file(directory_ / "host_key.pub")));
}

void Sshd::allow(const std::string& line) {
    host_conf_ += line + "\n";
    write_owned(directory_ / "host.conf", host_conf_);
}

void Sshd::allow_path(const std::string& path) {
    allow("path " + path);
}

void Sshd::allow_command(const std::string& command) {
    allow("command " + command);
}

void Sshd::forbid_all() {
    host_conf_ = host_conf_.substr(0, host_conf_.find('\n') + 1);
    write_owned(directory_ / "host.conf", host_conf_);
}

void Sshd::force(const std::string& command) const {
    write_file(directory_ / "authorized_keys", fmt::format("command=\"{}\",restrict {}\n", command, client_key_));
}

void Sshd::force_certd_host() const {
    force(fmt::format("/bin/sh {}/contrib/host/certd-host {}", CERTD_SOURCE_DIR, (directory_ / "host.conf").string()));
}

void Sshd::deny() const {
    write_file(directory_ / "authorized_keys", "");
}

void Sshd::take_new_host_key() {
    stop();
    make_key(directory_ / "host_key");
    start();
}

void Sshd::freeze() const {
    child_->signal(SIGSTOP);
}

void Sshd::thaw() const {
    child_->signal(SIGCONT);
}

void Sshd::freeze_all() const {
    freeze();
    for (const pid_t session : children_of(child_->pid()))
        ::kill(session, SIGSTOP);
}

void Sshd::thaw_all() const {
    for (const pid_t session : children_of(child_->pid()))
        ::kill(session, SIGCONT);
    thaw();
}

// As when the machine goes away: sessions have process groups of their own and would go on.
void Sshd::stop() {
    const std::vector<pid_t> sessions = child_ ? children_of(child_->pid()) : std::vector<pid_t>{};
    child_.reset();
    for (const pid_t session : sessions)
        ::kill(session, SIGKILL);
}

// sshd wants its own directory when it runs as root, and to be started by its full path.
void Sshd::start() {
    if (::geteuid() == 0) std::filesystem::create_directories("/run/sshd");
    write_file(directory_ / "sshd.log", "");
    child_ = std::make_unique<Child>(
        std::vector<std::string>{program("sshd"), "-D", "-e", "-f", (directory_ / "sshd_config").string()},
        ChildOptions{{}, directory_ / "sshd.log", {}, {}, {}});
    if (!eventually(10s, [&] { return log().find("Server listening") != std::string::npos; }))
        throw std::runtime_error("sshd did not start:\n" + log());
}

}  // namespace certd::test
