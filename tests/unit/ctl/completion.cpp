// Completion: what the shells offer, in shells that run; and what certctl answers them.
#include "ctl/completion.hpp"

#include "ctl/command_line.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_directory.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>

#include <fmt/format.h>
#include <sys/stat.h>

using namespace certd;
using namespace certd::ctl;
using namespace certd::test;

namespace {

// A directory with a script and with a certctl that knows two lineages and writes down how it was called.
class Shell {
   public:
    Shell(const std::string& name, const std::string& script) {
        write(name, script);
        write("certctl", fmt::format(R"(#!/bin/sh
echo "${{CERTD_SOCKET:+with $CERTD_SOCKET }}$*" >>{0}/calls
case "$*" in
*names) printf 'shop\nshop.example.test\nblog\n' ;;
*cas) printf 'letsencrypt\nlocal\n' ;;
*'targets shop') printf 'web\nmail\n' ;;
*'versions shop') printf '3\n2\n' ;;
*) echo 'certd cannot be reached' >&2; exit 3 ;;
esac
)",
                                     path()));
        ::chmod((path() + "/certctl").c_str(), 0755);
    }

    std::string path() const { return directory_.path().string(); }
    std::string output_of(const std::string& command) const {
        std::string line = fmt::format("cd {0} && PATH={0}:$PATH HOME={0} {1} 2>&1", path(), command);
        std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(line.c_str(), "r"), ::pclose);
        std::string text;
        std::array<char, 4096> buffer;
        while (std::size_t count = std::fread(buffer.data(), 1, buffer.size(), pipe.get()))
            text.append(buffer.data(), count);
        return text;
    }
    std::string calls() const {
        std::ifstream file(path() + "/calls");
        return {std::istreambuf_iterator<char>(file), {}};
    }
    void write(const std::string& name, const std::string& text) const { std::ofstream(path() + "/" + name) << text; }

   private:
    TempDirectory directory_;
};

bool installed(const std::string& shell) {
    return std::system(("command -v " + shell + " >/dev/null").c_str()) == 0;
}

// What bash offers for the words; the last one is being typed.
std::string bash(const Shell& shell, std::vector<std::string> words) {
    std::string list;
    for (const std::string& word : words)
        list += " " + shell_quoted(word);
    shell.write("complete", fmt::format(R"(set -u
source ./script
COMP_WORDS=(certctl{}) COMP_CWORD={}
_certctl certctl "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD - 1]}}"
echo "${{COMPREPLY[*]}}"
)",
                                        list, words.size()));
    std::string text = shell.output_of("bash --norc ./complete");
    return text.substr(0, text.find_last_not_of('\n') + 1);
}

// The same of fish, without the descriptions.
std::string fish(const Shell& shell, const std::string& line) {
    std::string text = shell.output_of(fmt::format(
        "fish --no-config -c 'source ./script; complete -C \"{}\" | string replace -r \"\\t.*\" \"\"'", line));
    std::string joined;
    for (char letter : text)
        joined += letter == '\n' ? ' ' : letter;
    return joined.substr(0, joined.find_last_not_of(' ') + 1);
}

}  // namespace

TEST_CASE("bash completes commands, flags, their values, and names that certd knows") {
    Shell shell("script", bash_completion());
    CHECK(bash(shell, {"re"}) == "renew resume revoke reload");
    CHECK(bash(shell, {"--json", "lim"}) == "limits");
    CHECK(bash(shell, {"renew", "--d"}) == "--dry-run");
    CHECK(bash(shell, {"renew", "--"}) == "--force --dry-run --no-wait --socket --json --no-color --help");
    CHECK(bash(shell, {"renew", "sh"}) == "shop shop.example.test");
    CHECK(bash(shell, {"renew", "--force", "shop", ""}) == "shop.example.test blog");  // each once
    CHECK(bash(shell, {"explain", "shop", ""}) == "");                                 // takes one
    CHECK(bash(shell, {"plan", ""}) == "");
    CHECK(bash(shell, {"deploy", "shop", "--target", ""}) == "web mail");
    CHECK(bash(shell, {"deploy", "shop", "--target", "=", "m"}) == "mail");
    CHECK(bash(shell, {"deploy", "shop", "--target", "="}) == "web mail");
    CHECK(bash(shell, {"rollback", "--to", "2", "sh"}) == "shop shop.example.test");  // 2 is no lineage
    CHECK(bash(shell, {"rollback", "shop", "--to", ""}) == "3 2");
    CHECK(bash(shell, {"revoke", "shop", "--reason", "c"}) == "cessation-of-operation");
    CHECK(bash(shell, {"revoke", "shop", "--with", ""}) == "account certificate-key");
    CHECK(bash(shell, {"events", "--lineage", "b"}) == "blog");
    CHECK(bash(shell, {"account", "im"}) == "import");
    CHECK(bash(shell, {"account", "import", ""}) == "letsencrypt local");
    CHECK(bash(shell, {"account", "import", "local", "--key", "cer"}) == "certctl");  // a file
    CHECK(bash(shell, {"completion", "z"}) == "zsh");
    CHECK(bash(shell, {"frobnicate", ""}) == "");
}

