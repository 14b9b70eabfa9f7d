#include "daemon/observe/log.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_directory.hpp"

#include <fstream>
#include <sstream>

using namespace certd;

namespace {

std::string content(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

Event warning(std::string message) {
    Event event;
    event.at = *parse_rfc3339("2026-11-23T10:00:00.250Z");
    event.severity = Severity::warning;
    event.message = std::move(message);
    return event;
}

}  // namespace

TEST_CASE("a log line is time, severity and message, and as JSON it is the event") {
    CHECK(log_line(warning("Disk is slow"), config::Log::Format::text, true) ==
          "2026-11-23T10:00:00Z warning Disk is slow");
    CHECK(log_line(warning("a\nb"), config::Log::Format::text, false) == "warning a\\nb");
    CHECK(parse_json(log_line(warning("x"), config::Log::Format::json, true))->string_or("message") == "x");
}

TEST_CASE("the log file gets events of its level and rotates by size") {
    test::TempDirectory directory;
    config::Log config;
    config.file = (directory.path() / "certd.log").string();
    config.level = "warning";
    config.max_size = 2000;
    config.max_files = 2;
    EventSink sink = make_log_sink(config);
    Event quiet = warning("unheard");
    quiet.severity = Severity::info;
    sink(quiet);
    for (int i = 0; i < 100; ++i)
        sink(warning("line " + std::to_string(i)));
    CHECK(content(*config.file).find("line 99") != std::string::npos);
    CHECK(content(*config.file).find("unheard") == std::string::npos);
    CHECK(std::filesystem::exists(directory.path() / "certd.1.log"));
    CHECK(std::filesystem::file_size(*config.file) <= 2000);
}

TEST_CASE("a log file that cannot be opened is a problem, not a crash") {
    config::Log config;
    config.file = "/dev/null/certd.log";
    CHECK_THROWS_AS(make_log_sink(config), Failure);
}
