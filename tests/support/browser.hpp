// A headless Chromium, driven through chromedriver by the few commands of WebDriver (W3C) that the tests need.
#pragma once

#include "libacme/base/json.hpp"
#include "tests/support/child.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace certd::test {

class Browser {
   public:
    explicit Browser(std::filesystem::path directory);  // for its profile and log
    ~Browser();
    Browser(const Browser&) = delete;
    Browser& operator=(const Browser&) = delete;

    void go(const std::string& url);
    // The value of `return …;` of a script in the page.
    Json run_script(const std::string& script);
    std::string text() { return ask("return document.body.innerText;"); }
    std::string ask(const std::string& script);                   // of a script that returns a text
    void press(const std::string& css, const std::string& keys);  // sends keys to the first element that fits
    void resize(int width, int height);
    void prefer(const std::string& scheme);  // "dark", "light"
    void screenshot(const std::filesystem::path& file);

   private:
    Json call(const std::string& method, const std::string& path, const Json& body = Json::object());

    std::filesystem::path directory_;
    std::uint16_t port_;
    std::unique_ptr<Child> driver_;
    std::string session_;
};

}  // namespace certd::test
