#include "config/document.hpp"

#include "tests/unit/config/fixture.hpp"

using namespace certd::config;
using namespace certd::config::test;

namespace {

struct Parsed {
    explicit Parsed(std::string text) : source(&report.add(Source("certd.yaml", std::move(text)))) {
        document = Document::parse(*source, report);
        diagnostics = report.take();
    }
    std::string finding() const {
        if (diagnostics.empty()) return "none";
        const Diagnostic& first = diagnostics.front();
        return fmt::format("{}:{} {}", first.line, first.column, first.message);
    }
    Report report;
    const Source* source;
    std::optional<Document> document;
    std::vector<Diagnostic> diagnostics;
};

std::string place(TreeNode node) {
    return fmt::format("{}:{}", node.location().line, node.location().column);
}

}  // namespace

TEST_CASE("the tree knows the place of every key and value") {
    Parsed parsed("# comment\na: 1\nlist:\n  - x\n  - { k: 'v' }\nempty:\n");
    REQUIRE(parsed.document);
    TreeNode root = parsed.document->root();
    REQUIRE(root.size() == 3);
    CHECK(place(root.key(0)) == "2:1");
    CHECK(place(root.value(0)) == "2:4");
    TreeNode list = *root.find("list");
    CHECK(list.is_sequence());
    CHECK(place(list.item(0)) == "4:5");
    CHECK(list.item(0).text() == "x");
    CHECK(place(list.item(1).key(0)) == "5:7");
    CHECK(list.item(1).find("k")->text() == "v");
    CHECK(root.find("empty")->kind() == TreeNode::Kind::null);
    CHECK(place(*root.find("empty")) == "6:1");
    CHECK_FALSE(root.find("missing"));
}

TEST_CASE("an empty file, a comment and a byte order mark are no content") {
    for (const char* text : {"", "\n\n", "# nothing\n", "\xEF\xBB\xBF# nothing\n", "---\n", "---\n...\n"}) {
        Parsed parsed(text);
        REQUIRE(parsed.document);
        CHECK(parsed.document->root().kind() == TreeNode::Kind::null);
        CHECK(parsed.finding() == "none");
    }
    Parsed marked(
        "\xEF\xBB\xBF"
        "a: 1\r\nb: 2\r\n");
    REQUIRE(marked.document);
    CHECK(place(marked.document->root().key(0)) == "1:1");
    CHECK(marked.document->root().find("a")->text() == "1");
}

TEST_CASE("block texts keep their lines") {
    Parsed parsed("a: |\n  one\n  two\nb: 3\n");
    REQUIRE(parsed.document);
    CHECK(parsed.document->root().find("a")->text() == "one\ntwo\n");
    CHECK(parsed.document->root().find("b")->text() == "3");
}

TEST_CASE("a syntax error has a place and words of our own") {
    struct Case {
        const char* text;
        const char* finding;
    };
    auto [text, finding] = GENERATE(
        Case{"a: b: c\n", "1:5 Unexpected ':'"}, Case{"state_dir /x\ncontrol:\n  a: 1\n", "2:8 Unexpected ':'"},
        Case{"a: [1, 2\nb: 3\n", "1:4 This list has no end"}, Case{"x: 1\na: {b: 1\n", "2:4 This mapping has no end"},
        Case{"a: @x\n", "1:4 A value cannot begin with this character"},
        Case{"names: [*.example.com]\n", "1:9 A value that begins with '*' needs quotation marks"},
        Case{"names:\n  - *.example.com\n", "2:5 A value that begins with '*' needs quotation marks"},
        Case{"a:\n\tb: 1\n", "2:1 A tab cannot indent"},
        Case{"a: 1\nb: \"x\n", "2:1 A text after this point has no closing quotation mark"},
        Case{"a: \"\\q\"\n", "1:7 Not valid YAML: unknown escape character: q"},
        Case{"a: 1\n---\nb: 1\n", "2:1 A file holds one document only"},
        Case{"a: &x {b: 1}\nc: *x\n", "2:4 Aliases are not supported"},
        Case{"a: &x {b: 1}\nc: {<<: *x}\n", "2:9 Aliases are not supported"},
        Case{"a: !!binary aGk=\n", "1:4 Tags are not supported"},
        Case{"? [a]\n: b\n", "1:3 A key must be a plain word"}, Case{"{a: 1}: b\n", "1:1 A key must be a plain word"},
        Case{"~: b\n", "1:1 A key must be a plain word"});
    Parsed parsed(text);
    CHECK(parsed.finding() == finding);
    CHECK_FALSE(parsed.document);
}

