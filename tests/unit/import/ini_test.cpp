#include "daemon/import/ini.hpp"
#include "tests/support/catch.hpp"

#include <string>

using namespace certd;
using namespace certd::certbot;

namespace {

using Items = std::vector<std::string>;

Items items(const std::string& line) {
    Result<IniSection> read = parse_ini("key = " + line, "x.conf");
    INFO(line << ": " << (read ? std::string() : read.error().what));
    REQUIRE(read);
    return read->values.at("key").items;
}

bool is_list(const std::string& line) {
    return parse_ini("key = " + line, "x.conf").value().values.at("key").is_list;
}

std::string fault(const std::string& text) {
    Result<IniSection> read = parse_ini(text, "x.conf");
    REQUIRE(!read);
    CHECK(read.error().code == "import.syntax");
    return read.error().what;
}

}  // namespace

TEST_CASE("values are text, and lists where a comma stands outside of quotes") {
    CHECK(items("plain text") == Items{"plain text"});
    CHECK(items("") == Items{""});
    CHECK(items("'echo a, b' # comment") == Items{"echo a, b"});
    CHECK(items("\"it's\"") == Items{"it's"});
    CHECK(items("a # comment") == Items{"a"});
    CHECK(items("say \"hi\" now") == Items{"say \"hi\" now"});
    CHECK(items("/var/www,") == Items{"/var/www"});
    CHECK(items("a, 'b, c' , d") == Items{"a", "b, c", "d"});
    CHECK(items(",").empty());
    CHECK(items("'''both \" and '  '''") == Items{"both \" and '  "});
    CHECK(items("\"\"\"one\ntwo\"\"\"") == Items{"one\ntwo"});
    CHECK(is_list("/var/www,"));
    CHECK(is_list(","));
    CHECK(!is_list("'a, b'"));
}

TEST_CASE("sections nest by the number of their brackets") {
    IniSection root =
        parse_ini("a = 1\n[one]\nb = 2\n[[two]]\nexample.com = /srv\n[three]\n\"c d\" = 3\r\n", "x").value();
    CHECK(root.values.at("a").items == Items{"1"});
    REQUIRE(root.find("one") != nullptr);
    REQUIRE(root.find("one")->find("two") != nullptr);
    CHECK(root.find("one")->find("two")->values.at("example.com").items == Items{"/srv"});
    CHECK(root.find("one")->find("two")->values.at("example.com").line == 5);
    REQUIRE(root.find("three") != nullptr);
    CHECK(root.find("three")->values.at("c d").items == Items{"3"});
    CHECK(root.find("two") == nullptr);
}

TEST_CASE("what is wrong in a file of settings is told with its line") {
    CHECK(fault("a = 1\nnonsense\n") == "x.conf:2: neither a section nor KEY = VALUE");
    CHECK(fault("a = 'open\n") == "x.conf:1: the quotation mark has no counterpart");
    CHECK(fault("\n[one\n") == "x.conf:2: the brackets around the section's name do not match");
    CHECK(fault("[[two]]\n") == "x.conf:1: the section is nested too deep for its place");
    CHECK(fault("[a]\n[a]\n") == "x.conf:2: the section a is here twice");
    CHECK(fault("a = 1\na = 2\n") == "x.conf:2: the key is here for the second time");
    CHECK(fault("a = '''x\ny\n") == "x.conf:1: the three quotation marks have no counterpart");
    CHECK(fault("a = 'x' y\n") == "x.conf:1: there is text behind the value");
    CHECK(fault("a = %(b)s\n") == "x.conf:1: %(NAME)s is not replaced: write its value");
    CHECK(fault(std::string("a = \0", 5)).find("NUL") != std::string::npos);
    CHECK(fault(std::string(ini_size_limit + 1, 'a')).find("1 MiB") != std::string::npos);
}

TEST_CASE("settings that are cut anywhere are read or refused") {
    const std::string whole = "a = 'b, c', d\n[one]\n[[two]]\nx = '''y\nz''' # w\n\"k\" = ,\n[three]\nlast = \"v\"\n";
    for (std::size_t length = 0; length <= whole.size(); ++length) {
        for (const char* end : {"", "\n", "'", "[", ","}) {
            Result<IniSection> read = parse_ini(whole.substr(0, length) + end, "x");
            if (!read) CHECK(read.error().code == "import.syntax");
        }
    }
    CHECK(parse_ini(whole, "x"));
}
