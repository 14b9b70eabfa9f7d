// How the end of a program is put into words, and what a hook gets of text that somebody else chose.
#include "daemon/deploy/commands.hpp"
#include "daemon/deploy/owner.hpp"
#include "daemon/deploy/parts.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/fake_host.hpp"
#include "tests/unit/deploy/world.hpp"

using namespace certd;
using namespace certd::test;

namespace {

std::string ending(ProcessResult result) {
    Command command;
    command.argv = {"nginx", "-t"};
    command.timeout = seconds(60);
    return command_problem("deploy.test", "The test command of web", command, result).what;
}

}  // namespace

TEST_CASE("each way a program can end has its own words") {
    CHECK(ending(exited(1)) == "The test command of web (nginx -t) exited with status 1");
    ProcessResult result;
    result.signal = 11;
    CHECK(ending(result) == "The test command of web (nginx -t) was ended by signal 11");
    result.signal = 9;
    result.timed_out = true;
    CHECK(ending(result) == "The test command of web (nginx -t) did not end within 1m and was killed");
    result = exited(0);
    result.timed_out = true;
    CHECK(ending(result) ==
          "The test command of web (nginx -t) exited with status 0 but left something behind that held its output for "
          "1m");
}

TEST_CASE("a program that cannot be run passes its own remedy on") {
    Command command;
    command.argv = {"nginx", "-t"};
    const auto cause = problem("process.notFound", "There is no program nginx in PATH");
    const auto result = command_problem("deploy.test", "The test command of web", command, cause);
    CHECK(result.code == "deploy.test");
    CHECK(result.what == "The test command of web (nginx -t) could not be run: There is no program nginx in PATH");
    CHECK(result.hint == cause.hint);
    CHECK(result.parts.at(0) == cause);
}

TEST_CASE("a command is shown in one line whatever is in it") {
    CHECK(command_text({"/bin/sh", "-c", "echo a; echo b"}) == "/bin/sh -c 'echo a; echo b'");
    CHECK(command_text({"tool", "a\nb"}).find('\n') == std::string::npos);
}

TEST_CASE("a line break in a value cannot add a variable to the environment of a hook") {
    HookFacts facts;
    facts.event = "deploy";
    facts.lineage = "example.com";
    facts.lineage_path = "/var/lib/certd/live/example.com\nLD_PRELOAD=/tmp/evil.so";
    facts.names = {{Identifier::Type::dns, "a.example\nBASH_ENV=/tmp/x"}};
    for (const auto& entry : hook_environment(facts)) {
        CHECK(entry.find('\n') == std::string::npos);
        CHECK_FALSE(entry.starts_with("LD_PRELOAD"));
    }
    CHECK(parse_json(hook_input(facts))->strings("names").at(0) == facts.names[0].value);
}

TEST_CASE("a hook before the first issue has no version and no target in its environment") {
    HookFacts facts;
    facts.event = "pre-issue";
    facts.lineage = "example.com";
    facts.lineage_path = "/var/lib/certd/live/example.com";
    facts.names = {{Identifier::Type::dns, "example.com"}, {Identifier::Type::ip, "192.0.2.1"}};
    auto expected = base_environment();
    expected.insert(expected.end(),
                    {"RENEWED_LINEAGE=/var/lib/certd/live/example.com", "RENEWED_DOMAINS=example.com 192.0.2.1",
                     "CERTD_EVENT=pre-issue", "CERTD_LINEAGE=example.com"});
    CHECK(hook_environment(facts) == expected);
}

TEST_CASE("combined is the key and then the chain, each on lines of its own") {
    const CertificateFiles files{"KEY", "CERT\n", "CHAIN\n", "CERT\nCHAIN\n"};
    CHECK(content_of(config::Part::combined, files) == "KEY\nCERT\nCHAIN\n");
    CHECK(content_of(config::Part::fullchain, files) == "CERT\nCHAIN\n");
    CHECK(content_of(config::Part::chain, files) == "CHAIN\n");
}

TEST_CASE("the age of an old certificate is read from whatever stands around it") {
    const auto material = make_material(1, virtual_start - days(90), virtual_start - days(1));
    DeployJournal::Backup backup;
    backup.content = material.files.privkey + "Bag Attributes\n    friendlyName: x\n" + material.files.fullchain;
    CHECK(holds_expired({backup}, virtual_start));
    CHECK_FALSE(holds_expired({backup}, virtual_start - days(2)));
    backup.content = "no certificate";
    CHECK_FALSE(holds_expired({backup}, virtual_start));
    backup.content = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    CHECK_FALSE(holds_expired({backup}, virtual_start));
}

TEST_CASE("a version whose key is another's is refused") {
    auto material = make_material(1, virtual_start, virtual_start + days(90));
    CHECK(check_version(material.files, material.facts));
    material.files.privkey = make_material(2, virtual_start, virtual_start + days(90)).files.privkey;
    CHECK(check_version(material.files, material.facts).error().code == "crypto.wrongKey");
    material.facts.fingerprint = "00";
    CHECK(check_version(material.files, material.facts).error().code == "storage.corrupt");
}

TEST_CASE("owners are names or numbers") {
    CHECK(user_id("root").value() == 0);
    CHECK(user_id("12345").value() == 12345);
    CHECK(group_id("root").value() == 0);
    CHECK(user_id("certd-no-such-user").error().what == "There is no user certd-no-such-user");
    CHECK(group_id("").error().code == "deploy.install");
}
