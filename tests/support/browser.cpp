// WebDriver over curl: one request a command.
#include "tests/support/browser.hpp"

#include "libacme/base/bytes.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace certd::test {

namespace {

constexpr Limit command_limit = 60s;

}  // namespace

Browser::Browser(std::filesystem::path directory) : directory_(std::move(directory)), port_(free_port()) {
    std::filesystem::create_directories(directory_ / "profile");
    driver_ = std::make_unique<Child>(
        std::vector<std::string>{program("chromedriver"), fmt::format("--port={}", port_)},
        ChildOptions{.environment = {"HOME=" + directory_.string()}, .output = directory_ / "chromedriver.log"});
    if (!eventually(30s, [&] { return call("GET", "/status")["value"].bool_or("ready"); }))
        throw std::runtime_error("chromedriver does not answer: " + read_file(directory_ / "chromedriver.log"));
    Json arguments = Json::array();
    for (const char* argument : {"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                                 "--disable-background-networking", "--disable-component-update", "--disable-sync",
                                 "--disable-dev-shm-usage", "--window-size=1280,1400"})
        arguments.push(argument);
    arguments.push("--user-data-dir=" + (directory_ / "profile").string());
    Json options = Json::object({{"args", std::move(arguments)}, {"binary", program("chromium")}});
    Json capabilities = Json::object(
        {{"alwaysMatch", Json::object({{"browserName", "chrome"}, {"goog:chromeOptions", std::move(options)}})}});
    session_ = call("POST", "/session", Json::object({{"capabilities", std::move(capabilities)}}))["value"].string_or(
        "sessionId");
    if (session_.empty()) throw std::runtime_error("no browser: " + read_file(directory_ / "chromedriver.log"));
}

Browser::~Browser() {
    if (!session_.empty()) call("DELETE", "/session/" + session_);
}

Json Browser::call(const std::string& method, const std::string& path, const Json& body) {
    std::vector<std::string> argv{program("curl"), "-s", "-X", method, "-H", "Content-Type: application/json"};
    if (method == "POST") argv.insert(argv.end(), {"--data-binary", to_text(body)});
    argv.push_back(fmt::format("http://127.0.0.1:{}{}", port_, path));
    const Output answer = run(std::move(argv), {.limit = command_limit});
    return parse_json(answer.out, {std::size_t{16} << 20, 64}).value_or(Json());
}

void Browser::go(const std::string& url) {
    call("POST", "/session/" + session_ + "/url", Json::object({{"url", url}}));
}

Json Browser::run_script(const std::string& script) {
    return call("POST", "/session/" + session_ + "/execute/sync",
                Json::object({{"script", script}, {"args", Json::array()}}))["value"];
}

std::string Browser::ask(const std::string& script) {
    const Json value = run_script(script);
    return value.if_string() ? *value.if_string() : std::string();
}

void Browser::press(const std::string& css, const std::string& keys) {
    const Json found = call("POST", "/session/" + session_ + "/element",
                            Json::object({{"using", "css selector"}, {"value", css}}))["value"];
    if (!found.is_object()) throw std::runtime_error("no element " + css);
    call("POST", fmt::format("/session/{}/element/{}/value", session_, *found.if_object()->front().second.if_string()),
         Json::object({{"text", keys}}));
}

void Browser::resize(int width, int height) {
    call("POST", "/session/" + session_ + "/goog/cdp/execute",
         Json::object(
             {{"cmd", "Emulation.setDeviceMetricsOverride"},
              {"params",
               Json::object(
                   {{"width", width}, {"height", height}, {"deviceScaleFactor", 1}, {"mobile", width < 600}})}}));
}

void Browser::prefer(const std::string& scheme) {
    Json feature = Json::object({{"name", "prefers-color-scheme"}, {"value", scheme}});
    call("POST", "/session/" + session_ + "/goog/cdp/execute",
         Json::object({{"cmd", "Emulation.setEmulatedMedia"},
                       {"params", Json::object({{"features", Json::array({std::move(feature)})}})}}));
}

void Browser::screenshot(const std::filesystem::path& file) {
    const auto octets = parse_base64(call("GET", "/session/" + session_ + "/screenshot").string_or("value"));
    if (!octets) throw std::runtime_error("no screenshot");
    std::filesystem::create_directories(file.parent_path());
    write_file(file, std::string(octets->begin(), octets->end()));
}

}  // namespace certd::test
