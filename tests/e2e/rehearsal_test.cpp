// Rehearsals (--dry-run of renew and deploy): the services' own tests see the new files, nobody else does, and what
// must not be touched is watched meanwhile.
#include "tests/e2e/world.hpp"
#include "tests/support/server.hpp"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <map>
#include <utility>

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace certd::test;

namespace {

namespace fs = std::filesystem;

// What the kernel tells of changes in directories; certd's own notes on lineages and logs of servers are not of
// interest.
class Watch {
   public:
    explicit Watch(const std::vector<fs::path>& directories) : fd_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
        for (const fs::path& directory : directories) {
            const int id = ::inotify_add_watch(fd_, directory.c_str(),
                                               IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE |
                                                   IN_MOVE | IN_DELETE_SELF | IN_MOVE_SELF);
            REQUIRE(id >= 0);
            names_[id] = directory.string();
            remember(directory);
            for (const auto& entry : fs::directory_iterator(directory))
                remember(entry.path());
        }
    }
    ~Watch() { ::close(fd_); }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    // Empty: nothing.
    std::string changes() {
        std::string found;
        alignas(inotify_event) std::array<char, 16384> buffer{};
        for (ssize_t got = 0; (got = ::read(fd_, buffer.data(), buffer.size())) > 0;) {
            for (ssize_t at = 0; at < got;) {
                const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
                const std::string name = event->len > 0 ? event->name : "";
                if (!name.ends_with(".log"))
                    found += fmt::format("{}/{} (event {:x})\n", names_[event->wd], name, event->mask);
                at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
            }
        }
        for (const auto& [path, facts] : before_) {
            if (!path.ends_with(".log") && facts_of(path) != facts) found += path + " has changed\n";
        }
        return found;
    }

   private:
    static std::string facts_of(const std::string& path) {
        struct stat it {};
        if (::lstat(path.c_str(), &it) != 0) return "gone";
        return fmt::format("{} {:o} {}:{} {} {}.{} {}.{} {}", it.st_ino, it.st_mode, it.st_uid, it.st_gid, it.st_size,
                           it.st_mtim.tv_sec, it.st_mtim.tv_nsec, it.st_ctim.tv_sec, it.st_ctim.tv_nsec,
                           S_ISREG(it.st_mode) ? read_file(path) : "");
    }
    void remember(const fs::path& path) { before_[path.string()] = facts_of(path.string()); }

    int fd_;
    std::map<int, std::string> names_;
    std::map<std::string, std::string> before_;
};

std::vector<fs::path> production(const World& world, std::vector<fs::path> more = {}) {
    more.push_back(world.nginx.fullchain().parent_path());
    more.push_back(world.certd.state_directory() / "live");
    more.push_back(world.certd.state_directory() / "lineages/shop/versions");
    return more;
}

// The target web, but with other files.
std::string with_install(const World& world, const std::string& items, Sample sample = {}) {
    std::string text = world.configuration(sample);
    const auto begin = text.find("    install:\n") + std::string("    install:\n").size();
    return text.replace(begin, text.find("    test:") - begin, items);
}

// What certd does by itself would be taken for a rehearsal's doing.
void hold(const World& world) {
    REQUIRE(world.certd.ctl({"pause", "shop"}).exit_code == 0);
}

void take_over(World& world, const std::string& configuration) {
    world.certd.configure(configuration);
    const Output reloaded = world.certd.ctl({"reload"});
    INFO(reloaded.both());
    REQUIRE(reloaded.exit_code == 0);
}

bool says(const Output& output, const std::string& text) {
    return output.both().find(text) != std::string::npos;
}

// Whose command line names the text.
bool any_process(const std::string& text) {
    for (const auto& entry : fs::directory_iterator("/proc")) {
        if (read_file(entry.path() / "cmdline").find(text) != std::string::npos) return true;
    }
    return false;
}

// A target that has a test and nothing else, so that certd needs no rights for it.
std::string only_test(const fs::path& directory, const std::string& script) {
    return fmt::format(
        "  plain: {{ install: [{{ part: fullchain, path: {0}/chain.pem }}, {{ part: privkey, path: {0}/key.pem }}], "
        "test: {{ shell: \"{1}\" }}, command_timeout: 20s }}",
        directory.string(), script);
}

}  // namespace

