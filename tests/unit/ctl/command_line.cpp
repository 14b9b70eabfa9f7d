// The command line: what is taken, what is refused, and that nothing crashes it.
#include "ctl/command_line.hpp"

#include "libacme/base/text.hpp"
#include "tests/support/catch.hpp"

#include <random>

using namespace certd;
using namespace certd::ctl;

namespace {

CommandLine parse(std::vector<std::string> arguments) {
    return parse_command_line(std::move(arguments), std::nullopt);
}

}  // namespace

TEST_CASE("options are taken before and after the command") {
    CommandLine line = parse({"--json", "renew", "a", "b", "--force", "--socket", "/tmp/s", "--no-wait"});
    REQUIRE(line.command != nullptr);
    CHECK(line.command->name == "renew");
    CHECK(line.options.names == std::vector<std::string>{"a", "b"});
    CHECK(line.options.force);
    CHECK(line.options.no_wait);
    CHECK(line.options.json);
    CHECK(line.options.socket == "/tmp/s");
    CHECK(parse({"rollback", "a", "--to", "3"}).options.to == 3);
    CHECK(parse({"events", "-f", "--lineage", "a"}).options.follow);
}

TEST_CASE("the socket is that of --socket, else of the environment, else the default") {
    CHECK(parse({"status"}).options.socket == "/run/certd/control.sock");
    CHECK(parse_command_line({"status"}, "/tmp/x").options.socket == "/tmp/x");
    CHECK(parse_command_line({"status"}, "").options.socket == "/run/certd/control.sock");
    CHECK(parse_command_line({"--socket", "/tmp/y", "status"}, "/tmp/x").options.socket == "/tmp/y");
}

TEST_CASE("every command has help with an example and its role") {
    for (const Command& command : commands()) {
        CommandLine line = parse({std::string(command.name), "--help"});
        CHECK(line.command == nullptr);
        CHECK_FALSE(line.wrong);
        CHECK(line.text.find("Examples:\n  certctl " + std::string(command.name)) != std::string::npos);
        CHECK(line.text.find("Needs the role " + std::string(command.role)) != std::string::npos);
    }
    CHECK(parse({"--help"}).text.find("Exit codes:") != std::string::npos);
    CHECK(parse({"--version"}).text.starts_with("certctl "));
}

TEST_CASE("import hands its words on to certd") {
    CommandLine line = parse({"import", "certbot", "--take-over", "--from", "/srv/le", "--config", "/srv/certd.yaml"});
    REQUIRE(line.command != nullptr);
    CHECK(import_arguments(line.options) == std::vector<std::string>{"--config", "/srv/certd.yaml", "import", "certbot",
                                                                     "--take-over", "--from", "/srv/le"});
    CHECK(parse({"import", "certbot"}).wrong);
    CHECK(parse({"import", "certbot", "--shadow", "--give-back"}).wrong);
    CHECK(parse({"import", "certbot", "--take-over", "--print-config"}).wrong);
    CHECK(parse({"import", "lego", "--shadow"}).text.find("not from \"lego\"") != std::string::npos);
}

TEST_CASE("what cannot be understood is refused as usage") {
    const std::vector<std::vector<std::string>> wrong = {{},
                                                         {""},
                                                         {"frobnicate"},
                                                         {"status", "--frobnicate"},
                                                         {"status", ""},
                                                         {"status", "../../etc/passwd"},
                                                         {"status", "UPPER"},
                                                         {"renew"},
                                                         {"renew", ""},
                                                         {"explain"},
                                                         {"explain", "a", "b"},
                                                         {"rollback", "a", "--to", "0"},
                                                         {"rollback", "a", "--to", "-1"},
                                                         {"rollback", "a", "--to", "x"},
                                                         {"rollback", "a", "--to", "99999999999"},
                                                         {"rollback", "a", "--to"},
                                                         {"deploy", "a", "--target", ""},
                                                         {"events", "--lineage", ""},
                                                         {"plan", "a"},
                                                         {"--socket", "", "status"},
                                                         {"--socket"},
                                                         {"status", "renew"},
                                                         {"status", "-z"},
                                                         {"pause"},
                                                         {"completion"},
                                                         {"completion", "csh"},
                                                         {"completion", "bash", "shop"},
                                                         {"completion", "names", "shop"},
                                                         {"completion", "targets"}};
    for (const auto& arguments : wrong) {
        CAPTURE(arguments);
        CommandLine line = parse(arguments);
        // A command name may also be the name of a lineage.
        if (arguments == std::vector<std::string>{"status", "renew"}) continue;
        CHECK(line.command == nullptr);
        CHECK(line.wrong);
        CHECK(line.text.starts_with("certctl: "));
    }
    CHECK(parse({"sttaus"}).text.starts_with("certctl: There is no command \"sttaus\" (did you mean status?)\n"));
    CHECK(parse({"--socket", "/tmp/x", "renw"}).text.find("did you mean renew?") != std::string::npos);
}

