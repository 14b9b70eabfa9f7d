// certbot's hook directories with scripts as its users have them, run by a real certd against a real CA.
#include "tests/e2e/world.hpp"

#include <fmt/format.h>

#include <sstream>

using namespace certd;
using namespace certd::test;

namespace {

// A tree of hooks that write down their environment, one line per run, in files named after them.
class Hooks {
   public:
    explicit Hooks(const std::filesystem::path& directory)
        : tree(directory / "renewal-hooks"), seen(directory / "seen") {
        std::filesystem::create_directory(seen);
        put("pre/10-stop-web", "#!/bin/sh\nset -eu\n" + note() + "touch " + (seen / "stopped").string() + "\n");
        put("deploy/10-haproxy",
            "#!/bin/sh\nset -eu\n" + note() +
                fmt::format(
                    "[ ! -e {0}/broken ] || {{ echo 'no space left on device' >&2; exit 7; }}\n"
                    "cat \"$RENEWED_LINEAGE/fullchain.pem\" \"$RENEWED_LINEAGE/privkey.pem\" > {0}/haproxy.pem\n",
                    seen.string()));
        // As many are: without a line that says what runs them.
        put("deploy/20-list", "for domain in $RENEWED_DOMAINS; do echo \"$domain\"; done > " +
                                  (seen / "domains").string() + "\numask >> " + (seen / "domains").string() + "\n");
        put("post/10-start-web", "#!/bin/bash\nset -eu\n" + note() + ": \"$RENEWED_DOMAINS\" \"$FAILED_DOMAINS\"\n" +
                                     "rm " + (seen / "stopped").string() + "\necho started\n");
        put("deploy/10-haproxy~", "#!/bin/sh\ntouch " + (seen / "backup-ran").string() + "\n");
        put("deploy/README", "These are run by certbot.\n");
        std::filesystem::permissions(tree / "deploy/README", std::filesystem::perms(0644));
    }
    void put(const std::string& name, const std::string& text) const {
        std::filesystem::create_directories((tree / name).parent_path());
        write_file(tree / name, text);
        std::filesystem::permissions(tree / name, std::filesystem::perms(0755));
    }
    std::string configuration() const {
        return fmt::format("    renewal_hooks: {{ directory: {}, timeout: 1m }}\n", tree.string());
    }
    // The environment of each run of a script: "RENEWED_DOMAINS=[a b] RENEWED_LINEAGE=[unset] …", a line each.
    std::string runs(const std::string& script) const { return read_file(seen / script); }
    std::size_t count(const std::string& script) const {
        const std::string all = runs(script);
        return static_cast<std::size_t>(std::count(all.begin(), all.end(), '\n'));
    }

    std::filesystem::path tree, seen;

   private:
    std::string note() const {
        return "echo \"domains=[${RENEWED_DOMAINS-unset}] failed=[${FAILED_DOMAINS-unset}] "
               "lineage=[${RENEWED_LINEAGE-unset}] notify=[${NOTIFY_SOCKET-unset}] in $(pwd)\" >> " +
               seen.string() + "/\"$(basename \"$0\")\"\n";
    }
};

}  // namespace

TEST_CASE("certbot's hook directories run unchanged, and certctl shows how each script ended") {
    World world;
    const Hooks hooks(world.directory());
    world.issue_first({.lineage_more = hooks.configuration()});
    const std::string live = world.certd.live("shop").string();
    REQUIRE(hooks.runs("10-stop-web") == "domains=[unset] failed=[unset] lineage=[unset] notify=[unset] in /\n");
    REQUIRE(hooks.runs("10-haproxy") ==
            fmt::format("domains=[a.example.test b.example.test] failed=[unset] lineage=[{}] "
                        "notify=[unset] in /\n",
                        live));
    REQUIRE(hooks.runs("10-start-web") ==
            "domains=[a.example.test b.example.test] failed=[] lineage=[unset] notify=[unset] in /\n");
    REQUIRE(read_file(hooks.seen / "haproxy.pem") == read_file(world.certd.live("shop") / "fullchain.pem") +
                                                         read_file(world.certd.live("shop") / "privkey.pem"));
    REQUIRE(read_file(hooks.seen / "domains") == "a.example.test\nb.example.test\n0022\n");
    REQUIRE_FALSE(std::filesystem::exists(hooks.seen / "stopped"));
    REQUIRE_FALSE(std::filesystem::exists(hooks.seen / "backup-ran"));

    // The certificate is served a moment before the job has recorded that.
    REQUIRE(world.certd.reaches("shop", "waiting"));
    const Json lineage = world.certd.lineage("shop");
    REQUIRE(lineage["hooks"].if_array());
    const Json::Array& runs = *lineage["hooks"].if_array();
    REQUIRE(runs.size() == 4);
    REQUIRE(runs[0].string_or("hook") == "pre");
    REQUIRE(runs[1].string_or("command") == (hooks.tree / "deploy/10-haproxy").string());
    REQUIRE(runs[2].string_or("command") == "/bin/sh " + (hooks.tree / "deploy/20-list").string());
    REQUIRE(runs[3].string_or("output") == "started");
    for (const Json& run : runs) {
        REQUIRE(run.int_or("exit_status", -1) == 0);
        REQUIRE(run.string_or("code").empty());
    }
    for (const char* command : {"status", "explain"}) {
        const Output shown = world.certd.ctl({command, "shop"});
        INFO(shown.both());
        REQUIRE(shown.out.find("Hooks\n") != std::string::npos);
        REQUIRE(shown.out.find("started") != std::string::npos);
        REQUIRE(shown.out.find("exit status 0 after") != std::string::npos);
    }
    REQUIRE(world.certd.ctl({"events", "--json"}).out.find("\"hook\":\"post\"") != std::string::npos);
    REQUIRE(lineage.string_or("served") == "yes");
}

