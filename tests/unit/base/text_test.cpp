#include "libacme/base/text.hpp"
#include "tests/support/catch.hpp"

#include <array>
#include <string>

using namespace certd;

TEST_CASE("foreign text becomes one printable line") {
    CHECK(escape_untrusted("plain ünïcode ✓") == "plain ünïcode ✓");
    CHECK(escape_untrusted("\x1b]0;title\x07") == "\\x1B]0;title\\x07");
    CHECK(escape_untrusted("a\nERROR fake\r") == "a\\nERROR fake\\x0D");
    CHECK(escape_untrusted("tab\there") == "tab here");
    CHECK(escape_untrusted("\xc2\x9b"
                           "2J") == "\\u{009B}2J");  // C1 CSI
    CHECK(escape_untrusted("\xe2\x80\xae"
                           "gpj") == "\\u{202E}gpj");              // right-to-left override
    CHECK(escape_untrusted("\xff\xc0\xaf") == "\\xFF\\xC0\\xAF");  // invalid and overlong UTF-8
    CHECK(escape_untrusted("\xed\xa0\x80") == "\\xED\\xA0\\x80");  // a surrogate
    CHECK(escape_untrusted(std::string_view("a\0b", 3)) == "a\\x00b");
}

TEST_CASE("foreign text is cut to its limit with an ellipsis") {
    std::string million(1'000'000, 'x');
    std::string cut = escape_untrusted(million);
    CHECK(cut.size() <= 1024);
    CHECK(cut.ends_with("…"));
    CHECK(escape_untrusted("12345", 5) == "12345");
    CHECK(escape_untrusted("123456", 5) == "12…");
    CHECK(escape_untrusted("ab", 1).size() <= 1);
}

TEST_CASE("did_you_mean proposes the nearest likely word only") {
    constexpr std::array<std::string_view, 3> words = {"targets", "lineages", "install"};
    CHECK(did_you_mean("target", words) == "targets");
    CHECK(did_you_mean("lineagse", words) == "lineages");
    CHECK(did_you_mean("mdoe", std::array<std::string_view, 1>{"mode"}) == "mode");
    CHECK_FALSE(did_you_mean("completely", words));
    CHECK_FALSE(did_you_mean(std::string(5000, 'x'), words));
}

TEST_CASE("splitting, joining and trimming keep every part") {
    CHECK(split("a,,b", ',') == std::vector<std::string_view>{"a", "", "b"});
    CHECK(split("", ',').size() == 1);
    std::array<std::string, 2> parts = {"a", "b"};
    CHECK(join(parts, ", ") == "a, b");
    CHECK(trim(" \t x y\r\n") == "x y");
    CHECK(trim(" \n") == "");
    CHECK(equals_ignoring_case("Retry-After", "retry-aftER"));
    CHECK_FALSE(equals_ignoring_case("a", "ab"));
}
