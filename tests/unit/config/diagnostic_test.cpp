#include "tests/unit/config/fixture.hpp"

using namespace certd;
using namespace certd::config;
using namespace certd::config::test;

namespace {

Diagnostic finding(std::string message, std::string line = {}, std::uint32_t column = 1) {
    return {Diagnostic::Level::error, "certd.yaml",    3, column, std::move(message), "",
            std::move(line),          "config.invalid"};
}

}  // namespace

TEST_CASE("a diagnostic shows place, line, caret and hint, and all of them come at once with a count") {
    Loaded loaded = load_text(base + "targts: {}\ncontrol:\n  group: [a]\nlineages: { example.com: {} }\n");
    CHECK(render(loaded.diagnostics, false) ==
          "certd.yaml:4:1: error: Unknown key 'targts'\n"
          "    targts: {}\n"
          "    ^\n"
          "    hint: did you mean 'targets'?\n"
          "certd.yaml:6:10: error: control.group must be one value (group, or \"\" for none), not a list\n"
          "      group: [a]\n"
          "             ^\n"
          "certd.yaml:7:13: warning: The lineage 'example.com' has no targets: nothing checks that it is served\n"
          "    lineages: { example.com: {} }\n"
          "                ^\n"
          "    hint: add targets: [NAME]\n"
          "2 errors, 1 warning\n");
}

TEST_CASE("the closing line counts in the singular too, and nothing found is nothing said") {
    std::vector<Diagnostic> one = {finding("Wrong")};
    CHECK(render(one, false).ends_with("\n1 error\n"));
    one[0].level = Diagnostic::Level::warning;
    CHECK(render(one, false).ends_with("\n1 warning\n"));
    CHECK(render({}, false).empty());
}

TEST_CASE("colours mark the level and the caret, and nothing else differs") {
    std::vector<Diagnostic> one = {finding("Wrong", "abc", 2)};
    CHECK(render(one, true) ==
          "\x1b[1mcertd.yaml:3:2:\x1b[0m \x1b[1;31merror:\x1b[0m Wrong\n    abc\n     \x1b[1;32m^\x1b[0m\n1 error\n");
}

TEST_CASE("the caret stands under the column also behind wide escapes, tabs and letters of several octets") {
    auto caret_line = [](std::string line, std::uint32_t column) {
        std::vector<Diagnostic> one = {finding("Wrong", std::move(line), column)};
        std::string text = render(one, false);
        text = text.substr(text.find('\n') + 1);
        return text.substr(0, text.find('^') + 1);
    };
    CHECK(caret_line("\xC3\xBC: x", 5) == "    \xC3\xBC: x\n       ^");
    CHECK(caret_line("\ta: x", 2) == "     a: x\n     ^");
    CHECK(caret_line("\x1b: x", 4) == "    \\x1B: x\n          ^");
    CHECK(caret_line("abc", 40) == "    abc\n       ^");
}

TEST_CASE("a long line is shown as a window around the column") {
    std::vector<Diagnostic> one = {finding("Wrong", std::string(5000, 'a') + "X" + std::string(5000, 'b'), 5001)};
    CHECK(render(one, false) == "certd.yaml:3:5001: error: Wrong\n    …" + std::string(60, 'a') + "X" +
                                    std::string(39, 'b') + "…\n    " + std::string(61, ' ') + "^\n1 error\n");
}

TEST_CASE("hostile values reach a terminal escaped, on one line, and cut") {
    Loaded loaded = load_text("state_dir: \"\\x1b]0;owned\\a\\nfake: line\\u202e\"\n\"k\\x1b[2J\": 1\n");
    std::string text = render(loaded.diagnostics, false);
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find('\a') == std::string::npos);
    CHECK(text.find("\xE2\x80\xAE") == std::string::npos);
    CHECK(text.find("error: state_dir must be an absolute path, not '\\x1B]0;owned\\x07\\nfake: line\\u{202E}'\n") !=
          std::string::npos);
    CHECK(text.find("error: Unknown key 'k\\x1B[2J'\n") != std::string::npos);

    loaded = load_text("state_dir: " + std::string(3000, 'z') + "\n");
    CHECK(loaded.diagnostics.at(0).message ==
          "state_dir must be an absolute path, not '" + std::string(80, 'z') + "…'");
}

TEST_CASE("errors become one Problem that names the first and counts the rest") {
    Loaded loaded = load_text("targts: {}\nstate_dir: x\n");
    Problem problem = to_problem(loaded.diagnostics);
    CHECK(problem.code == "config.invalid");
    CHECK(problem.kind == ProblemKind::config);
    CHECK(problem.what == "certd.yaml:1:1: Unknown key 'targts' (and 1 more error)");
    CHECK(problem.hint == "did you mean 'targets'?");
    REQUIRE(problem.parts.size() == 2);
    CHECK(problem.parts[1].what == "certd.yaml:2:12: state_dir must be an absolute path, not 'x'");

    std::vector<Diagnostic> one = {finding("Wrong")};
    one[0].code = "config.permissions";
    problem = to_problem(one);
    CHECK(problem.code == "config.permissions");
    CHECK(problem.what == "certd.yaml:3:1: Wrong");
    CHECK(problem.parts.empty());
}

TEST_CASE("warnings are no part of the Problem") {
    std::vector<Diagnostic> two = {finding("Doubtful"), finding("Wrong")};
    two[0].level = Diagnostic::Level::warning;
    CHECK(to_problem(two).what == "certd.yaml:3:1: Wrong");
    CHECK(has_errors(two));
    two.pop_back();
    CHECK_FALSE(has_errors(two));
}
