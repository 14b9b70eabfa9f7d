// SshHost over an ssh that is played: what is asked of it, and what becomes of each answer — also of hostile ones.
#include "daemon/deploy/ssh_host.hpp"

#include "daemon/deploy/local_host.hpp"
#include "libacme/base/text.hpp"
#include "libacme/crypto/digest.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_host.hpp"
#include "tests/support/memory_file_system.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/support/virtual_clock.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include <sys/stat.h>

using namespace certd;
using namespace certd::test;

namespace {

using Output = std::function<ProcessResult(const std::string& token)>;

class PlayedSsh final : public ProcessRunner {
   public:
    Task<ProcessResult> run(Command command) override {
        commands.push_back(command);
        if (missing) fail("process.notFound", "ssh is not there");
        const auto line = command.input.substr(0, command.input.find('\n'));
        const auto words = split(line, ' ');
        co_return answer(words.size() == 4 ? std::string(words[2]) : std::string());
    }
    std::vector<Command> commands;
    Output answer = [](const std::string&) { return exited(0); };
    bool missing = false;
};

struct Ssh {
    VirtualClock clock;
    asio::io_context io{1};
    Workers workers{0};
    RealFileSystem files;
    TempDirectory directory;
    PlayedSsh runner;
    config::Target target = target_of();
    SshHosts hosts{clock, workers, files, runner, directory.path() / "ssh"};

    static config::Target target_of() {
        config::Target target;
        target.name = {"web"};
        target.hosts = {{"web1:2222", "web1.internal", 2222, {}}, {"[2001:db8::7]:22", "2001:db8::7", 22, {}}};
        target.ssh = {"deploy", "/etc/certd/id", "/etc/certd/known_hosts", seconds(3)};
        config::InstallStep key;
        key.path = "/tls/key.pem";
        key.owner = "root";
        key.group = "ssl-cert";
        target.install = {key};
        return target;
    }
    Delivery delivery() const { return {"example.com", target.name, {7}, false}; }
    std::shared_ptr<Host> host() { return hosts.open(target, "web1:2222", delivery()); }

    // An answer in its frame.
    void say(std::string status_and_body) {
        runner.answer = [text = std::move(status_and_body)](const std::string& token) {
            return exited(0, fmt::format("certd-host 1 {} {}\nend {}\n", token, text, token));
        };
    }
    void say_raw(int code, std::string text) {
        runner.answer = [code, text](const std::string&) { return exited(code, text); };
    }
    // The last request with its token as T.
    std::string request() const {
        std::string text = runner.commands.back().input;
        const auto begin = text.find(' ', 11) + 1;
        return text.replace(begin, 32, "T");
    }
    Result<std::optional<InstalledFile>> read(const std::string& path = "/tls/key.pem") {
        return test::run(io, clock, host()->read(path));
    }
    Result<void> install(std::vector<InstalledFile> all) {
        return test::run(io, clock, host()->install(std::move(all)));
    }
    Result<ProcessResult> run(Command command) { return test::run(io, clock, host()->run(std::move(command))); }
    Problem install_problem() {
        const auto done = install({});
        return done ? Problem{} : done.error();
    }
    bool has_option(const std::string& option) const {
        const auto& argv = runner.commands.back().argv;
        return std::ranges::find(argv, option) != argv.end();
    }
};

std::string file_body(const std::string& content, const std::string& head = "file 640 0 33") {
    return fmt::format("ok\n{} {} {}\n{}", head, content.size(), sha256_hex(content), content);
}

template <class T>
std::string code_of(const Result<T>& result) {
    return result ? std::string() : result.error().code;
}

Command command_of(std::vector<std::string> argv) {
    Command command;
    command.argv = std::move(argv);
    command.environment = base_environment();
    return command;
}

}  // namespace

