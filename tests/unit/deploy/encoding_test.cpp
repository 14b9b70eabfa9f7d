// Installed files in forms other than PEM, and the bundle of an exec command.
#include "daemon/deploy/encoding.hpp"

#include "daemon/deploy/hook_environment.hpp"
#include "daemon/deploy/parts.hpp"
#include "libacme/crypto/pem.hpp"
#include "libacme/crypto/pkcs12.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/unit/deploy/world.hpp"

#include <filesystem>
#include <fstream>

using namespace certd;
using namespace certd::test;

namespace {

struct Password {
    TempDirectory directory;
    std::string path = (directory.path() / "password").string();

    explicit Password(std::filesystem::perms mode = std::filesystem::perms(0600)) {
        std::ofstream(path) << "secret\n";
        std::filesystem::permissions(path, mode);
    }
};

config::InstallStep step_of(config::Part part, config::Format format = config::Format::pem) {
    config::InstallStep step;
    step.part = part;
    step.path = "/etc/app/file";
    step.format = format;
    return step;
}

const std::string keystore = "/srv/app/keystore.p12";

config::Target with_keystore(World& world, const Password& password) {
    auto target = world.target("web", certificate_path, key_path);
    auto step = step_of(config::Part::pkcs12);
    step.path = keystore;
    step.mode = 0600;
    step.password_file = password.path;
    target.install.push_back(step);
    return target;
}

}  // namespace

TEST_CASE("certificate and key are installed as DER") {
    const auto material = make_material(1, virtual_start, virtual_start + days(90));
    const auto leaf = parse_chain(material.files.cert)->front();
    CHECK(encoded(step_of(config::Part::cert, config::Format::der), material.files).value() == as_text(leaf.der()));
    const auto key = encoded(step_of(config::Part::privkey, config::Format::der), material.files).value();
    CHECK(pem_block("PRIVATE KEY", as_bytes(key)) == material.files.privkey);
    CHECK(encoded(step_of(config::Part::cert), material.files).value() == material.files.cert);
    // What stands there in DER tells its age all the same.
    DeployJournal::Backup backup;
    backup.content = std::string(as_text(leaf.der()));
    CHECK(holds_expired({backup}, virtual_start + days(91)));
    CHECK_FALSE(holds_expired({backup}, virtual_start));
}

TEST_CASE("a PKCS#12 file is made with the password of its file, and the same one each time") {
    const Password password;
    const auto material = make_material(1, virtual_start, virtual_start + days(90));
    auto step = step_of(config::Part::pkcs12);
    step.password_file = password.path;
    const auto made = encoded(step, material.files);
    REQUIRE(made);
    const auto key = PrivateKey::from_pem(material.files.privkey).value();
    const auto chain = parse_chain(material.files.fullchain).value();
    CHECK(*made == as_text(make_pkcs12(key, chain, "*.example.com", "secret")));
    CHECK(encoded(step, material.files).value() == *made);
}

TEST_CASE("a password that cannot be read, or that others can, is a problem that names file and remedy") {
    const auto material = make_material(1, virtual_start, virtual_start + days(90));
    auto step = step_of(config::Part::pkcs12);
    SECTION("missing") {
        step.password_file = "/no/such/password";
    }
    const Password open_one(std::filesystem::perms(0644));
    SECTION("open to everybody") {
        step.password_file = open_one.path;
    }
    SECTION("no credential") {
        step.password_file = "credential:certd-test-none";
    }
    const auto made = encoded(step, material.files);
    REQUIRE_FALSE(made);
    CHECK(made.error().code == "deploy.install");
    CHECK(made.error().what.starts_with("Cannot make /etc/app/file: "));
    CHECK_FALSE(made.error().hint.empty());
    CHECK(made.error().what.find("secret\n") == std::string::npos);
}

TEST_CASE("a keystore is deployed with the rest, and put back with it when the service does not take it") {
    World world;
    const Password password;
    world.install_old();
    world.configure({with_keystore(world, password)});
    REQUIRE(world.deploy(world.order(2)).complete);
    const auto second = world.host.content(keystore);
    CHECK_FALSE(second.empty());
    CHECK(world.host.files.at(keystore).attributes.mode == 0600);
    world.service.config_broken = true;
    DeployOrder back = world.order(1);
    back.manual_rollback = true;
    CHECK_FALSE(world.deploy(std::move(back)).complete);
    CHECK(world.host.content(keystore) == second);
}

