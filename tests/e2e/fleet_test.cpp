// Many machines: each a real sshd with certd-host behind it and a real nginx, on a loopback address of its own. They
// share one file system, so that what they all call /proc/self/fd/8 is a directory that the forced command opens.
#include "tests/e2e/world.hpp"
#include "tests/support/sshd.hpp"

#include "libacme/crypto/certificate.hpp"
#include "libacme/crypto/key.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <memory>
#include <thread>
#include <vector>

using namespace certd::test;

namespace {

namespace fs = std::filesystem;

constexpr const char* box = "/proc/self/fd/8";

void write_script(const fs::path& path, const std::string& text) {
    write_file(path, "#!/bin/sh\n" + text + "\n");
    fs::permissions(path, fs::perms::owner_all | fs::perms::group_read | fs::perms::others_read);
}

// "[nginx, -t]" as a line for the shell.
std::string shell_line(std::string yaml) {
    std::erase_if(yaml, [](char letter) { return letter == '[' || letter == ']' || letter == ','; });
    return yaml;
}

struct Machine {
    Machine(const fs::path& directory, const SshKey& key, const std::string& address, std::uint16_t tls_port)
        : place(directory / "nginx"), nginx(place, address, tls_port), sshd(directory / "ssh", key, address) {
        write_script(place / "test", "exec " + shell_line(nginx.test_command()));
        write_script(place / "reload", "exec " + shell_line(nginx.reload_command()));
        sshd.allow_path(std::string(box) + "/");
        sshd.allow_path(place.string() + "/");
        sshd.allow_command(std::string(box) + "/test");
        sshd.allow_command(std::string(box) + "/reload");
        run_by("/bin/sh " + certd_host());
    }
    void run_by(const std::string& command) const {
        sshd.force(fmt::format("exec 8<{}; exec {}", place.string(), command));
    }
    std::string certd_host() const {
        return fmt::format("{}/contrib/host/certd-host {}", CERTD_SOURCE_DIR,
                           (sshd.directory() / "host.conf").string());
    }
    bool has_pair() const {
        const auto chain = certd::parse_chain(read_file(nginx.fullchain()));
        const auto key = certd::PrivateKey::from_pem(read_file(nginx.privkey()));
        return chain && key && chain->front().public_key_der() == key->public_key_der();
    }
    std::string served() const { return nginx.served("a.example.test"); }

    fs::path place;
    Nginx nginx;
    Sshd sshd;
};

class Fleet {
   public:
    Fleet(World& world, std::size_t count, const std::string& rollout)
        : directory_(world.directory()), key_(directory_ / "id"), tls_port_(free_port()) {
        std::string hosts;
        for (std::size_t number = 1; number <= count; ++number) {
            machines_.push_back(std::make_unique<Machine>(directory_ / fmt::format("web{}", number), key_,
                                                          fmt::format("127.0.1.{}", number), tls_port_));
            hosts += (hosts.empty() ? "" : ", ") + ("\"" + machines_.back()->sshd.host() + "\"");
            known_hosts_ += machines_.back()->sshd.known_host();
        }
        write_file(directory_ / "known_hosts", known_hosts_);
        target_ = fmt::format(R"(  fleet:
    hosts: [{}]
    ssh: {{ user: {}, identity_file: {}, known_hosts: {}, connect_timeout: 3s }}
    rollout: {}
    install:
      - {{ part: fullchain, path: {}/fullchain.pem, mode: "0644" }}
      - {{ part: privkey, path: {}/privkey.pem, mode: "0600" }}
    test: [{}/test]
    reload: {{ command: [{}/reload] }}
    verify: {{ tls: [":{}"], timeout: 20s }}
)",
                              hosts, Sshd::user(), key_.path(), (directory_ / "known_hosts").string(), rollout, box,
                              box, box, box, tls_port_);
    }

    Sample sample() const { return {.targets = "[fleet]", .more_targets = target_}; }
    Machine& operator[](std::size_t number) { return *machines_.at(number - 1); }  // from 1
    std::size_t size() const { return machines_.size(); }
    std::size_t serving(const std::string& fingerprint) const {
        return static_cast<std::size_t>(
            std::ranges::count_if(machines_, [&](const auto& it) { return it->served() == fingerprint; }));
    }
    bool all_have_pairs() const {
        return std::ranges::all_of(machines_, [](const auto& it) { return it->has_pair(); });
    }