TEST_CASE("arbitrary arguments are refused or understood, and never echoed raw") {
    std::minstd_rand random(20261123);
    const std::vector<std::string> pieces = {
        "status",  "renew", "--json", "--to",   "--", "-",  "-f",      "--socket", "=",
        "\x1b[2J", "\xff",  "a",      "--to=7", "",   "\n", "--watch", "--help",   std::string(5000, 'x'),
        "\u202E",  "--=",   "@file",  "[x]"};
    for (int round = 0; round < 600; ++round) {
        std::vector<std::string> arguments;
        for (std::size_t i = random() % 5; i-- > 0;) {
            std::string argument = pieces[random() % pieces.size()];
            if (random() % 4 == 0) argument += pieces[random() % pieces.size()];
            arguments.push_back(std::move(argument));
        }
        CommandLine line = parse(arguments);
        CHECK((line.command != nullptr || !line.text.empty()));
        for (std::string_view text : split(line.text, '\n'))
            CHECK(escape_untrusted(text, 1 << 20) == text);
    }
}

TEST_CASE("notify lists, or tests all notifiers or one") {
    CHECK(parse({"notify", "list"}).options.names == std::vector<std::string>{"list"});
    CHECK(parse({"notify", "test"}).command != nullptr);
    CHECK(parse({"notify", "test", "ops-mail"}).options.names == std::vector<std::string>{"test", "ops-mail"});
    for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
             {"notify"}, {"notify", "list", "ops"}, {"notify", "test", "a", "b"}, {"notify", "test", "UPPER"}}) {
        CAPTURE(arguments);
        CHECK(parse(arguments).wrong);
    }
    CHECK(parse({"notify", "tset"}).text.find("did you mean test?") != std::string::npos);
}

TEST_CASE("account takes an action and, but for list, a CA, and revoke takes a version and a reason") {
    CHECK(parse({"account", "list"}).options.names == std::vector<std::string>{"list"});
    CHECK(parse({"account", "rollover", "main", "--json"}).options.names ==
          std::vector<std::string>{"rollover", "main"});
    const std::vector<std::vector<std::string>> wrong = {{"account"},
                                                         {"account", "lst"},
                                                         {"account", "list", "main"},
                                                         {"account", "rollover"},
                                                         {"account", "deactivate", "UPPER"},
                                                         {"account", "import", "main"},
                                                         {"account", "import", "--key", "k"},
                                                         {"account", "orders"},
                                                         {"account", "rollover", "a", "--key", "k"},
                                                         {"account", "rollover", "a", "b"}};
    for (const auto& arguments : wrong) {
        CAPTURE(arguments);
        CHECK(parse(arguments).wrong);
    }
    CHECK(parse({"account", "rolover", "main"}).text.find("did you mean rollover?") != std::string::npos);
    CHECK(parse({"account", "import", "main", "--key", "k.pem"}).options.key == "k.pem");
    CHECK(parse({"revoke", "a", "--with", "certificate-key"}).options.with == "certificate-key");
    CommandLine revoke = parse({"revoke", "a", "--version", "3", "--reason", "superseded"});
    REQUIRE(revoke.command != nullptr);
    CHECK(revoke.options.version == 3);
    CHECK(revoke.options.reason == "superseded");
    CHECK(parse({"revoke", "a", "--version", "0"}).wrong);
    CHECK(parse({"revoke"}).wrong);
}