TEST_CASE("without its password nothing of a target is installed") {
    World world;
    world.install_old();
    {
        const Password gone;
        world.configure({with_keystore(world, gone)});
    }
    const auto outcome = world.deploy(world.order(2));
    CHECK_FALSE(outcome.complete);
    REQUIRE(outcome.problem);
    CHECK(outcome.problem->code == "deploy.install");
    CHECK(world.installed() == 1);
    CHECK(world.host.content(keystore).empty());
    CHECK_FALSE(world.has_journal());
}

TEST_CASE("a first deployment with a keystore that a crash ended when all was in place is found complete") {
    World world;
    const Password password;
    auto target = with_keystore(world, password);
    target.exec.clear();
    world.configure({target});
    // All three files are there when the test command "dies".
    bool died = false;
    world.host.on_run = [&](const Command&) -> Result<ProcessResult> {
        died = true;
        throw SimulatedCrash{};
    };
    try {
        (void)world.deploy(world.order(2));
    } catch (const SimulatedCrash&) {}
    REQUIRE(died);
    REQUIRE(world.has_journal());
    const auto before = world.host.content(keystore);
    REQUIRE_FALSE(before.empty());
    world.host.on_run = nullptr;
    world.recover();
    CHECK(world.host.content(keystore) == before);
    CHECK(world.installed() == 2);
}

TEST_CASE("an exec command that asks for the bundle gets the files of the version it is about, others do not") {
    World world;
    world.install_old();
    auto target = world.target("web", certificate_path, key_path);
    target.exec.push_back({{{"publish"}}, minutes(5), "", config::HookInput::bundle});
    world.configure({target});
    world.service.config_broken = true;
    CHECK_FALSE(world.deploy(world.order(2)).complete);
    std::vector<Json> bundles;
    for (const auto& command : world.host.commands) {
        if (command.argv.front() == "publish") bundles.push_back(parse_json(command.input).value());
        if (command.argv.front() != "publish") CHECK(command.input.find("PRIVATE KEY") == std::string::npos);
        for (const auto& text : command.environment)
            CHECK(text.find("PRIVATE KEY") == std::string::npos);
    }
    // The old version again on the way back.
    REQUIRE(bundles.size() == 2);
    for (unsigned version : {2U, 1U}) {
        const Json& bundle = bundles.at(2 - version);
        const auto& material = world.material(version);
        CHECK(bundle.int_or("version") == version);
        CHECK(bundle.string_or("event") == (version == 2 ? "deploy" : "restore"));
        CHECK(bundle.string_or("privkey") == material.files.privkey);
        CHECK(bundle.string_or("cert") == material.files.cert);
        CHECK(bundle.string_or("fullchain") == material.files.fullchain);
        CHECK(bundle.string_or("fingerprint_sha256") == material.facts.fingerprint);
        CHECK(bundle.string_or("key_type") == "ecdsa-p256");
        CHECK(bundle.strings("names").size() == 2);
        CHECK_FALSE(bundle.string_or("not_after").empty());
    }
}

TEST_CASE("the bundle has the files of further keys, and no key where the operator has it") {
    const auto first = make_material(1, virtual_start, virtual_start + days(90));
    const auto second = make_material(2, virtual_start, virtual_start + days(90));
    HookFacts facts;
    facts.version = first.facts;
    VersionFiles files = first.files;
    files.privkey.clear();
    files.further[KeyType::rsa_2048] = second.files;
    const Json bundle = parse_json(bundle_input(facts, files)).value();
    CHECK(bundle["privkey"] == Json());
    REQUIRE(bundle["further"].if_array()->size() == 1);
    const Json& further = (*bundle["further"].if_array())[0];
    CHECK(further.string_or("key_type") == "rsa-2048");
    CHECK(further.string_or("privkey") == second.files.privkey);
}

TEST_CASE("a version whose key the operator has gives no file that would hold it") {
    auto material = make_material(1, virtual_start, virtual_start + days(90));
    material.files.privkey.clear();
    material.facts.csr_key_sha256 = std::string(64, 'a');
    CHECK(check_version(material.files, material.facts));
    for (auto part : {config::Part::privkey, config::Part::combined, config::Part::pkcs12}) {
        const auto found = files_of(step_of(part), material.files, KeyType::ecdsa_p256);
        REQUIRE_FALSE(found);
        CHECK(found.error().what ==
              "The version was issued for a certificate request: there is no private key to install as /etc/app/file");
    }
    CHECK(files_of(step_of(config::Part::fullchain), material.files, KeyType::ecdsa_p256));
}