   private:
    fs::path directory_;
    SshKey key_;
    std::uint16_t tls_port_;
    std::vector<std::unique_ptr<Machine>> machines_;
    std::string known_hosts_, target_;
};

// How many hosts of the lineage are in this state.
std::size_t hosts_in(const World& world, const std::string& state) {
    const certd::Json lineage = world.certd.lineage("shop");
    std::size_t count = 0;
    for (const certd::Json& target : *lineage["targets"].if_array())
        count += target.string_or("state") == state ? 1U : 0U;
    return count;
}

}  // namespace

TEST_CASE("of twenty hosts the third is down: the rollout stops after its batch, and goes on when the host returns") {
    World world;
    Fleet fleet(world, 20, "{ canary: 1, batch: 5 }");
    world.start(fleet.sample());
    const Output issued = world.certd.ctl({"renew", "shop"});
    INFO(issued.both());
    REQUIRE(issued.exit_code == 0);
    const std::string first = world.live_fingerprint();
    REQUIRE(fleet.serving(first) == 20);
    REQUIRE(hosts_in(world, "deployed") == 20);

    fleet[3].sshd.stop();
    const Output stopped = world.certd.ctl({"renew", "shop", "--force"});
    INFO(stopped.both());
    REQUIRE(stopped.exit_code == 1);
    const std::string second = world.live_fingerprint();
    REQUIRE(second != first);
    REQUIRE(fleet.serving(second) == 5);  // the canary, and four of the batch of five
    REQUIRE(fleet.serving(first) == 15);
    REQUIRE(fleet[3].served() == first);
    REQUIRE(hosts_in(world, "failed") == 1);
    REQUIRE(hosts_in(world, "pending") == 14);
    const certd::Json problem = world.certd.lineage("shop")["last_problem"];
    REQUIRE(problem.string_or("code") == "deploy.rollout");
    REQUIRE(problem.string_or("what").find(fleet[3].sshd.host()) != std::string::npos);
    REQUIRE(world.certd.ctl({"status"}).exit_code == 4);

    fleet[3].sshd.start();
    REQUIRE(world.certd.reaches("shop", "waiting", 150s));
    REQUIRE(fleet.serving(second) == 20);
    REQUIRE(fleet.all_have_pairs());
    REQUIRE(world.pebble.orders() == 2);
}

TEST_CASE("killed at each request of a rollout to two hosts, certd goes on from there, and no host has half a pair") {
    World world;
    Fleet fleet(world, 2, "{ canary: 1, batch: 1 }");
    const fs::path count = world.directory() / "count", die_at = world.directory() / "die_at",
                   pid = world.directory() / "pid";
    write_file(count, "0");
    write_file(die_at, "0");
    for (std::size_t number = 1; number <= 2; ++number) {
        const fs::path shim = world.directory() / fmt::format("shim{}", number);
        write_script(shim, fmt::format("n=$(($(cat {0}) + 1)); echo $n >{0}\n"
                                       "[ $n != \"$(cat {1})\" ] || kill -9 \"$(cat {2})\"\n"
                                       "exec /bin/sh {3}",
                                       count.string(), die_at.string(), pid.string(), fleet[number].certd_host()));
        fleet[number].run_by(shim.string());
    }
    world.start(fleet.sample());
    REQUIRE(world.certd.ctl({"renew", "shop"}).exit_code == 0);

    std::size_t deaths = 0;
    for (std::size_t request = 1;; ++request) {
        INFO("killed at request " << request);
        write_file(pid, std::to_string(world.certd.process().pid()));
        write_file(count, "0");
        write_file(die_at, std::to_string(request));
        (void)world.certd.ctl({"renew", "shop", "--force"});
        const bool died = !world.certd.process().alive();
        write_file(die_at, "0");
        // What had been asked of the hosts is carried out without certd.
        REQUIRE(eventually(10s, [&] { return fleet.all_have_pairs(); }));
        if (!died) break;
        ++deaths;
        world.certd.start();
        REQUIRE(world.certd.reaches("shop", "waiting", 60s));
        REQUIRE(fleet.serving(world.live_fingerprint()) == 2);
        REQUIRE(fleet.all_have_pairs());
    }
    REQUIRE(deaths >= 8);
    REQUIRE(fleet.serving(world.live_fingerprint()) == 2);
}
