// The host of contrib/docs/HOSTS.md, set up with the very lines of that page: an unprivileged login user, the forced
// command through Debian's sudo, files of root's. It lives in a mount namespace whose /etc, /usr/lib and /var/lib are
// copies that go away with it.
#include "tests/e2e/world.hpp"
#include "tests/support/sshd.hpp"

#include <fmt/format.h>

#include <csignal>
#include <stdexcept>

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace certd::test;

namespace {

namespace fs = std::filesystem;

constexpr const char* address = "127.0.3.1";

// The fenced block of the page that has this line in it, without its indentation.
std::string block_with(const std::string& line) {
    const std::string page = read_file(CERTD_SOURCE_DIR "/contrib/docs/HOSTS.md");
    const std::size_t at = page.find(line);
    if (at == std::string::npos) throw std::runtime_error("HOSTS.md has no line " + line);
    std::size_t begin = page.rfind("```", at);
    begin = page.find('\n', begin) + 1;
    std::string block = page.substr(begin, page.find("```", at) - begin), text;
    for (std::size_t i = 0; i < block.size();) {
        const std::size_t end = block.find('\n', i);
        std::string row = block.substr(i, end - i);
        row.erase(0, row.find_first_not_of(' ') == std::string::npos ? row.size() : row.find_first_not_of(' '));
        text += row + "\n";
        if (end == std::string::npos) break;
        i = end + 1;
    }
    while (text.ends_with("\n\n"))
        text.pop_back();
    return text;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    if (at == std::string::npos) throw std::runtime_error("HOSTS.md does not say " + from);
    return text.replace(at, from.size(), to);
}

class Host {
   public:
    explicit Host(fs::path directory)
        : directory_(std::move(directory)), port_(make_directory()), key_(directory_ / "id") {
        const SshKey host_key(directory_ / "host_key");
        known_host_ = fmt::format("[{}]:{} {}\n", address, port_, host_key.public_key());
        write_file(directory_ / "sshd_config",
                   fmt::format("ListenAddress {}\nPort {}\nHostKey {}\nPidFile none\nUsePAM yes\n"
                               "PasswordAuthentication no\nKbdInteractiveAuthentication no\n",
                               address, port_, (directory_ / "host_key").string()));
        write_file(directory_ / "host.conf", block_with("path /etc/ssl/web/") +
                                                 "command /usr/bin/openssl x509 -noout -in /etc/ssl/web/fullchain.pem\n"
                                                 "command /usr/bin/touch /etc/ssl/web/reloaded\n");
        write_file(directory_ / "authorized_keys",
                   replaced(block_with("command=\"sudo -n"), "ssh-ed25519 AAAA…", key_.public_key()));
        write_file(directory_ / "sudoers", block_with("certd ALL=(root) NOPASSWD"));
        write_file(directory_ / "set-up", script());
        fs::create_directories("/run/sshd");
        child_ = std::make_unique<Child>(
            std::vector<std::string>{program("unshare"), "-m", "/bin/sh", "-e", directory_ / "set-up"},
            ChildOptions{{}, directory_ / "log", {}, {}, {}});
    }

    bool is_up() {
        return eventually(20s,
                          [&] { return !child_->alive() || log().find("Server listening") != std::string::npos; }) &&
               child_->alive();
    }
    std::string log() const { return read_file(directory_ / "log"); }
    // As that machine sees it.
    fs::path at(const std::string& path) const { return fmt::format("/proc/{}/root{}", child_->pid(), path); }
    Output run_there(std::vector<std::string> argv) const {
        argv.insert(argv.begin(), {program("nsenter"), "-m", "-t", std::to_string(child_->pid()), "setpriv",
                                   "--reuid=certd", "--regid=certd", "--init-groups"});
        return run(std::move(argv));
    }
    Output log_in(const std::string& command) const {
        return run({"ssh", "-p", std::to_string(port_), "-o", "StrictHostKeyChecking=yes", "-o",
                    "UserKnownHostsFile=" + (directory_ / "known_hosts").string(), "-o", "BatchMode=yes", "-i",
                    key_.path(), "-o", "IdentitiesOnly=yes", fmt::format("certd@{}", address), command});
    }
    std::string target() const {
        write_file(directory_ / "known_hosts", known_host_);
        return fmt::format(R"(  other:
    hosts: ["{}:{}"]
    ssh: {{ user: certd, identity_file: {}, known_hosts: {} }}
    install:
      - {{ part: fullchain, path: /etc/ssl/web/fullchain.pem }}
      - {{ part: privkey, path: /etc/ssl/web/privkey.pem, mode: "0640", owner: root, group: www-data }}
    test: [/usr/bin/openssl, x509, -noout, -in, /etc/ssl/web/fullchain.pem]
    reload: {{ command: [/usr/bin/touch, /etc/ssl/web/reloaded] }}
)",
                           address, port_, key_.path(), (directory_ / "known_hosts").string());
    }

