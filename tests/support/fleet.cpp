#include "tests/support/fleet.hpp"

#include "libacme/crypto/certificate.hpp"
#include "libacme/crypto/key.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace certd::test {

namespace fs = std::filesystem;

namespace {

constexpr const char* box = "/proc/self/fd/8";

// "[nginx, -t]" as a line for the shell.
std::string shell_line(std::string yaml) {
    std::erase_if(yaml, [](char letter) { return letter == '[' || letter == ']' || letter == ','; });
    return yaml;
}

// 127.0.1.1 and on.
std::string address_of(std::size_t number) {
    return fmt::format("127.0.{}.{}", 1 + number / 250, 1 + number % 250);
}

}  // namespace

void write_script(const fs::path& path, const std::string& text) {
    write_file(path, "#!/bin/sh\n" + text + "\n");
    fs::permissions(path, fs::perms::owner_all | fs::perms::group_read | fs::perms::others_read);
}

Machine::Machine(const fs::path& directory, const SshKey& key, const std::string& address, std::uint16_t tls_port)
    : place(directory / "nginx"), nginx(place, address, tls_port), sshd(directory / "ssh", key, address) {
    write_script(place / "test", "exec " + shell_line(nginx.test_command()));
    write_script(place / "reload", "exec " + shell_line(nginx.reload_command()));
    sshd.allow_path(std::string(box) + "/");
    sshd.allow_path(place.string() + "/");
    sshd.allow_command(std::string(box) + "/test");
    sshd.allow_command(std::string(box) + "/reload");
    run_by("/bin/sh " + certd_host());
}

void Machine::run_by(const std::string& command) const {
    sshd.force(fmt::format("exec 8<{}; exec {}", place.string(), command));
}

std::string Machine::certd_host() const {
    return fmt::format("{}/contrib/host/certd-host {}", CERTD_SOURCE_DIR, (sshd.directory() / "host.conf").string());
}

bool Machine::has_pair() const {
    const auto chain = parse_chain(read_file(nginx.fullchain()));
    const auto key = PrivateKey::from_pem(read_file(nginx.privkey()));
    return chain && key && chain->front().public_key_der() == key->public_key_der();
}

Fleet::Fleet(fs::path directory, std::size_t count, std::string rollout, std::string ssh_limits)
    : directory_(std::move(directory)),
      key_(directory_ / "id"),
      tls_port_(free_port()),
      rollout_(std::move(rollout)),
      ssh_limits_(std::move(ssh_limits)) {
    std::string known_hosts;
    for (std::size_t number = 0; number < count; ++number) {
        machines_.push_back(std::make_unique<Machine>(directory_ / fmt::format("web{}", number + 1), key_,
                                                      address_of(number), tls_port_));
        known_hosts += machines_.back()->sshd.known_host();
    }
    write_file(directory_ / "known_hosts", known_hosts);
}

std::string Fleet::target() const {
    std::string hosts;
    for (const auto& machine : machines_)
        hosts += (hosts.empty() ? "" : ", ") + ("\"" + machine->sshd.host() + "\"");
    return fmt::format(R"(  fleet:
    hosts: [{}]
    ssh: {{ user: {}, identity_file: {}, known_hosts: {}, {} }}
    rollout: {}
    install:
      - {{ part: fullchain, path: {}/fullchain.pem, mode: "0644" }}
      - {{ part: privkey, path: {}/privkey.pem, mode: "0600" }}
    test: [{}/test]
    reload: {{ command: [{}/reload] }}
    verify: {{ tls: [":{}"], timeout: 20s }}
)",
                       hosts, Sshd::user(), key_.path(), (directory_ / "known_hosts").string(), ssh_limits_, rollout_,
                       box, box, box, box, tls_port_);
}

std::size_t Fleet::serving(const std::string& fingerprint) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(machines_, [&](const auto& it) { return it->served() == fingerprint; }));
}

bool Fleet::all_have_pairs() const {
    return std::ranges::all_of(machines_, [](const auto& it) { return it->has_pair(); });
}

}  // namespace certd::test