TEST_CASE("ssh is told everything it needs, trusts no unknown host and asks nobody") {
    Ssh ssh;
    ssh.say("ok\nmissing");
    REQUIRE(ssh.read());
    const auto& command = ssh.runner.commands.back();
    CHECK(command.argv.front() == "ssh");
    for (const char* option :
         {"BatchMode=yes", "StrictHostKeyChecking=yes", "UserKnownHostsFile=\"/etc/certd/known_hosts\"",
          "GlobalKnownHostsFile=/dev/null", "IdentityFile=\"/etc/certd/id\"", "IdentitiesOnly=yes",
          "IdentityAgent=none", "ConnectTimeout=3", "ServerAliveInterval=5", "ControlMaster=auto", "ForwardAgent=no",
          "RequestTTY=no"}) {
        CAPTURE(option);
        CHECK(ssh.has_option(option));
    }
    const std::vector<std::string> last(command.argv.end() - 7, command.argv.end());
    CHECK(last ==
          std::vector<std::string>{"-p", "2222", "-l", "deploy", "--", "web1.internal", "/usr/lib/certd/certd-host"});
    CHECK(command.environment == base_environment());
    CHECK(command.timeout == seconds(18));

    ssh.target.ssh = {};
    REQUIRE(ssh.read());
    for (const auto& word : ssh.runner.commands.back().argv) {
        CHECK(word.find("KnownHosts") == std::string::npos);
        CHECK(word.find("Identit") == std::string::npos);
        CHECK(word != "-l");
    }
    CHECK(ssh.has_option("StrictHostKeyChecking=yes"));
}