   private:
    std::uint16_t make_directory() const {
        fs::create_directories(directory_ / "box");
        return free_port();
    }
    std::string script() const {
        return fmt::format(R"(mount --make-rprivate /
mount -t tmpfs none {0}/box
for place in etc usr/lib var/lib; do
    mkdir -p {0}/box/new/$place {0}/box/work/$place
    mount -t overlay -o lowerdir=/$place,upperdir={0}/box/new/$place,workdir={0}/box/work/$place overlay /$place
done
cd {1}/contrib/host
{2}
cp {0}/host.conf /etc/certd/host.conf
mkdir -m 0755 ~certd/.ssh
cp {0}/authorized_keys ~certd/.ssh/authorized_keys
cp {0}/sudoers /etc/sudoers.d/certd
chmod 0644 ~certd/.ssh/authorized_keys /etc/certd/host.conf
chmod 0440 /etc/sudoers.d/certd
exec {3} -D -e -f {0}/sshd_config
)",
                           directory_.string(), CERTD_SOURCE_DIR, block_with("useradd --system"), program("sshd"));
    }

    fs::path directory_;
    std::uint16_t port_;
    SshKey key_;
    std::string known_host_;
    std::unique_ptr<Child> child_;
};

}  // namespace

TEST_CASE("a host set up as the manual says takes certificates through sudo, and nothing else") {
    World world;
    if (::geteuid() != 0) return;
    Host host(world.directory() / "host");
    if (!host.is_up()) {
        WARN("no host of its own can be had here: nothing was tested\n" << host.log());
        return;
    }
    world.start({.targets = "[other]", .more_targets = host.target()});
    const Output issued = world.certd.ctl({"renew", "shop"});
    INFO(issued.both() << host.log());
    REQUIRE(issued.exit_code == 0);

    REQUIRE(read_file(host.at("/etc/ssl/web/fullchain.pem")) == read_file(world.certd.live("shop") / "fullchain.pem"));
    REQUIRE(read_file(host.at("/etc/ssl/web/privkey.pem")) == read_file(world.certd.live("shop") / "privkey.pem"));
    struct stat key {
    }, reloaded{};
    REQUIRE(::stat(host.at("/etc/ssl/web/privkey.pem").c_str(), &key) == 0);
    REQUIRE(key.st_uid == 0);
    REQUIRE(key.st_gid == ::getgrnam("www-data")->gr_gid);
    REQUIRE((key.st_mode & 07777) == 0640);
    REQUIRE(::stat(host.at("/etc/ssl/web/reloaded").c_str(), &reloaded) == 0);
    REQUIRE(reloaded.st_uid == 0);
    REQUIRE_FALSE(fs::exists("/etc/ssl/web/reloaded"));  // of this machine nothing was touched

    // The key opens nothing but certd-host, sudo allows it without arguments only, and its user cannot change it.
    REQUIRE(host.log_in("id").out.find("uid=") == std::string::npos);
    const Output with_argument = host.run_there({"sudo", "-n", "/usr/lib/certd/certd-host", "/tmp/other.conf"});
    REQUIRE(with_argument.exit_code == 1);
    REQUIRE(with_argument.err.find("a password is required") != std::string::npos);
    REQUIRE(host.run_there({"sudo", "-n", "id"}).exit_code == 1);
    for (const char* path : {"/usr/lib/certd/certd-host", "/etc/certd/host.conf", "/var/lib/certd-login/.ssh",
                             "/var/lib/certd-login/.ssh/authorized_keys", "/etc/ssl/web/privkey.pem"}) {
        INFO(path);
        REQUIRE(host.run_there({"test", "-w", path}).exit_code == 1);
    }

    // Where sudo asks for a password, that is what is said, and the old files stay.
    fs::remove(host.at("/etc/sudoers.d/certd"));
    const std::string before = read_file(host.at("/etc/ssl/web/fullchain.pem"));
    const Output refused = world.certd.ctl({"renew", "shop", "--force"});
    INFO(refused.both());
    REQUIRE(refused.exit_code == 1);
    REQUIRE(refused.err.find("sudo: a password is required") != std::string::npos);
    REQUIRE(refused.err.find("did not answer as certd-host does") != std::string::npos);
    REQUIRE(read_file(host.at("/etc/ssl/web/fullchain.pem")) == before);
}
