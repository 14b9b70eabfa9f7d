// The status page as somebody with a browser sees it.
#include "tests/e2e/world.hpp"
#include "tests/support/browser.hpp"

#include <fmt/format.h>

using namespace certd::test;

namespace {

bool shows(Browser& browser, const std::string& text, Limit limit = 20s) {
    return eventually(limit, [&] { return browser.text().find(text) != std::string::npos; });
}

std::string background(Browser& browser) {
    return browser.ask("return getComputedStyle(document.body).backgroundColor;");
}

}  // namespace

TEST_CASE("the status page shows certificates, failures with their remedy, and what changes, as text") {
    World world;
    const std::uint16_t port = free_port();
    const std::string top = fmt::format("metrics: {{ listen: \"127.0.0.1:{}\" }}\n", port);
    const auto said = world.directory() / "said";
    const auto test = world.directory() / "test";
    write_file(test, fmt::format("#!/bin/sh\n[ ! -s {0} ] || {{ cat {0}; exit 1; }}\n", said.string()));
    std::filesystem::permissions(test, std::filesystem::perms::owner_all);
    world.issue_first({.test = fmt::format("[{}]", test.string()), .top = top});

    Browser browser(world.directory() / "browser");
    browser.go(fmt::format("http://127.0.0.1:{}/", port));
    INFO(browser.text());
    REQUIRE(shows(browser, "all 1 certificates ok"));
    REQUIRE(shows(browser, "live"));
    REQUIRE(browser.text().find("a.example.test") == std::string::npos);  // folded
    browser.press("summary", "\uE007");                                   // Enter
    REQUIRE(shows(browser, "a.example.test"));
    REQUIRE(shows(browser, world.live_fingerprint().substr(0, 16)));
    REQUIRE(
        browser.ask("return document.querySelector('#timeline svg').getAttribute('aria-label');").find("shop renews") ==
        0);

    REQUIRE(browser.text().find("Checklist") == std::string::npos);
    REQUIRE(world.certd.ctl({"doctor"}).exit_code == 4);  // nobody is told of anything

    // What a program says is shown as it is, and is nothing but text.
    write_file(said, "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>\n");
    REQUIRE(world.certd.ctl({"renew", "shop", "--force"}).exit_code == 1);
    REQUIRE(shows(browser, "1 of 1 certificates"));
    REQUIRE(shows(browser, "onerror=\"document.title='owned'\""));
    REQUIRE(shows(browser, "Checklist"));
    REQUIRE(shows(browser, "Nobody is told of failures: there is no notifier"));
    REQUIRE(browser.text().find("Remedy: ") != std::string::npos);
    REQUIRE(browser.text().find("deploy.test") != std::string::npos);
    REQUIRE(browser.run_script("return document.querySelectorAll('img, #problems script').length;") == certd::Json(0));
    REQUIRE(browser.ask("return document.title;") == "(1) certd");
    browser.screenshot(std::filesystem::path(CERTD_TEST_ARTEFACTS) / "status-page.png");

    // On a phone nothing is cut off, and in the dark nothing glares.
    const std::string light = background(browser);
    browser.prefer("dark");
    REQUIRE(background(browser) != light);
    browser.resize(375, 800);
    REQUIRE(browser.run_script("return document.documentElement.scrollWidth <= 375;") == certd::Json(true));
    browser.screenshot(std::filesystem::path(CERTD_TEST_ARTEFACTS) / "status-page-phone.png");

    // Mended behind its back: the page follows by itself.
    write_file(said, "");
    REQUIRE(world.certd.ctl({"deploy", "shop"}).exit_code == 0);
    REQUIRE(shows(browser, "all 1 certificates ok"));
}