TEST_CASE("every repeated key is reported with the line of the first one, and the rest of the file is still read") {
    auto found = findings(base + "control: { group: a, group: b }\ncontrol: {}\nstate_dir: x\n");
    CHECK(
        found ==
        Lines{"4:22 error: The key 'group' is here for the second time; it is on line 4 already (keep one of the two)",
              "5:1 error: The key 'control' is here for the second time; it is on line 4 already (keep one of the two)",
              "6:12 error: state_dir must be an absolute path, not 'x'"});
}

TEST_CASE("control characters and invalid UTF-8 are refused before the scanner sees them") {
    struct Case {
        std::string text;
        const char* finding;
    };
    auto [text, finding] = GENERATE(Case{std::string("a: 1\nb: \0x\n", 11), "2:4 A control character (0x00)"},
                                    Case{"a: 1\n\x04"
                                         "b: 2\n",
                                         "2:1 A control character (0x04)"},
                                    Case{"a: \x1b[2J\n", "1:4 A control character (0x1B)"},
                                    Case{"a: \xC2\x9B\n", "1:4 An octet that is not UTF-8 text (0xC2)"},
                                    Case{"a: \xFF\n", "1:4 An octet that is not UTF-8 text (0xFF)"},
                                    Case{"a: \xC0\xAF\n", "1:4 An octet that is not UTF-8 text (0xC0)"},
                                    Case{"a: \xED\xA0\x80\n", "1:4 An octet that is not UTF-8 text (0xED)"},
                                    Case{"a: \xF4\x90\x80\x80\n", "1:4 An octet that is not UTF-8 text (0xF4)"},
                                    Case{"a: \xE2\x82\n", "1:4 An octet that is not UTF-8 text (0xE2)"});
    Parsed parsed(text);
    CHECK(parsed.finding() == finding);
    CHECK_FALSE(parsed.document);
}

TEST_CASE("text beyond ASCII is welcome") {
    Parsed parsed("ü: ü€𝄞\n");
    REQUIRE(parsed.document);
    CHECK(parsed.document->root().find("ü")->text() == "ü€𝄞");
}

TEST_CASE("nesting without end is refused, fast and with little memory") {
    auto repeated = [](std::string_view piece, std::size_t count) {
        std::string text;
        for (std::size_t i = 0; i < count; ++i)
            text += piece;
        return text;
    };
    CHECK(Parsed(repeated("[\n", 1'000'000)).finding() == "0:0 The file is nested too deeply");
    CHECK(Parsed(repeated("{a: \n", 100'000)).finding() == "0:0 The file is nested too deeply");
    CHECK(Parsed("a:\n  " + repeated("[", 5'000) + repeated("]", 5'000)).finding() ==
          "2:34 The file is nested too deeply");
    CHECK(Parsed(repeated("- ", 5'000)).finding() == "1:65 The file is nested too deeply");
    CHECK(Parsed(repeated("? ", 5'000)).finding().ends_with("A key must be a plain word"));
    CHECK(Parsed("a: " + repeated("[", 30) + repeated("]", 30) + "\n").finding() == "none");
}

TEST_CASE("a file above 16 MiB and a line above 64 KiB are refused") {
    CHECK(Parsed(std::string(std::size_t{17} << 20, '\n')).finding() == "0:0 The file is larger than 16 MiB");
    CHECK(Parsed("a: 1\nb: " + std::string(70'000, 'x') + "\n").finding() == "2:1 The line is longer than 64 KiB");
}

TEST_CASE("a truncated file is refused or read, but never crashes the reader") {
    const std::string text = base + web + "log: { level: \"debug\", file: '/var/log/x' }\n# end\n";
    for (std::size_t length = 0; length <= text.size(); ++length) {
        Loaded loaded = load_text(text.substr(0, length));
        CHECK((loaded.config != nullptr) == !has_errors(loaded.diagnostics));
    }
}