TEST_CASE(
    "a rehearsal finds, before anything is touched, that nginx would refuse the new certificate with the old key") {
    World world;
    world.issue_first();
    hold(world);
    const std::string served = world.nginx.served("a.example.test");
    const std::string half =
        fmt::format("      - {{ part: fullchain, path: {}, mode: \"0644\" }}\n", world.nginx.fullchain().string());
    take_over(world, with_install(world, half));

    Watch watch(production(world));
    const Output renewed = world.certd.ctl({"renew", "shop", "--dry-run"});
    INFO(renewed.both());
    CHECK(renewed.exit_code == 1);
    CHECK(says(renewed, "key values mismatch"));
    CHECK(says(renewed, "The test command of web, rehearsed with the new files,"));
    CHECK(watch.changes() == "");

    // A version that is pending, because its deployment has failed.
    REQUIRE(world.certd.ctl({"resume", "shop"}).exit_code == 0);
    REQUIRE(world.certd.ctl({"renew", "shop", "--force"}).exit_code == 1);
    hold(world);
    REQUIRE(world.certd.version("shop") == 1);
    Watch again(production(world));
    const Output pending = world.certd.ctl({"deploy", "shop", "--dry-run"});
    INFO(pending.both());
    CHECK(pending.exit_code == 1);
    CHECK(says(pending, "key values mismatch"));
    CHECK(again.changes() == "");

    take_over(world, world.configuration());
    Watch last(production(world));
    const Output good = world.certd.ctl({"deploy", "shop", "--dry-run", "--target", "web"});
    INFO(good.both() << world.certd.log());
    CHECK(good.exit_code == 0);
    CHECK(says(good,
               "Version 2: its deployment was rehearsed, nothing was changed; web: install, test (not rehearsed: "
               "reload, verify)"));
    CHECK(world.certd.ctl({"renew", "shop", "--dry-run"}).exit_code == 0);
    CHECK(last.changes() == "");
    CHECK(world.nginx.served("a.example.test") == served);

    world.nginx.break_configuration();
    const Output broken = world.certd.ctl({"deploy", "shop", "--dry-run"});
    CHECK(broken.exit_code == 1);
    CHECK(says(broken, "unknown directive"));
    world.nginx.mend_configuration();
    const certd::Json result = world.certd.json({"deploy", "shop", "--dry-run", "--no-wait"});
    CHECK(result["result"]["job"].number());
    REQUIRE(eventually(10s, [&] { return world.certd.ctl({"deploy", "shop"}).exit_code == 0; }));
    CHECK(world.certd.version("shop") == 2);
    CHECK(world.served_is_live());
    CHECK(last.changes().find("fullchain.pem") != std::string::npos);  // in earnest the watch sees it
}

TEST_CASE("a rehearsal finds that haproxy would refuse a file without a key, and lets the right one pass") {
    World world;
    fs::permissions(world.directory(), fs::perms::others_exec | fs::perms::group_exec, fs::perm_options::add);
    const Server server(ServerKind::haproxy, world.directory() / "server");
    const auto configuration = [&](const std::string& part) {
        std::string target = server.target();
        target.erase(target.find("-q, "), 4);  // it is to say why
        const auto at = target.find("part: combined");
        REQUIRE(at != std::string::npos);
        return world.configuration(
            {.targets = "[server]", .more_targets = "  server: " + target.replace(at, 14, "part: " + part)});
    };
    world.certd.configure(configuration("combined"));
    world.certd.start();
    REQUIRE(world.certd.ctl({"renew", "shop"}).exit_code == 0);
    hold(world);

    take_over(world, configuration("fullchain"));
    Watch watch(production(world, {world.directory() / "server"}));
    for (const char* verb : {"renew", "deploy"}) {
        const Output refused = world.certd.ctl({verb, "shop", "--dry-run"});
        INFO(refused.both());
        CHECK(refused.exit_code == 1);
        CHECK(says(refused, "No Private Key found"));
    }
    take_over(world, configuration("combined"));
    for (const char* verb : {"renew", "deploy"}) {
        const Output passed = world.certd.ctl({verb, "shop", "--dry-run"});
        INFO(passed.both());
        CHECK(passed.exit_code == 0);
    }
    CHECK(watch.changes() == "");
}

