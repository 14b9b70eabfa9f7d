#include "tests/support/server.hpp"

#include "tests/support/tls_files.hpp"

#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace certd::test {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view apache_configuration = R"(ServerRoot {0}
DefaultRuntimeDir {0}
PidFile {0}/pid
Mutex file:{0}
ErrorLog {0}/error.log
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
User www-data
Group www-data
ServerName localhost
StartServers 1
Listen 127.0.0.1:{1}
SSLEngine on
SSLCertificateFile {0}/fullchain.pem
SSLCertificateKeyFile {0}/privkey.pem
)";

constexpr std::string_view haproxy_configuration = R"(defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend tls
    bind 127.0.0.1:{1} ssl crt {0}/combined.pem
    http-request return status 200
)";

constexpr std::string_view postfix_configuration = R"(compatibility_level = 3.6
queue_directory = {0}/queue
data_directory = {0}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = /dev/stdout
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = localhost
mydestination =
service_throttle_time = 1s
smtpd_tls_security_level = may
smtpd_tls_cert_file = {0}/fullchain.pem
smtpd_tls_key_file = {0}/privkey.pem
)";

constexpr std::string_view postfix_processes = R"(127.0.0.1:{0} inet n - n - - smtpd
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
)";

constexpr std::string_view dovecot_configuration = R"(base_dir = {0}/run
state_dir = {0}/state
log_path = {0}/error.log
protocols = imap pop3
listen = 127.0.0.1
ssl = yes
ssl_cert = <{0}/fullchain.pem
ssl_key = <{0}/privkey.pem
mail_location = maildir:{0}/mail
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={0}
}}
service imap-login {{
  chroot =
  inet_listener imaps {{
    port = {1}
  }}
  inet_listener imap {{
    port = {2}
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
)";

}  // namespace

Server::Server(ServerKind kind, fs::path directory) : kind_(kind), directory_(std::move(directory)) {
    switch (kind_) {
        case ServerKind::apache:
        case ServerKind::haproxy:
            addresses_ = {{"tls", free_port()}};
            break;
        case ServerKind::postfix:
            addresses_ = {{"smtp", free_port()}};
            break;
        case ServerKind::dovecot:
            addresses_ = {{"tls", free_port()}, {"imap", free_port()}, {"pop3", free_port()}};
            break;
    }
    prepare();
    mend_configuration();
    child_ = std::make_unique<Child>(command(), ChildOptions{{}, directory_ / "output.log", {}, {}, {}});
    const auto answers = [&] {
        for (const std::string& fingerprint : served("placeholder")) {
            if (fingerprint.empty()) return false;
        }
        return true;
    };
    if (!eventually(20s, answers)) throw std::runtime_error(name() + " did not start:\n" + log());
}

void Server::prepare() const {
    fs::create_directories(directory_);
    make_placeholder(directory_ / "fullchain.pem", directory_ / "privkey.pem");
    if (kind_ == ServerKind::haproxy) {
        write_file(directory_ / "combined.pem",
                   read_file(directory_ / "privkey.pem") + read_file(directory_ / "fullchain.pem"));
    }
    if (kind_ != ServerKind::postfix) return;
    fs::create_directories(directory_ / "queue");
    fs::create_directories(directory_ / "data");
    run({"/bin/chown", "postfix", directory_ / "data"});
    write_file(directory_ / "master.cf", fmt::format(postfix_processes, addresses_[0].port));
}

std::string Server::name() const {
    switch (kind_) {
        case ServerKind::apache:
            return "apache";
        case ServerKind::haproxy:
            return "haproxy";
        case ServerKind::postfix:
            return "postfix";
        case ServerKind::dovecot:
            return "dovecot";
    }
    return {};
}

std::string Server::configuration() const {
    const std::string place = directory_.string();
    switch (kind_) {
        case ServerKind::apache:
            return fmt::format(apache_configuration, place, addresses_[0].port);
        case ServerKind::haproxy:
            return fmt::format(haproxy_configuration, place, addresses_[0].port);
        case ServerKind::postfix:
            return fmt::format(postfix_configuration, place);
        case ServerKind::dovecot:
            return fmt::format(dovecot_configuration, place, addresses_[0].port, addresses_[1].port,
                               addresses_[2].port);
    }
    return {};
}

fs::path Server::configuration_file() const {
    return directory_ / (kind_ == ServerKind::postfix ? "main.cf" : "server.conf");
}

std::vector<std::string> Server::command() const {
    const std::string file = configuration_file();
    switch (kind_) {
        case ServerKind::apache:
            return {program("apache2"), "-DFOREGROUND", "-f", file};
        case ServerKind::haproxy:
            return {program("haproxy"), "-W", "-db", "-f", file, "-p", directory_ / "pid"};
        case ServerKind::postfix:
            return {program("postfix"), "-c", directory_, "start-fg"};
        case ServerKind::dovecot:
            return {program("dovecot"), "-F", "-c", file};
    }
    return {};
}

std::string Server::test_command() const {
    const std::string file = configuration_file();
    switch (kind_) {
        case ServerKind::apache:
            return fmt::format("[{}, -t, -f, {}]", program("apache2"), file);
        case ServerKind::haproxy:
            return fmt::format("[{}, -c, -q, -f, {}]", program("haproxy"), file);
        case ServerKind::postfix:
            return fmt::format("[{}, -c, {}, check]", program("postfix"), directory_.string());
        case ServerKind::dovecot:
            return fmt::format("[{}, -c, {}, -n]", program("doveconf"), file);
    }
    return {};
}

std::string Server::reload_command() const {
    const std::string file = configuration_file();
    switch (kind_) {
        case ServerKind::apache:
            return fmt::format("[{}, -f, {}, -k, graceful]", program("apache2"), file);
        case ServerKind::haproxy:
            return fmt::format("{{ shell: \"kill -USR2 $(cat {}/pid)\" }}", directory_.string());
        case ServerKind::postfix:
            return fmt::format("[{}, -c, {}, reload]", program("postfix"), directory_.string());
        case ServerKind::dovecot:
            return fmt::format("[{}, -c, {}, reload]", program("doveadm"), file);
    }
    return {};
}

std::string Server::install() const {
    const std::string place = directory_.string();
    if (kind_ == ServerKind::haproxy) return fmt::format("[{{ part: combined, path: {}/combined.pem }}]", place);
    return fmt::format("[{{ part: fullchain, path: {0}/fullchain.pem }}, {{ part: privkey, path: {0}/privkey.pem }}]",
                       place);
}

std::string Server::target() const {
    std::string addresses;
    for (const auto& [protocol, port] : addresses_)
        addresses += fmt::format("{}: [\"127.0.0.1:{}\"], ", protocol, port);
    return fmt::format("{{ service: {}, install: {}, test: {}, reload: {}, verify: {{ {}timeout: 10s }} }}", name(),
                       install(), test_command(), reload_command(), addresses);
}

void Server::break_configuration() const {
    write_file(configuration_file(), configuration() + "this is nothing any server understands\n");
}

void Server::mend_configuration() const {
    write_file(configuration_file(), configuration());
}

std::vector<std::string> Server::served(const std::string& server_name) const {
    std::vector<std::string> seen;
    for (const auto& [protocol, port] : addresses_) {
        seen.push_back(served_fingerprint(fmt::format("127.0.0.1:{}", port), server_name,
                                          protocol == "tls" ? std::string() : "-starttls " + protocol));
    }
    return seen;
}

std::string Server::log() const {
    return read_file(directory_ / "output.log") + read_file(directory_ / "error.log");
}

}  // namespace certd::test