TEST_CASE("connections are kept in a directory of certd's own, one for each way to log in") {
    Ssh ssh;
    ssh.say("ok\nmissing");
    const auto path = [&] {
        for (const auto& word : ssh.runner.commands.back().argv) {
            if (word.starts_with("ControlPath=")) return word.substr(12);
        }
        return std::string();
    };
    REQUIRE(ssh.read());
    struct stat status {};
    REQUIRE(::stat((ssh.directory.path() / "ssh").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0700);
    const auto first = path();
    CHECK(first.starts_with((ssh.directory.path() / "ssh/").string()));
    REQUIRE(ssh.read());
    CHECK(path() == first);
    ssh.target.ssh.user = "other";
    REQUIRE(ssh.read());
    CHECK(path() != first);

    // Only what is there is ended.
    REQUIRE(ssh.files.create(first, "", {}));
    const auto before = ssh.runner.commands.size();
    test::run(ssh.io, ssh.clock, ssh.hosts.close());
    REQUIRE(ssh.runner.commands.size() == before + 1);
    CHECK(ssh.runner.commands.back().argv.at(1) == "-O");
    CHECK(ssh.runner.commands.back().argv.at(2) == "exit");
    CHECK(ssh.has_option("ControlPath=" + first));
    CHECK(ssh.runner.commands.back().argv.back() == "web1.internal");
}

TEST_CASE("without a directory for sockets every request makes a connection of its own") {
    const auto kept = [](Ssh& ssh, const Path& sockets) {
        SshHosts hosts(ssh.clock, ssh.workers, ssh.files, ssh.runner, sockets);
        ssh.say("ok\nmissing");
        REQUIRE(test::run(ssh.io, ssh.clock, hosts.open(ssh.target, "web1:2222", ssh.delivery())->read("/x")));
        return !ssh.has_option("ControlPath=none");
    };
    Ssh ssh;
    CHECK(kept(ssh, ssh.directory.path() / "fine"));
    CHECK_FALSE(kept(ssh, {}));
    CHECK_FALSE(kept(ssh, ssh.directory.path() / std::string(90, 'x')));
    const Path open = ssh.directory.path() / "open";
    REQUIRE(::mkdir(open.c_str(), 0755) == 0);
    CHECK_FALSE(kept(ssh, open));
}

TEST_CASE("a file is read with the attributes it has over there, and one that is not there is none") {
    Ssh ssh;
    ssh.say(file_body("a\nend T\nb\n"));
    const auto file = ssh.read();
    REQUIRE(file);
    REQUIRE(*file);
    CHECK((*file)->path == "/tls/key.pem");
    CHECK((*file)->content == "a\nend T\nb\n");
    CHECK((*file)->attributes.mode == 0640);
    CHECK((*file)->attributes.owner == 0);
    CHECK((*file)->attributes.group == 33);
    CHECK(ssh.request() == "certd-host 1 T read\npath /tls/key.pem\nend\n");
    ssh.say("ok\nmissing");
    CHECK_FALSE(ssh.read().value());
    ssh.runner.answer = [](const std::string& token) {
        return exited(0, fmt::format("motd\nWarning: x\ncertd-host 1 {0} ok\nmissing\nend {0}\nssh: bye\n", token));
    };
    CHECK_FALSE(ssh.read().value());
}

TEST_CASE("content goes by stdin, and owners by the names that the target gives them") {
    Ssh ssh;
    ssh.say("ok");
    const InstalledFile named{"/tls/key.pem", "SECRET\n", {0640, 0, 4711}, "root", "ssl-cert"};
    const InstalledFile key{"/tls/key.pem", "SECRET\n", {0640, 0, 4711}}, other{"/tls/x", "", {0644, {}, 12}};
    REQUIRE(ssh.install({named, other}));
    CHECK(ssh.request() ==
          fmt::format("certd-host 1 T install\nlineage example.com\ntarget web\nversion 7\n"
                      "file 0640 root ssl-cert 7 {} /tls/key.pem\nSECRET\n\nfile 0644 - 12 0 {} /tls/x\n\nend\n",
                      sha256_hex("SECRET\n"), sha256_hex("")));
    for (const auto& word : ssh.runner.commands.back().argv)
        CHECK(word.find("SECRET") == std::string::npos);
    REQUIRE(test::run(ssh.io, ssh.clock, ssh.host()->put_back({key})));
    CHECK(ssh.request().find("certd-host 1 T put-back\n") == 0);
    CHECK(ssh.request().find("file 0640 0 4711 7 ") != std::string::npos);
    REQUIRE(test::run(ssh.io, ssh.clock, ssh.host()->remove("/tls/key.pem")));
    CHECK(ssh.request() ==
          "certd-host 1 T remove\nlineage example.com\ntarget web\nversion 7\npath /tls/key.pem\nend\n");
    REQUIRE(
        test::run(ssh.io, ssh.clock, ssh.hosts.open(ssh.target, "web1:2222", {"a", {"web"}, {3}, true})->install({})));
    CHECK(ssh.request() == "certd-host 1 T install\nlineage a\ntarget web\nversion 3\nbackwards yes\nend\n");
}

TEST_CASE("a command is sent word by word, with what a hook is told and nothing else") {
    Ssh ssh;
    ssh.say("ok\nexit 3\noutput 4\nbad\n");
    Command command = command_of({"nginx", "-t"});
    command.environment.push_back("CERTD_EVENT=deploy");
    command.environment.push_back("RENEWED_DOMAINS=a b");
    command.input = "{}\n";
    command.timeout = milliseconds(1500);
    const auto ran = ssh.run(command);
    REQUIRE(ran);
    CHECK(ran->exit_code == 3);
    CHECK(ran->output == "bad\n");
    CHECK_FALSE(ran->ok());
    CHECK(ssh.request() ==
          "certd-host 1 T run\ntimeout 2\nenv CERTD_EVENT=deploy\nenv RENEWED_DOMAINS=a b\ninput 3\n{}\n\n"
          "word nginx\nword -t\nend\n");
    ssh.say("ok\nexit timeout\noutput 0\n");
    CHECK(ssh.run(command)->timed_out);
    ssh.say("ok\nexit held\noutput 0\n");
    CHECK(ssh.run(command)->timed_out);
    ssh.say("ok\nexit 137\noutput 0\n");
    CHECK(ssh.run(command)->signal == 9);
    const auto before = ssh.runner.commands.size();
    command.user = "www-data";
    CHECK(code_of(ssh.run(command)) == "host.refused");
    CHECK(code_of(ssh.run(command_of({"a\nend"}))) == "host.refused");
    CHECK(code_of(ssh.read("/tls/\nend")) == "host.refused");
    CHECK(ssh.runner.commands.size() == before);
}

TEST_CASE("what the host says no to becomes a problem with its words") {
    struct Case {
        const char *answer, *code, *words;
    };
    const auto [answer, code, words] =
        GENERATE(Case{"refused host.conf does not name /x", "host.refused", "host.conf does not name /x"},
                 Case{"stale 8", "host.stale", "8"}, Case{"unsupported 2", "host.protocol", "2"},
                 Case{"failed /x: dd: error writing: No space left on device", "storage.full",
                      "/x: dd: error writing: No space left on device"},
                 Case{"failed /x: Disk quota exceeded", "storage.full", "/x: Disk quota exceeded"},
                 Case{"failed /x: Read-only file system", "storage.readOnly", "/x: Read-only file system"},
                 Case{"failed /x: cannot create /x: Permission denied", "storage.permission",
                      "/x: cannot create /x: Permission denied"},
                 Case{"failed chown: changing ownership: Operation not permitted", "storage.permission",
                      "chown: changing ownership: Operation not permitted"},
                 Case{"failed /x: No such file or directory", "storage.missing", "/x: No such file or directory"},
                 Case{"failed chown: invalid user: 'x'", "deploy.install", "chown: invalid user: 'x'"},
                 Case{"failed /x: the content arrived damaged", "storage.io", "/x: the content arrived damaged"});
    Ssh ssh;
    ssh.say(answer);
    const Problem said = ssh.install_problem();
    CHECK(said.code == code);
    CHECK(said.remote == words);
    CHECK(said.what.find("web1:2222") != std::string::npos);
    CHECK_FALSE(said.hint.empty());
}

TEST_CASE("ssh's own words tell why there was no answer") {
    struct Case {
        int exit_code;
        const char *words, *code;
    };
    const auto [exit_code, words, code] = GENERATE(
        Case{255, "ssh: connect to host web1 port 22: Connection refused", "host.unreachable"},
        Case{255, "ssh: connect to host web1 port 22: Connection timed out", "host.unreachable"},
        Case{255, "ssh: Could not resolve hostname web1: Name or service not known", "host.unreachable"},
        Case{255, "kex_exchange_identification: read: Connection reset by peer", "host.unreachable"},
        Case{255, "", "host.unreachable"},
        Case{255,
             "No ED25519 host key is known for web1 and you have requested strict checking.\r\n"
             "Host key verification failed.\r\n",
             "host.key"},
        Case{255, "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r\nHost key verification failed.",
             "host.key"},
        Case{255, "deploy@web1: Permission denied (publickey).", "host.denied"},
        Case{255, "Load key \"/etc/certd/id\": error in libcrypto\r\nPermission denied (publickey).", "host.denied"},
        Case{255, "Received disconnect from web1: 2: Too many authentication failures", "host.denied"},
        Case{127, "bash: line 1: /usr/lib/certd/certd-host: No such file or directory", "host.protocol"},
        Case{1, "sudo: a password is required", "host.protocol"}, Case{0, "", "host.protocol"});
    Ssh ssh;
    ssh.say_raw(exit_code, words);
    const Problem said = ssh.install_problem();
    CHECK(said.code == code);
    CHECK(said.remote == trim(words));
    CHECK(said.what.find("web1:2222") != std::string::npos);
}

TEST_CASE("a host that is slow, and a machine without ssh, say so") {
    Ssh ssh;
    ssh.runner.answer = [](const std::string&) {
        ProcessResult result;
        result.timed_out = true;
        return result;
    };
    CHECK(ssh.install_problem().code == "host.unreachable");
    CHECK(ssh.install_problem().what == "Installing the files: web1:2222 did not answer within 18s");
    ssh.runner.missing = true;
    CHECK(ssh.install_problem().code == "process.notFound");
    CHECK(ssh.install_problem().hint.find("openssh-client") != std::string::npos);
}

TEST_CASE("an answer that is not whole, or not of the form expected, counts as none") {
    Ssh ssh;
    const auto check = [&](const std::string& text) {
        CAPTURE(text);
        ssh.runner.answer = [text](const std::string& token) {
            std::string output = text;
            for (auto at = output.find('T'); at != std::string::npos; at = output.find('T', at))
                output.replace(at, 1, token);
            return exited(0, output);
        };
        CHECK(code_of(ssh.read()) == "host.protocol");
        CHECK(code_of(ssh.run(command_of({"a"}))) == "host.protocol");
    };
    for (const char* text :
         {"certd-host 1 00 ok\nmissing\nend 00\n", "certd-host 1 T ok\nmissing\n", "certd-host 1 T ok\nmissing\nend T",
          "certd-host 1 T ok", "certd-host 1 T \nend T\n", "certd-host 1 T fine\nmissing\nend T\n",
          "x certd-host 1 T ok\nmissing\nend T\n", "certd-host 1 T ok\nmissing\nmore\nend T\n",
          "certd-host 1 T ok\nend T\n", "certd-host 1 T ok\n\nend T\n", "certd-host 2 T ok\nmissing\nend T\n",
          "certd-host 1 T okay\nmissing\nend T\n", "certd-host 1 T ok\nmissingend T\n"})
        check(text);
    const std::string digest = sha256_hex("abc");
    for (const char* head : {"file 644 0 0 4 {}\nabc\n", "file 644 0 0 2 {}\nabc\n", "file 644 0 0 -3 {}\nabc\n",
                             "file 844 0 0 3 {}\nabc\n", "file 644 -1 0 3 {}\nabc\n",
                             "file 644 0 99999999999 3 {}\nabc\n", "file 644 0 0 99999999999999999999 {}\nabc\n",
                             "file 644 0 0 4294967299 {}\nabc\n", "file 644 0 0 5000000 {}\nabc\n",
                             "file 77777 0 0 3 {}\nabc\n", "file 644 0 0 3 {}\nabd\n", "file 644 0 0 3 {} x\nabc\n",
                             "file 644 0 0 3 {}\nabc\nabc\n", "file  0 0 3 {}\nabc\n", "file 644 0 0 3 00{}\nabc\n"})
        check("certd-host 1 T ok\n" + fmt::format(fmt::runtime(head), digest) + "end T\n");
    for (const char* body : {"exit 256\noutput 0\n\n", "exit -1\noutput 0\n\n", "exit\noutput 0\n\n", "exit 0\n",
                             "exit 0\noutput 9\nabc\n", "exit 0\noutput -1\nabc\n", "exit 0\noutput 99999999\nabc\n",
                             "exit 0 0\noutput 3\nabc\n", "output 3\nabc\nexit 0\n", "exit 0\noutput 3\nabcd\n"})
        check(std::string("certd-host 1 T ok\n") + body + "end T\n");
    check(std::string(100000, '\0'));
    check("\x1b]0;x\x07\xff\xfe");
}

TEST_CASE("an address of a port only is that port of the host") {
    const auto target = Ssh::target_of();
    CHECK(address_at(target.hosts[0], ":443") == "web1.internal:443");
    CHECK(address_at(target.hosts[1], ":8443") == "[2001:db8::7]:8443");
    CHECK(address_at(target.hosts[1], "lb.example.com:443") == "lb.example.com:443");
}

TEST_CASE("a host that the target does not have is none") {
    Ssh ssh;
    CHECK_THROWS_AS(ssh.hosts.open(ssh.target, "web2", ssh.delivery()), Failure);
}