TEST_CASE("a first deployment is rehearsed: new files, files behind symlinks, and live") {
    World world;
    world.issue_first();
    hold(world);
    const fs::path tls = world.directory() / "tls", keys = world.directory() / "keys";
    fs::create_directory(tls);
    fs::create_directory(keys);
    fs::create_symlink(keys / "shop.pem", tls / "privkey.pem");
    const std::string live = (world.certd.state_directory() / "live/shop").string();
    write_file(tls / "nginx.conf",
               fmt::format("pid nginx.pid; error_log stderr; events {{}} http {{ access_log off;\n"
                           "server {{ listen 127.0.0.1:{0} ssl; ssl_certificate {1}/chain.pem; ssl_certificate_key "
                           "{1}/privkey.pem; }}\n"
                           "server {{ listen 127.0.0.1:{0} ssl; ssl_certificate {2}/fullchain.pem; ssl_certificate_key "
                           "{1}/privkey.pem; }} }}\n",
                           free_port(), tls.string(), live));
    const std::string target = fmt::format(
        "  first:\n    install:\n      - {{ part: fullchain, path: {0}/chain.pem }}\n"
        "      - {{ part: privkey, path: {0}/privkey.pem, mode: \"0640\" }}\n    test: [{1}, -t, -q, -e, stderr, -p, "
        "{0}, "
        "-c, nginx.conf]\n"
        "    rehearse: {{ shell: \"{1} -t -q -e stderr -p {0} -c nginx.conf && stat -Lc 'mode %a' {0}/privkey.pem && "
        "echo $CERTD_REHEARSAL >$CERTD_SHADOW/x && echo real >{0}/written && false\" }}",
        tls.string(), program("nginx"));
    take_over(world, world.configuration({.targets = "[web, first]", .more_targets = target}));
    Watch watch(production(world, {tls, keys}));
    const Output spoken = world.certd.ctl({"renew", "shop", "--dry-run"});
    INFO(spoken.both());
    CHECK(spoken.exit_code == 1);
    CHECK(says(spoken, "mode 640"));
    std::string plain = target;
    plain.erase(plain.find("    rehearse:"));
    take_over(world, world.configuration({.targets = "[web, first]", .more_targets = plain}));
    const Output rehearsed = world.certd.ctl({"renew", "shop", "--dry-run"});
    INFO(rehearsed.both());
    CHECK(rehearsed.exit_code == 0);
    CHECK(says(rehearsed, "first: install, test"));
    CHECK(watch.changes() == "");
    CHECK_FALSE(fs::exists(keys / "shop.pem"));
}

TEST_CASE("a test that hangs in a rehearsal is killed, and a killed certd leaves nothing of one behind") {
    World world;
    world.issue_first();
    hold(world);
    const fs::path place = world.directory() / "place", marks = world.directory() / "marks";
    fs::create_directory(place);
    fs::create_directory(marks);
    const std::string script = (marks / "hang").string();
    write_file(
        script,
        fmt::format("#!/bin/sh\ncat {0}/key.pem >/dev/null && echo >{1}/started\nsh -c 'sleep 1000; : {1}' & wait\n",
                    place.string(), marks.string()));
    fs::permissions(script, fs::perms::owner_all);
    const auto configuration = [&](const std::string& limit) {
        std::string target = only_test(place, script);
        return world.configuration(
            {.targets = "[web, plain]", .more_targets = target.replace(target.find("20s"), 3, limit)});
    };
    take_over(world, configuration("1s"));
    const Output hung = world.certd.ctl({"deploy", "shop", "--dry-run"});
    INFO(hung.both());
    CHECK(hung.exit_code == 1);
    CHECK(says(hung, "did not end within 1s and was killed"));
    CHECK(fs::exists(marks / "started"));
    CHECK_FALSE(any_process(marks.string()));

    take_over(world, configuration("1000s"));
    fs::remove(marks / "started");
    Watch watch(production(world, {place}));
    Child ctl({certctl_program(), "--socket", world.certd.socket(), "renew", "shop", "--dry-run"}, {});
    REQUIRE(eventually(30s, [&] { return fs::exists(marks / "started"); }));
    CHECK(any_process(script));
    world.certd.kill();
    CHECK(eventually(5s, [&] { return !any_process(marks.string()); }));
    world.certd.start();
    CHECK(watch.changes() == "");
    CHECK_FALSE(fs::exists(world.certd.state_directory() / "rehearsal"));
    CHECK(read_file("/proc/self/mountinfo").find(world.directory().string()) == std::string::npos);
    CHECK(world.certd.version("shop") == 1);
}

