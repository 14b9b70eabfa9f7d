// A lineage with two versions in a store in memory, a fake host with a service, and a Deployer over both in virtual
// time.
#pragma once

#include "daemon/deploy/deployer.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/fake_hosts.hpp"
#include "tests/support/memory_file_system.hpp"
#include "tests/support/virtual_clock.hpp"

#include <array>
#include <string>
#include <vector>

namespace certd::test {

inline const std::string certificate_path = "/etc/ssl/web/fullchain.pem";
inline const std::string key_path = "/etc/ssl/web/privkey.pem";
inline const std::string other_certificate_path = "/srv/mail/fullchain.pem";
inline const std::string other_key_path = "/srv/mail/privkey.pem";

struct Material {
    VersionFiles files;
    VersionFacts facts;
};
// A pair of its own per number, self-signed for example.com and *.example.com.
Material make_material(unsigned number, Time not_before, Time not_after);

class World {
   public:
    explicit World(Duration first_lifetime = days(90));

    config::Target target(std::string name, std::string certificate, std::string key) const;
    void configure(std::vector<config::Target> targets);  // replaces them all
    DeployOrder order(unsigned version, std::vector<std::string> targets = {"web"}) const;
    DeployOutcome deploy(DeployOrder order) { return test::run(io, clock, deployer.deploy(std::move(order))); }
    void recover() { test::run(io, clock, deployer.recover(name, config)); }
    void install_old();  // version 1 is live, installed and served

    VersionNumber live() { return store.live(name).value(); }
    bool has_journal() { return !store.deploy_journals(name).value().empty(); }
    const Material& material(unsigned version) const { return materials.at(version - 1); }
    std::string fingerprint(unsigned version) const { return material(version).facts.fingerprint; }
    // Which version's pair stands at the paths: 1 or 2; 0: none at all; -1: anything else, foremost a mismatch.
    int installed(const std::string& certificate = certificate_path, const std::string& key = key_path) const;
    const Event* event(EventType type) const;  // the last one

    MemoryFileSystem files;
    LineageName name = LineageName::parse("example.com").value();
    Store store{files, "/var/lib/certd"};
    VirtualClock clock;
    asio::io_context io{1};
    Workers workers{0};
    FakeHost host{clock};
    FakeService service{host, certificate_path, key_path};
    std::vector<Event> events;
    FakeHosts hosts{clock, certificate_path, key_path};
    Deployer deployer{clock, workers, store, host, [this](Event event) { events.push_back(std::move(event)); }, &hosts};
    std::array<Material, 2> materials;
    config::ConfigPtr config;
    std::shared_ptr<const config::Lineage> spec;
};

}  // namespace certd::test
