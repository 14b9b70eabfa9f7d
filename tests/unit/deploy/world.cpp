#include "tests/unit/deploy/world.hpp"

#include "libacme/crypto/certificate.hpp"

#include <algorithm>

namespace certd::test {

namespace {

const PrivateKey& key_of(unsigned number) {
    static const std::array<PrivateKey, 2> keys{PrivateKey::generate(KeyType::ecdsa_p256),
                                                PrivateKey::generate(KeyType::ecdsa_p256)};
    return keys.at(number - 1);
}

}  // namespace

Material make_material(unsigned number, Time not_before, Time not_after) {
    Material material;
    material.facts.names = {{Identifier::Type::dns, "*.example.com"}, {Identifier::Type::dns, "example.com"}};
    const auto leaf = make_self_signed(key_of(number), material.facts.names, not_before, not_after);
    material.files = {{key_of(number).pem(), leaf.pem(), "", leaf.pem()}, {}};
    material.facts.ca = {"test"};
    material.facts.directory_url = "https://ca.test/dir";
    material.facts.serial = leaf.serial();
    material.facts.fingerprint = leaf.fingerprint_sha256();
    material.facts.not_before = not_before;
    material.facts.not_after = not_after;
    material.facts.issued_at = not_before;
    material.facts.number = {number};
    return material;
}

World::World(Duration first_lifetime)
    : materials{make_material(1, virtual_start - days(60), virtual_start - days(60) + first_lifetime),
                make_material(2, virtual_start - hours(1), virtual_start + days(90))} {
    REQUIRE(store.open());
    for (const auto& material : materials)
        REQUIRE(store.add_version(name, {material.facts, material.files, {}}));
    config::Lineage lineage;
    lineage.name = name.text();
    lineage.names = materials[0].facts.names;
    lineage.targets = {{"web"}};
    spec = std::make_shared<const config::Lineage>(lineage);
    configure({target("web", certificate_path, key_path)});
}

config::Target World::target(std::string target_name, std::string certificate, std::string key) const {
    config::Target target;
    target.name = {std::move(target_name)};
    target.install = {{config::Part::fullchain, std::move(certificate), 0644, std::nullopt, std::nullopt},
                      {config::Part::privkey, std::move(key), 0640, "0", "0"}};
    target.exec = {{{{"convert", "-x"}}, minutes(5), ""}};
    target.test = {{"service", "test"}};
    target.reload = {"", {{"service", "reload"}}};
    target.verify.addresses = {{StartTls::none, "127.0.0.1:443"}};
    return target;
}

void World::configure(std::vector<config::Target> targets) {
    auto fresh = std::make_shared<config::Config>();
    auto lineage = std::make_shared<config::Lineage>(*spec);
    lineage->targets.clear();
    for (auto& it : targets) {
        lineage->targets.push_back(it.name);
        fresh->targets.emplace(it.name, std::move(it));
    }
    fresh->lineages.emplace(lineage->name, lineage);
    config = fresh;
}

DeployOrder World::order(unsigned version, std::vector<std::string> targets) const {
    DeployOrder order;
    order.config = config;
    order.spec = spec;
    order.version = {version};
    for (auto& it : targets)
        order.places.push_back({{it}});
    order.job = 7;
    return order;
}

void World::install_old() {
    REQUIRE(store.set_live(name, {1}));
    host.put(certificate_path, material(1).files.fullchain, 0604);
    host.put(key_path, material(1).files.privkey, 0600);
    service.start();
    REQUIRE(service.serves() == fingerprint(1));
}

int World::installed(const std::string& certificate, const std::string& key) const {
    const auto certificate_text = host.content(certificate), key_text = host.content(key);
    if (certificate_text.empty() && key_text.empty()) return 0;
    for (const int version : {1, 2}) {
        const auto& pair = material(static_cast<unsigned>(version)).files;
        if (certificate_text == pair.fullchain && key_text == pair.privkey) return version;
    }
    return -1;
}

const Event* World::event(EventType type) const {
    const auto found =
        std::find_if(events.rbegin(), events.rend(), [type](const Event& event) { return event.type == type; });
    return found == events.rend() ? nullptr : &*found;
}

}  // namespace certd::test
