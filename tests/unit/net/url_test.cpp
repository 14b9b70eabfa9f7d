#include "libacme/net/url.hpp"
#include "tests/support/catch.hpp"

using namespace certd;

namespace {

std::string refusal(std::string_view text) {
    const auto url = parse_url(text);
    return url ? "" : url.error().code;
}

std::string resolved(std::string_view base, std::string_view reference) {
    const auto url = resolve_url(*parse_url(base), reference);
    return url ? url->text : url.error().code;
}

}  // namespace

TEST_CASE("a URL is split into scheme, host, port and target and its text is kept octet for octet") {
    const auto url = parse_url("HTTPS://Acme.Example:14000/a%2Fb/../c?x=1&y=%7e").value();
    CHECK(url.text == "HTTPS://Acme.Example:14000/a%2Fb/../c?x=1&y=%7e");
    CHECK(url.scheme == "https");
    CHECK(url.host == "acme.example");
    CHECK(url.port == 14000);
    CHECK(url.target == "/a%2Fb/../c?x=1&y=%7e");
    CHECK(url.host_header() == "acme.example:14000");
    CHECK(url.origin() == "https://acme.example:14000");
}

TEST_CASE("a URL without port has the scheme's own, which the Host header leaves out") {
    CHECK(parse_url("https://a.example")->port == 443);
    CHECK(parse_url("https://a.example:443/")->host_header() == "a.example");
    CHECK(parse_url("https://a.example:")->port == 443);
    CHECK(parse_url("http://a.example")->port == 80);
    CHECK(parse_url("http://a.example")->target == "/");
    CHECK(parse_url("https://a.example?q")->target == "/?q");
}

TEST_CASE("an IPv6 host loses its brackets and gets them back in the Host header") {
    const auto url = parse_url("https://[::1]:14000/dir").value();
    CHECK(url.host == "::1");
    CHECK(url.host_header() == "[::1]:14000");
    CHECK(url.origin() == "https://[::1]:14000");
    CHECK(url.host_is_ip());
    CHECK(parse_url("https://127.0.0.1/")->host_is_ip());
    CHECK_FALSE(parse_url("https://a.example/")->host_is_ip());
}

TEST_CASE("hostile and ambiguous URLs are refused") {
    const std::string_view hostile[] = {
        "",
        "/dir",
        "//host/dir",
        "ftp://a.example/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https:/a.example",
        "https://",
        "https:///path",
        "https://user@a.example/",
        "https://a.example@evil.example/",
        "https://a.example/#frag",
        "https://a.example/a b",
        "https://a.example/\r\nX: y",
        "https://a.example/\x7f",
        "https://a.example/\xc3\xa4",
        "https://a.example\\@evil.example/",
        "https://a.example/<x>",
        "https://a.example/`id`",
        "https://a.example/{x}",
        "https://a.example:0/",
        "https://a.example:65536/",
        "https://a.example:99999999999/",
        "https://a.example:80x/",
        "https://a.example:-1/",
        "https://2130706433/",
        "https://127.1/",
        "https://0x7f.0.0.1/",
        "https://127.0.0.0x1/",
        "https://1.2.3.256/",
        "https://a..example/",
        "https://.example/",
        "https://[::1/",
        "https://[::1%25lo]/",
        "https://[127.0.0.1]/",
        "https://[::1]x/",
        "https://a.example/%",
        "https://a.example/%4",
        "https://a.example/%zz",
        "https://a%2eexample/",
        "https://$(id)/",
    };
    for (const auto text : hostile) {
        CAPTURE(std::string(text));
        CHECK(refusal(text) == "net.url");
    }
    CHECK(refusal("https://a.example/" + std::string(2100, 'a')) == "net.url");
    CHECK(refusal("https://" + std::string(300, 'a') + ".example/") == "net.url");
    CHECK(refusal(std::string("https://a.example/\0x", 20)) == "net.url");
}

TEST_CASE("a refused URL is kept apart from our words about it") {
    const auto problem = parse_url("https://user@a.example/").error();
    CHECK(problem.what == "Refused a URL: it carries a user name");
    CHECK(problem.remote == "https://user@a.example/");
}

TEST_CASE("references are resolved as RFC 3986 section 5.4 lists them") {
    const std::string base = "http://a/b/c/d;p?q";
    const std::pair<std::string, std::string> table[] = {
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {";x", "http://a/b/c/;x"},
        {"g;x", "http://a/b/c/g;x"},
        {"g;x?y", "http://a/b/c/g;x?y"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {"..g", "http://a/b/c/..g"},
        {"./../g", "http://a/b/g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
    };
    for (const auto& [reference, expected] : table) {
        CAPTURE(reference);
        CHECK(resolved(base, reference) == expected);
    }
}

TEST_CASE("an absolute reference is taken as it is, and a relative one keeps the base's authority") {
    CHECK(resolved("https://ca.example:14000/dir", "https://CA.example/x/../y") == "https://CA.example/x/../y");
    CHECK(resolved("https://ca.example:14000/dir", "/acme/order/1") == "https://ca.example:14000/acme/order/1");
    CHECK(resolved("https://ca.example", "x") == "https://ca.example/x");
    CHECK(resolved("https://ca.example?q", "x") == "https://ca.example/x");
}

TEST_CASE("a reference that leaves https or hides something is refused") {
    CHECK(resolved("https://ca.example/", "ftp://x/") == "net.url");
    CHECK(resolved("https://ca.example/", "javascript:1") == "net.url");
    CHECK(resolved("https://ca.example/", "//user@evil.example/") == "net.url");
    CHECK(resolved("https://ca.example/", "/a\r\nb") == "net.url");
    CHECK(resolved("https://ca.example/", "#x") == "net.url");
}
