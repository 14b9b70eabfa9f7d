// contrib/host/certd-host run as it is, by each shell there is: what it does, and all that it does not do.
#include "libacme/async/process.hpp"
#include "libacme/crypto/digest.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/temp_directory.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <set>

#include <sys/stat.h>
#include <unistd.h>

using namespace certd;
using namespace certd::test;

namespace fs = std::filesystem;

namespace {

using Shell = std::vector<std::string>;

std::vector<Shell> shells() {
    std::vector<Shell> found;
    if (fs::exists("/bin/dash")) found.push_back({"/bin/dash"});
    if (fs::exists("/bin/busybox")) found.push_back({"/bin/busybox", "sh"});
    if (found.empty()) found.push_back({"/bin/sh"});
    return found;
}

// A machine with certd-host: a directory it may write, and what its configuration allows.
struct Machine {
    explicit Machine(Shell by) : shell(std::move(by)) {
        fs::create_directory(directory.path() / "tls");
        fs::create_directory(directory.path() / "private");
        configure(fmt::format("path {0}/tls/\npath {0}/one.pem\nstate {0}/state\n", root()));
        write("private/secret", "secret");
    }

    std::string root() const { return directory.path().string(); }
    std::string path(const std::string& name) const { return (directory.path() / name).string(); }
    void write(const std::string& name, const std::string& text) const {
        std::ofstream(path(name), std::ios::binary) << text;
    }
    std::string content(const std::string& name) const {
        std::ifstream file(path(name), std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    void configure(const std::string& text) const {
        write("host.conf", text);
        ::chmod(path("host.conf").c_str(), 0644);
    }
    void allow(const std::string& line) const { configure(content("host.conf") + line + "\n"); }

    std::set<std::string> names(const std::string& name = "tls") const {
        std::set<std::string> all;
        for (const auto& entry : fs::directory_iterator(path(name)))
            all.insert(entry.path().filename().string());
        return all;
    }

    std::string run(std::vector<std::string> argv, std::string input) const {
        SystemClock clock;
        RealProcessRunner runner(clock);
        Command command;
        command.argv = std::move(argv);
        command.environment = base_environment();
        command.environment.push_back("SSH_ORIGINAL_COMMAND=touch " + path("tls/original"));
        command.input = std::move(input);
        return run_task(runner.run(std::move(command))).output;
    }
    std::string ask_raw(std::string request) const {
        auto argv = shell;
        argv.insert(argv.end(), {CERTD_SOURCE_DIR "/contrib/host/certd-host", path("host.conf")});
        return run(std::move(argv), std::move(request));
    }
    // The answer without its frame; "…" where there is none.
    std::string ask(const std::string& verb, const std::string& lines) const {
        const std::string token = "00c0ffee", begin = "certd-host 1 " + token + " ", end = "end " + token + "\n";
        const auto answer = ask_raw("certd-host 1 " + token + " " + verb + "\n" + lines + "end\n");
        if (!answer.starts_with(begin) || !answer.ends_with(end)) return "…" + answer;
        return answer.substr(begin.size(), answer.size() - begin.size() - end.size());
    }

    static std::string file(const std::string& path, const std::string& content, const std::string& how = "0640 - -") {
        return fmt::format("file {} {} {} {}\n{}\n", how, content.size(), sha256_hex(content), path, content);
    }
    static std::string version(int number) {
        return fmt::format("lineage example.com\ntarget web\nversion {}\n", number);
    }
    std::string install(int number, const std::string& content) const {
        return ask("install", version(number) + file(path("tls/f"), content));
    }
    std::string run_script(const std::string& text) const {
        write("script", "#!/bin/sh\n" + text);
        ::chmod(path("script").c_str(), 0755);
        allow("command " + path("script"));
        return ask("run", "timeout 1\nword " + path("script") + "\n");
    }

    Shell shell;
    TempDirectory directory;
};

}  // namespace

TEST_CASE("certd-host says whether it would install files and run commands, and does neither") {
    for (const auto& shell : shells()) {
        const Machine machine(shell);
        machine.allow("command nginx -t");
        const auto check = [&](const std::string& place, const std::string& command = "command nginx -t\n") {
            return machine.ask("check", fmt::format("place {}\n{}", place, command));
        };
        CHECK(check("1700 " + machine.path("tls/new.pem")) == "ok \n");
        CHECK(check("1700 " + machine.path("tls/new.pem"), "") == "ok \n");
        CHECK(check("1700 " + machine.path("tls/none/new.pem")) ==
              fmt::format("failed {}: No such file or directory\n", machine.path("tls/none/new.pem")));
        CHECK(check("1700 " + machine.path("private/new.pem")).starts_with("refused "));
        CHECK(check("99999999 " + machine.path("tls/new.pem")).starts_with("refused "));
        CHECK(check("1700 " + machine.path("tls/new.pem"), "command nginx -t\ncommand nginx -s stop\n") ==
              fmt::format("refused {} does not name the command nginx -s stop\n", machine.path("host.conf")));
        CHECK(machine.ask("hello", "place 1 " + machine.path("tls/new.pem") + "\n") ==
              "refused hello takes no place\n");
        CHECK(machine.names().empty());
        CHECK_FALSE(fs::exists(machine.path("state")));
    }
}

TEST_CASE("certd-host installs files with their mode and reads them back") {
    const Machine machine(GENERATE(from_range(shells())));
    machine.write("tls/old", "before");
    const std::string binary = std::string("a\n'\"$(x)`\\\r\n\x01\xff") + std::string(70000, 'z') + "\n\n";
    CHECK(machine.ask("install", Machine::version(1) + Machine::file(machine.path("tls/old"), binary) +
                                     Machine::file(machine.path("tls/empty"), "", "0600 - -") +
                                     Machine::file(machine.path("one.pem"), "one", "0604 - -")) == "ok \n");
    CHECK(machine.content("tls/old") == binary);
    CHECK(machine.content("tls/empty").empty());
    CHECK(machine.names() == std::set<std::string>{"old", "empty"});
    struct stat status {};
    REQUIRE(::stat(machine.path("tls/old").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0640);
    CHECK(machine.ask("read", "path " + machine.path("one.pem") + "\n") ==
          fmt::format("ok\nfile 604 {} {} 3 {}\none\n", ::geteuid(), ::getegid(), sha256_hex("one")));
    CHECK(machine.ask("read", "path " + machine.path("tls/none") + "\n") == "ok\nmissing\n");
    CHECK(machine.ask("read", "path " + machine.path("tls/none/none") + "\n") == "ok\nmissing\n");
    CHECK(machine.ask("hello", "").starts_with("ok "));
}

TEST_CASE("certd-host gives files to their owner and group") {
    if (::geteuid() != 0) return;
    const Machine machine(GENERATE(from_range(shells())));
    for (const auto& [how, owner, group] :
         {std::tuple{"0640 root 4711", 0U, 4711U}, {"0640 - daemon", 0U, 1U}, {"0640 1 -", 1U, 0U}}) {
        CAPTURE(how);
        CHECK(machine.ask("install", Machine::version(1) + Machine::file(machine.path("tls/f"), "x", how)) == "ok \n");
        struct stat status {};
        REQUIRE(::stat(machine.path("tls/f").c_str(), &status) == 0);
        CHECK(status.st_uid == owner);
        CHECK(status.st_gid == group);
    }
    CHECK(machine.ask("install", Machine::version(1) + Machine::file(machine.path("tls/g"), "x", "0640 nobody-here -"))
              .find("invalid user") != std::string::npos);
    CHECK(machine.names() == std::set<std::string>{"f"});
}

TEST_CASE("certd-host renames nothing when one file cannot be written") {
    const Machine machine(GENERATE(from_range(shells())));
    machine.write("tls/a", "old");
    const auto good = Machine::version(2) + Machine::file(machine.path("tls/a"), "new");
    const auto check = [&](const std::string& lines, const std::string& answer) {
        CAPTURE(lines);
        const auto said = machine.ask("install", good + lines);
        CHECK(said.find(answer) != std::string::npos);
        CHECK(machine.content("tls/a") == "old");
        CHECK(machine.names() == std::set<std::string>{"a"});
    };
    const auto path = machine.path("tls/b");
    check(Machine::file(machine.path("tls/no/b"), "x"), "failed " + machine.path("tls/no/b") + ": No such file");
    check(fmt::format("file 0640 - - 1 {} {}\nx\n", sha256_hex("y"), path), "failed " + path + ": the content arrived");
    check(fmt::format("file 0640 - - 3 {} {}\nabcd\n", sha256_hex("abc"), path), "refused content is longer");
    check(fmt::format("file 0640 - - 9999999 {} {}\nx\n", sha256_hex("x"), path), "refused a number");
    check(fmt::format("file 0640 - - x {} {}\nx\n", sha256_hex("x"), path), "refused a number");
    check(Machine::file(path, "x", "4755 - -"), "refused a mode");
    check(Machine::file(path, "x", "640 - -"), "refused a mode");
    check(Machine::file(path, "x", "0640 -R -"), "refused an owner");
    check(Machine::file(path, "x", "0640 - a:b"), "refused an owner");
    check("nonsense\n", "refused a line of the request");
    check("word x\n" + std::string(70000, 'y') + "\n", "refused a line of the request is too long");
    std::string many;
    for (int i = 0; i < 33; ++i)
        many += Machine::file(machine.path("tls/m" + std::to_string(i)), "x");
    check(many, "refused there are more than 32 files");
}

TEST_CASE("certd-host touches no path that its configuration does not name") {
    const Machine machine(GENERATE(from_range(shells())));
    fs::create_directory_symlink(machine.path("private"), machine.path("tls/away"));
    fs::create_symlink(machine.path("private/secret"), machine.path("tls/link"));
    fs::create_directory(machine.path("tls/directory"));
    const auto root = machine.root();
    for (const auto& path :
         {root + "/private/secret", root + "/tls/../private/secret", root + "/tls/./x", root + "/tls//x",
          root + "/tls/", root + "/tls/..", root + "/tls/away/secret", root + "/tls/link", root + "/tls/directory",
          root + "/one.pem2", root + "/tlsx", std::string("/etc/passwd"), std::string("tls/x"), std::string(),
          root + "/tls/a b", root + "/tls/\x01", root + "/tls/\xc3\xa4", root + "/tls/" + std::string(2000, 'x')}) {
        CAPTURE(path);
        CHECK(machine.ask("read", "path " + path + "\n").starts_with("refused "));
        CHECK(machine.ask("install", Machine::version(1) + Machine::file(path, "evil")).starts_with("refused "));
        CHECK(machine.ask("remove", Machine::version(1) + "path " + path + "\n").starts_with("refused "));
    }
    CHECK(machine.content("private/secret") == "secret");
    CHECK(machine.names("private") == std::set<std::string>{"secret"});
    CHECK(machine.names() == std::set<std::string>{"away", "directory", "link"});
}

TEST_CASE("certd-host replaces what a symlink leads to, where that is allowed as well") {
    const Machine machine(GENERATE(from_range(shells())));
    fs::create_directory(machine.path("tls/real"));
    fs::create_symlink("real/f", machine.path("tls/f"));
    CHECK(machine.install(1, "new") == "ok \n");
    CHECK(machine.content("tls/real/f") == "new");
    CHECK(fs::is_symlink(machine.path("tls/f")));
    CHECK(machine.names("tls/real") == std::set<std::string>{"f"});
}

TEST_CASE("a stale version is never put over a newer one") {
    const Machine machine(GENERATE(from_range(shells())));
    CHECK(machine.install(7, "seven") == "ok \n");
    CHECK(machine.install(6, "six") == "stale 7\n");
    CHECK(machine.content("tls/f") == "seven");
    CHECK(machine.install(7, "seven again") == "ok \n");
    CHECK(machine.install(10, "ten") == "ok \n");
    CHECK(machine.install(9, "nine") == "stale 10\n");

    SECTION("the way back of the version that is there counts it out") {
        CHECK(machine.ask("put-back", Machine::version(9) + Machine::file(machine.path("tls/f"), "x")) == "stale 10\n");
        CHECK(machine.ask("put-back", Machine::version(10) + Machine::file(machine.path("tls/f"), "seven")) == "ok \n");
        CHECK(machine.content("tls/f") == "seven");
        CHECK(machine.install(6, "six") == "stale 7\n");
        CHECK(machine.install(9, "nine") == "ok \n");
    }
    SECTION("so does a removal, and a stale one removes nothing") {
        CHECK(machine.ask("remove", Machine::version(9) + "path " + machine.path("tls/f") + "\n") == "stale 10\n");
        CHECK(machine.content("tls/f") == "ten");
        CHECK(machine.ask("remove", Machine::version(10) + "path " + machine.path("tls/f") + "\n") == "ok \n");
        CHECK(machine.ask("remove", Machine::version(10) + "path " + machine.path("tls/f") + "\n") == "ok \n");
        CHECK_FALSE(fs::exists(machine.path("tls/f")));
        CHECK(machine.install(8, "eight") == "ok \n");
    }
    SECTION("an older one comes on purpose, and is then the one to beat") {
        const auto back = Machine::version(7) + "backwards yes\n";
        CHECK(machine.ask("install", back + Machine::file(machine.path("tls/f"), "seven")) == "ok \n");
        CHECK(machine.install(6, "six") == "stale 7\n");
        CHECK(machine.ask("put-back", back + Machine::file(machine.path("tls/f"), "ten")) == "ok \n");
        CHECK(machine.install(9, "nine") == "stale 10\n");
    }
    SECTION("another lineage or target is counted for itself") {
        CHECK(machine.ask("install", "lineage example.com\ntarget mail\nversion 1\n" +
                                         Machine::file(machine.path("tls/g"), "x")) == "ok \n");
    }
}

TEST_CASE("certd-host does not install what belongs to nobody") {
    const Machine machine(GENERATE(from_range(shells())));
    const auto file = Machine::file(machine.path("tls/f"), "x");
    for (const char* whose : {"", "lineage a\ntarget b\n", "lineage ../x\ntarget b\nversion 1\n",
                              "lineage a\ntarget B\nversion 1\n", "lineage a\ntarget b\nversion -1\n",
                              "lineage .a\ntarget b\nversion 1\n", "lineage a/b\ntarget b\nversion 1\n"}) {
        CAPTURE(whose);
        CHECK(machine.ask("install", whose + file).starts_with("refused "));
        CHECK(machine.names().empty());
    }
}

TEST_CASE("a request that breaks off changes nothing and leaves nothing") {
    const Machine machine(GENERATE(from_range(shells())));
    machine.write("tls/f", "old");
    const auto whole =
        "certd-host 1 ab install\n" + Machine::version(1) + Machine::file(machine.path("tls/f"), "new") + "end\n";
    for (std::size_t length : {std::size_t{0}, std::size_t{10}, std::size_t{60}, whole.size() - 100, whole.size() - 8,
                               whole.size() - 5, whole.size() - 4, whole.size() - 1}) {
        CAPTURE(length);
        CHECK(machine.ask_raw(whole.substr(0, length)).find(" ok") == std::string::npos);
        CHECK(machine.content("tls/f") == "old");
        CHECK(machine.names() == std::set<std::string>{"f"});
    }
}

TEST_CASE("what a killed request left is gone after the next one") {
    const Machine machine(GENERATE(from_range(shells())));
    machine.write("tls/f", "old");
    machine.write("half", "certd-host 1 ab install\n" + Machine::version(3) +
                              fmt::format("file 0640 - - 100 {} {}\nhalf", sha256_hex("x"), machine.path("tls/f")));
    const auto program =
        fmt::format("{} {}", fmt::join(machine.shell, " "), CERTD_SOURCE_DIR "/contrib/host/certd-host");
    machine.run({"/bin/sh", "-c",
                 fmt::format("cd {0}; mkfifo pipe; {1} {0}/host.conf <pipe & exec 3>pipe; cat half >&3; "
                             "until ls -A tls | grep -q new; do sleep 0.02; done; kill -9 $!; wait",
                             machine.root(), program)},
                "");
    CHECK(machine.content("tls/f") == "old");
    CHECK(machine.names().size() == 2);
    CHECK(machine.install(1, "new") == "ok \n");
    CHECK(machine.names() == std::set<std::string>{"f"});
    CHECK(machine.content("tls/f") == "new");
}

TEST_CASE("certd-host runs the commands that its configuration names, word by word, and no other") {
    const Machine machine(GENERATE(from_range(shells())));
    machine.allow("command printf %s|%s| a $(x)");
    machine.allow("command env");
    machine.allow("command cat");
    machine.allow("command false");
    const auto run = [&](const std::vector<std::string>& words, const std::string& before = "") {
        std::string lines = before;
        for (const auto& word : words)
            lines += "word " + word + "\n";
        return machine.ask("run", lines);
    };
    CHECK(run({"printf", "%s|%s|", "a", "$(x)"}) == "ok\nexit 0\noutput 7\na|$(x)|\n");
    CHECK(run({"false"}) == "ok\nexit 1\noutput 0\n\n");
    CHECK(run({"cat"}, "input 7\n{\"a\":1}\n") == "ok\nexit 0\noutput 8\n{\"a\":1}\n\n");
    const auto environment = run({"env"}, "env CERTD_EVENT=deploy a\nenv RENEWED_DOMAINS=a b\n");
    CHECK(environment.find("CERTD_EVENT=deploy a\n") != std::string::npos);
    CHECK(environment.find("RENEWED_DOMAINS=a b\n") != std::string::npos);
    CHECK(environment.find("SSH_ORIGINAL_COMMAND") == std::string::npos);
    for (const std::vector<std::string>& words : {std::vector<std::string>{"rm", "-rf", "/"},
                                                  {"printf"},
                                                  {"printf", "%s|%s| a $(x)"},
                                                  {"cat", "/etc/passwd"},
                                                  {"env", ""},
                                                  {"A=b", "env"},
                                                  {"cat\t"},
                                                  {"c\xc3\xa4t"},
                                                  {},
                                                  {"path"}}) {
        CAPTURE(fmt::format("{}", fmt::join(words, ",")));
        CHECK(run(words).starts_with("refused "));
    }
    for (const char* variable : {"env LD_PRELOAD=x\n", "env PATH=/tmp\n", "env CERTD_x=1\n", "env =1\n"})
        CHECK(run({"env"}, variable).starts_with("refused "));
    CHECK(run({"cat"}, "timeout 0\n").starts_with("refused "));
    CHECK(run({"cat"}, "timeout 99999\n").starts_with("refused "));
    CHECK(run({"cat"}, "timeout 010\n").starts_with("refused "));
}

TEST_CASE("a command on the far side that ignores SIGTERM ends in time") {
    const Machine machine(GENERATE(from_range(shells())));
    CHECK(machine.run_script("trap '' TERM\nsleep 30 & wait; sleep 30\n").starts_with("ok\nexit timeout\n"));
}

TEST_CASE("a command on the far side that leaves something behind is not waited for") {
    const Machine machine(GENERATE(from_range(shells())));
    CHECK(machine.run_script("echo started\nsleep 30 &\n") == "ok\nexit held\noutput 0\n\n");
}

TEST_CASE("of a loud command on the far side the end is kept") {
    const Machine machine(GENERATE(from_range(shells())));
    const auto loud = machine.run_script("head -c 5000000 /dev/zero | tr '\\0' x; echo the end\n");
    CHECK(loud.starts_with("ok\nexit 0\n"));
    CHECK(loud.size() < 40000);
    CHECK(loud.find("the end\n") != std::string::npos);
}

TEST_CASE("certd-host trusts its configuration only when nobody else can change it") {
    const Machine machine(GENERATE(from_range(shells())));
    for (const mode_t mode : {0666, 0620, 0602}) {
        ::chmod(machine.path("host.conf").c_str(), mode);
        CHECK(machine.ask("hello", "").find("can be changed by others") != std::string::npos);
    }
    ::chmod(machine.path("host.conf").c_str(), 0644);
    fs::create_directory(machine.path("state"));
    ::chmod(machine.path("state").c_str(), 0777);
    CHECK(machine.install(1, "x") == "refused " + machine.path("state") + " can be changed by others\n");
    CHECK(machine.names().empty());
    machine.configure("# a comment\n\npath /x\nshell yes\n");
    CHECK(machine.ask("hello", "").find("neither path, command nor state: shell yes") != std::string::npos);
    machine.configure("path relative\n");
    CHECK(machine.ask("hello", "").starts_with("refused "));
    fs::remove(machine.path("host.conf"));
    CHECK(machine.ask("hello", "").find("there is no ") != std::string::npos);
}

TEST_CASE("what is no request of certd's gets no more than that for an answer") {
    const Machine machine(GENERATE(from_range(shells())));
    for (const std::string request :
         {"GET / HTTP/1.0\r\n\r\n", "certd-host 1 $(x) hello\nend\n", "certd-host 1  hello\nend\n", "certd-host\n",
          "certd-host 1 0123456789abcdef0123456789abcdef0 hello\nend\n"}) {
        CAPTURE(request);
        CHECK(machine.ask_raw(request) == "certd-host 1 00 refused this is no request of certd\nend 00\n");
    }
    CHECK(machine.ask_raw("certd-host 2 ab hello\nend\n") == "certd-host 1 ab unsupported 1\nend ab\n");
    CHECK(machine.ask("shell", "") == "refused the verb of the request is unknown here\n");
    CHECK_FALSE(fs::exists(machine.path("tls/original")));
}