TEST_CASE("bash asks the certd of --socket, is silent when none answers, and evaluates nothing") {
    Shell shell("script", bash_completion());
    CHECK(bash(shell, {"--socket", "/run/a b.sock", "status", "b"}) == "blog");
    CHECK(shell.calls() == "--socket /run/a b.sock completion names\n");
    CHECK(bash(shell, {"deploy", "unknown", "--target", ""}) == "");
    CHECK(bash(shell, {"deploy", "$(touch ./evil)`touch ./evil`", "--target", ""}) == "");
    CHECK(bash(shell, {"renew", "$(touch ./evil)"}) == "");
    shell.write("certctl", "#!/bin/sh\necho '$(touch ./evil)' '*' ';touch ./evil'\n");
    CHECK(bash(shell, {"renew", ""}).find("script") == std::string::npos);
    CHECK(shell.output_of("ls").find("evil") == std::string::npos);
}

TEST_CASE("fish completes commands, flags, their values, and names that certd knows") {
    if (!installed("fish")) {
        WARN("fish is not installed: not tested");
        return;
    }
    Shell shell("script", fish_completion());
    CHECK(fish(shell, "certctl lim") == "limits");
    CHECK(fish(shell, "certctl --json lim") == "limits");
    CHECK(fish(shell, "certctl renew --d") == "--dry-run");
    CHECK(fish(shell, "certctl renew sh") == "shop shop.example.test");
    CHECK(fish(shell, "certctl --socket /x renew bl") == "blog");
    CHECK(shell.calls().ends_with("with /x completion names\n"));
    CHECK(fish(shell, "certctl explain shop ") == "");
    CHECK(fish(shell, "certctl deploy shop --target ") == "mail web");
    CHECK(fish(shell, "certctl revoke shop --with ") == "account certificate-key");
    CHECK(fish(shell, "certctl account import ") == "letsencrypt local");
    CHECK(fish(shell, "certctl plan ") == "");
}

TEST_CASE("the scripts for bash, zsh and fish parse, and describe what they offer") {
    for (auto [name, check, script] :
         {std::tuple{"bash", "bash -n", bash_completion()}, std::tuple{"zsh", "zsh -n", zsh_completion()},
          std::tuple{"fish", "fish --no-execute", fish_completion()}}) {
        CAPTURE(name);
        for (const Command& command : commands())
            CHECK(script.find(command.name) != std::string::npos);
        if (!installed(name)) {
            WARN(name << " is not installed: not parsed");
            continue;
        }
        Shell shell("script", script);
        CHECK(shell.output_of(fmt::format("{} ./script", check)) == "");
    }
    CHECK(zsh_completion().find(R"('explain:Say why a lineage is as it is and what happens next')") !=
          std::string::npos);
    CHECK(zsh_completion().find(R"('--key=[For import\: file with the account'\''s key, in PEM)") != std::string::npos);
}

TEST_CASE("zsh calls what asks certd without options of its own") {
    CHECK(zsh_completion().find("'*:lineage: _certctl_ask names lineage'") != std::string::npos);
    CHECK(zsh_completion().find(":target: _certctl_ask targets target $line[1]'") != std::string::npos);
}

TEST_CASE("every flag that takes a value says how it is completed") {
    std::vector<const std::vector<Flag>*> tables = {&global_flags()};
    for (const Command& command : commands())
        tables.push_back(&command.flags);
    for (const std::vector<Flag>* table : tables) {
        for (const Flag& flag : *table) {
            CAPTURE(flag.names);
            CHECK(takes_value(flag) == !flag.values.empty());
        }
    }
}
