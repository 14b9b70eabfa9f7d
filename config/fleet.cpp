// Hosts, ssh and rollout of a target: reading and checking.
#include "config/fleet.hpp"

#include "config/source.hpp"
#include "config/values.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace certd::config {

namespace {

constexpr std::uint16_t ssh_port = 22;

void error(std::vector<Finding>& findings, const Location& where, std::string message, std::string hint = {}) {
    findings.push_back({true, where, std::move(message), std::move(hint)});
}

Rollout::OnFailure on_failure_from(std::string_view text) {
    return text == "rollback"   ? Rollout::OnFailure::rollback
           : text == "continue" ? Rollout::OnFailure::go_on
                                : Rollout::OnFailure::stop;
}

Rollout::Order order_from(std::string_view text) {
    return text == "reversed"   ? Rollout::Order::reversed
           : text == "shuffled" ? Rollout::Order::shuffled
                                : Rollout::Order::listed;
}

bool is_this_machine(std::string_view address) {
    const auto parts = parse_host_port(address);
    return parts && (parts->host == "localhost" || parts->host == "::1" || parts->host.starts_with("127."));
}

void check_hosts(const Target& target, std::vector<Finding>& findings) {
    std::set<std::pair<std::string, std::uint16_t>> machines;
    for (const RemoteHost& host : target.hosts) {
        if (!machines.emplace(lower_ascii(host.address), host.port).second) {
            error(
                findings, host.location,
                fmt::format("The target {} has the host {} twice", in_quotes(target.name.text), in_quotes(host.name)));
        }
    }
}

// ssh expands these in names of files, and there is no way to write them that every release of it understands.
void check_ssh_files(const Target& target, std::vector<Finding>& findings) {
    for (const auto& file : {target.ssh.identity_file, target.ssh.known_hosts}) {
        if (!file || file->find_first_of("\"%$\\") == std::string::npos) continue;
        error(findings, target.location,
              fmt::format("ssh cannot use the file {} of the target {}", in_quotes(*file), in_quotes(target.name.text)),
              "choose a name without '\"', '%', '$' and '\\'");
    }
}

// The far side runs only what its host.conf names, word by word, and as the user who was logged in.
void check_commands(const Target& target, std::vector<Finding>& findings) {
    const auto check = [&](std::string_view key, const CommandLine& command) {
        const auto fits = [](const std::string& word) {
            return !word.empty() &&
                   std::ranges::all_of(word, [](char letter) { return letter > 0x20 && letter < 0x7F; });
        };
        if (std::ranges::all_of(command.argv, fits)) return;
        error(findings, target.location,
              fmt::format("{} of the target {} cannot be run on other hosts: a word of it has spaces, or other "
                          "characters than plain ASCII",
                          key, in_quotes(target.name.text)),
              "put it into a script on the hosts, and name that");
    };
    check("test", target.test);
    check("reload", target.reload.command);
    for (const Hook& hook : target.exec) {
        check("exec", hook.command);
        if (hook.working_directory != Hook{}.working_directory) {
            error(findings, target.location,
                  fmt::format("exec of the target {} cannot change the directory on other hosts",
                              in_quotes(target.name.text)),
                  "let a script there do it");
        }
        if (hook.user.empty()) continue;
        error(findings, target.location,
              fmt::format("exec of the target {} cannot change the user on other hosts", in_quotes(target.name.text)),
              "let a script there do it");
    }
}

// There is no private view of another machine's files.
void check_rehearse(const Target& target, std::vector<Finding>& findings) {
    if (target.hosts.empty() || target.rehearse.empty()) return;
    error(findings, target.location,
          fmt::format("The target {} has hosts, where no command is rehearsed", in_quotes(target.name.text)),
          "leave `rehearse` out");
}

void check_addresses(const Target& target, std::vector<Finding>& findings) {
    for (const VerifyAddress& address : target.verify.addresses) {
        if (target.hosts.empty() && is_port_only(address.address)) {
            error(findings, target.location,
                  fmt::format("The target {} has no hosts, so that {} in verify is no address",
                              in_quotes(target.name.text), in_quotes(address.address)),
                  fmt::format("write \"127.0.0.1{}\"", address.address));
        } else if (!target.hosts.empty() && is_this_machine(address.address)) {
            const auto port = parse_host_port(address.address)->port;
            findings.push_back({false, target.location,
                                fmt::format("The target {} is verified at {}, which is the machine that certd runs on",
                                            in_quotes(target.name.text), in_quotes(address.address)),
                                fmt::format("write \":{}\" for that port of each host", port)});
        }
    }
}

}  // namespace

std::optional<RemoteHost> parse_remote_host(std::string_view text) {
    std::string_view host = text;
    std::uint16_t port = ssh_port;
    if (!is_ip_address(text)) {
        if (const auto parts = parse_host_port(text)) {
            if (parts->port == 0) return std::nullopt;
            host = parts->host;
            port = parts->port;
        }
    }
    // What begins with '-' would be an option of ssh.
    if (!is_host(host) || host.starts_with('-') || lower_ascii(host) == "local") return std::nullopt;
    return RemoteHost{std::string(text), std::string(host), port, {}};
}

void read_fleet(const Reader& reader, Target& target) {
    if (const auto hosts = reader.find("hosts")) {
        for (const TreeNode& node : scalars_of(*hosts)) {
            auto host = parse_remote_host(node.text());
            if (!host) continue;
            host->location = node.location();
            target.hosts.push_back(std::move(*host));
        }
    }
    const Reader ssh = reader.section("ssh");
    ssh.read("user", target.ssh.user);
    ssh.read("identity_file", target.ssh.identity_file);
    ssh.read("known_hosts", target.ssh.known_hosts);
    ssh.read("connect_timeout", target.ssh.connect_timeout);
    ssh.read("request_timeout", target.ssh.request_timeout);

    const Reader rollout = reader.section("rollout");
    rollout.read_number("canary", target.rollout.canary);
    rollout.read_number("batch", target.rollout.batch);
    rollout.read_number("max_failures", target.rollout.max_failures);
    rollout.read("pause_between", target.rollout.pause_between);
    if (rollout.find("on_failure")) target.rollout.on_failure = on_failure_from(rollout.scalar("on_failure"));
    if (rollout.find("order")) target.rollout.order = order_from(rollout.scalar("order"));
}

void check_fleet(const Target& target, std::vector<Finding>& findings) {
    check_addresses(target, findings);
    if (target.hosts.empty()) {
        const std::string_view unused = target.ssh != Ssh{} ? "ssh" : target.rollout != Rollout{} ? "rollout" : "";
        if (unused.empty()) return;
        error(findings, target.location,
              fmt::format("The target {} has {} and no hosts", in_quotes(target.name.text), unused),
              "add hosts: [NAME]");
        return;
    }
    if (target.install.empty()) {
        error(findings, target.location,
              fmt::format("The target {} has hosts and installs nothing there", in_quotes(target.name.text)),
              "add install: [{ part: fullchain, path: /etc/ssl/… }]");
    }
    check_hosts(target, findings);
    check_ssh_files(target, findings);
    check_commands(target, findings);
    check_rehearse(target, findings);
}

}  // namespace certd::config
