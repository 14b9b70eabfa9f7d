// Log sinks over spdlog.
#include "daemon/observe/log.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <cstdlib>

#include <fmt/format.h>

namespace certd {

namespace {

// sd-daemon(3): a line that begins with "<N>" carries its syslog priority.
std::string_view journal_prefix(Severity severity) {
    switch (severity) {
        case Severity::debug:
            return "<7>";
        case Severity::info:
            return "<6>";
        case Severity::notice:
            return "<5>";
        case Severity::warning:
            return "<4>";
        case Severity::error:
            return "<3>";
        case Severity::critical:
            return "<2>";
    }
    return "";
}

spdlog::sink_ptr make_spdlog_sink(const config::Log& config) {
    if (!config.file) return std::make_shared<spdlog::sinks::stderr_sink_st>();
    try {
        return std::make_shared<spdlog::sinks::rotating_file_sink_st>(*config.file, config.max_size, config.max_files);
    } catch (const spdlog::spdlog_ex& error) {
        fail("storage.io", "Cannot open the log file " + *config.file, error.what());
    }
}

}  // namespace

std::string log_line(const Event& event, config::Log::Format format, bool with_time) {
    if (format == config::Log::Format::json) return to_text(to_json(event));
    std::string text = with_time ? format_rfc3339(std::chrono::floor<seconds>(event.at)) + " " : "";
    return fmt::format("{}{} {}", text, to_string(event.severity), render(event));
}

EventSink make_log_sink(const config::Log& config) {
    auto logger = std::make_shared<spdlog::logger>("certd", make_spdlog_sink(config));
    logger->set_pattern("%v");
    logger->set_level(spdlog::level::trace);
    logger->flush_on(spdlog::level::trace);
    Severity least = severity_from(config.level).value_or(Severity::info);
    bool journal = !config.file && std::getenv("JOURNAL_STREAM") != nullptr;
    return [logger, least, journal, format = config.format](Event event) {
        if (event.severity < least) return;
        logger->info("{}{}", journal ? journal_prefix(event.severity) : "", log_line(event, format, !journal));
    };
}

}  // namespace certd