TEST_CASE("a deploy script that fails is shown with its words and tried again without another order") {
    World world;
    const Hooks hooks(world.directory());
    world.issue_first({.lineage_more = hooks.configuration()});
    write_file(hooks.seen / "broken", "");
    const std::size_t orders = world.pebble.orders();
    const Output renewed = world.certd.ctl({"renew", "shop", "--force"});
    INFO(renewed.both());
    REQUIRE(renewed.exit_code == 1);
    REQUIRE(renewed.both().find("exited with status 7") != std::string::npos);
    REQUIRE(renewed.both().find("no space left on device") != std::string::npos);
    REQUIRE(world.certd.state("shop") == "deploy-failed");
    REQUIRE(hooks.count("10-start-web") == 2);
    REQUIRE_FALSE(std::filesystem::exists(hooks.seen / "stopped"));
    const Output status = world.certd.ctl({"status", "shop"});
    REQUIRE(status.out.find("exit status 7 after") != std::string::npos);

    std::filesystem::remove(hooks.seen / "broken");
    REQUIRE(world.certd.ctl({"deploy", "shop"}).exit_code == 0);
    REQUIRE(world.certd.state("shop") == "waiting");
    REQUIRE(world.certd.version("shop") == 2);
    REQUIRE(world.pebble.orders() == orders + 1);
    REQUIRE(read_file(hooks.seen / "haproxy.pem").starts_with(read_file(world.certd.live("shop") / "fullchain.pem")));
    REQUIRE(hooks.count("10-stop-web") == 2);

    // And back: the scripts get the old version.
    REQUIRE(world.certd.ctl({"rollback", "shop"}).exit_code == 0);
    REQUIRE(world.certd.version("shop") == 1);
    REQUIRE(read_file(hooks.seen / "haproxy.pem").starts_with(read_file(world.certd.live("shop") / "fullchain.pem")));
}

TEST_CASE("certd that is killed while pre has the web server stopped starts it again when it comes back") {
    World world;
    const Hooks hooks(world.directory());
    hooks.put("pre/20-wait", fmt::format("#!/bin/sh\ntouch {0}/waiting\nwhile [ ! -e {0}/go ]; do sleep 0.05; done\n",
                                         hooks.seen.string()));
    world.start({.lineage_more = hooks.configuration()});
    REQUIRE(eventually(20s, [&] { return std::filesystem::exists(hooks.seen / "waiting"); }));
    world.certd.kill();
    write_file(hooks.seen / "go", "");
    REQUIRE(std::filesystem::exists(hooks.seen / "stopped"));
    REQUIRE(hooks.count("10-start-web") == 0);
    world.certd.start();
    REQUIRE(eventually(20s, [&] { return hooks.count("10-start-web") >= 1; }));
    REQUIRE(
        hooks.runs("10-start-web").starts_with("domains=[] failed=[a.example.test b.example.test] lineage=[unset]"));
    REQUIRE(
        eventually(30s, [&] { return world.certd.state("shop") == "waiting" && world.certd.version("shop") == 1; }));
    REQUIRE(hooks.count("10-start-web") == 2);
    REQUIRE_FALSE(std::filesystem::exists(hooks.seen / "stopped"));
}
