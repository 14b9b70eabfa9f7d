// certctl doctor: a healthy world, and one with much wrong at once.
#include "tests/e2e/world.hpp"
#include "tests/support/bind.hpp"

#include <fmt/format.h>

#include <filesystem>

using namespace certd::test;

namespace {

namespace fs = std::filesystem;

// On a machine that systemd runs, the daemon of a test is rightly told to be no service.
bool has_systemd() {
    return fs::exists("/run/systemd/system");
}

fs::path program_at(const fs::path& path, const std::string& text) {
    write_file(path, text);
    fs::permissions(path, fs::perms::owner_all);
    return path;
}

}  // namespace

TEST_CASE("the doctor finds a healthy world healthy, and the status page shows so") {
    if (!enter_own_network()) {
        WARN("a network of its own needs root");
        return;
    }
    TempDirectory directory;
    // With a CAA record of its own, since there is nobody to ask for those of the zone above.
    Bind bind(directory.path() / "bind", {false, "@ A 127.0.0.1\n@ CAA 0 iodef \"mailto:ops@example.test\"\n"});
    WorldOptions with;
    with.pebble.name_server = Bind::primary() + ":53";
    World world(with);
    const fs::path told = program_at(world.directory() / "tell", "#!/bin/sh\ncat > /dev/null\n");
    const std::uint16_t port = free_port();
    Sample sample;
    sample.names = "[example.test]";
    sample.http_listen = fmt::format("[\"127.0.0.1:{}\", \"127.0.0.1:80\"]", world.http_port);
    sample.top = fmt::format(
        "resolvers: [127.0.0.1]\nmetrics: {{ listen: \"127.0.0.1:{}\" }}\n"
        "notify: {{ ops: {{ exec: {{ command: [{}] }} }} }}\n",
        port, told.string());
    world.start(sample);
    const Output renewed = world.certd.ctl({"renew", "shop"});
    INFO(renewed.both() << world.certd.log());
    REQUIRE(renewed.exit_code == 0);
    REQUIRE(world.certd.ctl({"notify", "test", "ops"}).exit_code == 0);

    const Output found = world.certd.ctl({"doctor"});
    INFO(found.both());
    CHECK(found.exit_code == (has_systemd() ? 4 : 0));
    for (const char* line :
         {"config: ", "programs: target web: ", "programs: notifier ops: ", "store.permissions: ", "ca.pebble.clock: ",
          "metrics are served at ", "notification.ops: the last message was delivered to ", "✓ shop: "})
        CHECK(found.out.find(line) != std::string::npos);
    if (!has_systemd()) CHECK(found.out.find(" checks, and all are ok\n") != std::string::npos);
    CHECK(world.pebble.orders() == 1);

    const auto page =
        certd::parse_json(run({program("curl"), "-sS", fmt::format("http://127.0.0.1:{}/status.json", port)}).out);
    REQUIRE(page);
    CHECK((*page)["doctor"].string_or("result") == (has_systemd() ? "warning" : "ok"));
    CHECK(certd::time_in((*page)["doctor"], "at"));

    // What was delivered is known to the next start.
    world.certd.terminate();
    world.certd.start();
    CHECK(world.certd.ctl({"doctor"}).out.find("notification.ops: the last message was delivered to ") !=
          std::string::npos);
}

TEST_CASE("the doctor names each of six things that are wrong at once, with its remedy") {
    World world;
    // There is no monitoring (1), and a notifier that nobody has tried (2).
    const fs::path told = program_at(world.directory() / "tell", "#!/bin/sh\ncat > /dev/null\n");
    const fs::path test = program_at(world.directory() / "test", "#!/bin/sh\nexit 0\n");
    Sample sample;
    sample.test = fmt::format("[{}]", test.string());
    sample.top = fmt::format(
        "notify: {{ ops: {{ exec: {{ command: [{}] }} }}, pager: {{ exec: {{ command: [/nowhere/page] }} }} "
        "}}\n",  // (4)
        told.string());
    world.issue_first(sample);
    fs::permissions(test, fs::perms::others_write, fs::perm_options::add);  // (5)
    const fs::path key = world.certd.state_directory() / "lineages/shop/versions/0001/privkey.pem";
    fs::permissions(key, fs::perms::others_read, fs::perm_options::add);      // (6)
    world.certd.configure(world.configuration(sample) + "nonsense: true\n");  // (3) on disk only

    const Output found = world.certd.ctl({"doctor"});
    INFO(found.both());
    CHECK(found.exit_code == 1);
    CHECK(found.out.find("! monitoring: No monitoring can see how certd fares") != std::string::npos);
    CHECK(found.out.find("! notification.ops: Nothing was ever delivered") != std::string::npos);
    CHECK(found.out.find("run `certctl notify test ops`") != std::string::npos);
    CHECK(found.out.find("✗ config: certd would not start again with") != std::string::npos);
    CHECK(found.out.find("✗ programs: The command of notifier pager (/nowhere/page) could not be run") !=
          std::string::npos);
    CHECK(found.out.find("✗ programs: The test command of web") != std::string::npos);
    CHECK(found.out.find("may be changed by everybody") != std::string::npos);
    CHECK(found.out.find("✗ store.permissions: ") != std::string::npos);
    CHECK(found.out.find("versions/0001/privkey.pem can be read or changed by others (mode 0604)") !=
          std::string::npos);

    const Output json = world.certd.ctl({"doctor", "--json"});
    CHECK(json.exit_code == 1);
    const auto report = certd::parse_json(json.out);
    REQUIRE(report);
    CHECK(report->string_or("result") == "blocked");
    CHECK(report->int_or("blocked") == 5);  // the rehearsal is refused as well
    CHECK((*report)["groups"].if_array()->back().string_or("lineage") == "shop");
    CHECK(world.pebble.orders() == 1);
    CHECK(world.served_is_live());
}