TEST_CASE(
    "certd rehearses with the capabilities of its unit, without root, and says where the system does not let it") {
    World world;
    fs::permissions(world.directory(), fs::perms::others_exec | fs::perms::group_exec, fs::perm_options::add);
    const fs::path place = world.directory() / "place";
    fs::create_directory(place);
    // Fails with the production files, which are not there.
    const std::string target =
        only_test(place, fmt::format("cat {0}/chain.pem {0}/key.pem >/dev/null", place.string()));
    std::string configuration = world.configuration({.targets = "[plain]", .more_targets = target});
    // Nothing is issued in earnest meanwhile.
    configuration.replace(configuration.find("cas: [pebble]"), 13, "cas: [away]");
    configuration.replace(configuration.find("cas:\n"), 5,
                          "cas:\n  away: { directory: \"https://127.0.0.1:1/dir\", agree_tos: true }\n");
    const auto rehearse = [&](std::vector<std::string> wrapper, ChildOptions options = {}) {
        world.certd.configure(configuration);
        world.certd.launch(std::move(options), std::move(wrapper));
        REQUIRE(world.certd.wait_ready());
        Output output;
        CHECK(eventually(20s, [&] {
            output = world.certd.ctl({"renew", "shop", "--dry-run"});
            return !says(output, "is running");
        }));
        world.certd.terminate();
        return output;
    };

    std::string unit = read_file(fs::path(CERTD_SOURCE_DIR) / "contrib/systemd/certd.service");
    unit = unit.substr(unit.find("CapabilityBoundingSet=") + 22);
    std::string bounds = "-all";
    for (std::string rest = unit.substr(0, unit.find('\n')) + " "; !rest.empty();
         rest = rest.substr(rest.find(' ') + 1)) {
        std::string name = rest.substr(4, rest.find(' ') - 4);
        for (char& c : name)
            c = static_cast<char>(std::tolower(c));
        bounds += ",+" + name;
    }
    const Output as_unit =
        rehearse({program("setpriv"), "--no-new-privs", "--inh-caps", "-all", "--bounding-set", bounds});
    INFO(as_unit.both());
    CHECK(as_unit.exit_code == 0);
    CHECK(says(as_unit, "plain: install, test"));

    const std::string without =
        "echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv --inh-caps -all "
        "--bounding-set -sys_admin \"$@\"";
    const Output refused = rehearse({program("unshare"), "-Ur", "/bin/sh", "-c", without, "sh"});
    INFO(refused.both());
    CHECK(refused.exit_code == 1);
    CHECK(says(refused, "so nothing is known about it"));
    CHECK(says(refused, "The test of plain was not rehearsed"));

    for (const auto& entry : fs::recursive_directory_iterator(world.certd.directory()))
        REQUIRE(::lchown(entry.path().c_str(), 65534, 65534) == 0);
    REQUIRE(::chown(world.certd.directory().c_str(), 65534, 65534) == 0);
    REQUIRE(::chown(place.c_str(), 65534, 65534) == 0);
    const Output as_nobody = rehearse({}, ChildOptions{{}, {}, uid_t{65534}, {}, {}});
    INFO(as_nobody.both() << world.certd.log());
    CHECK(as_nobody.exit_code == 0);
    CHECK(fs::is_empty(place));
}
