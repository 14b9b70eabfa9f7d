#include "tests/support/daemon.hpp"

#include <csignal>
#include <cstdlib>
#include <sstream>
#include <stdexcept>

namespace certd::test {

namespace {

std::string from_environment(const char* name, const char* fallback) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : fallback;
}

}  // namespace

std::string certd_program() {
    return from_environment("CERTD_PROGRAM", CERTD_BUILT_PROGRAM);
}
std::string certctl_program() {
    return from_environment("CERTCTL_PROGRAM", CERTCTL_BUILT_PROGRAM);
}

Daemon::Daemon(std::filesystem::path directory) : directory_(std::move(directory)) {
    std::filesystem::create_directories(directory_);
}

void Daemon::configure(const std::string& yaml) const {
    write_file(configuration_file(), yaml);
}

void Daemon::launch(ChildOptions options, std::vector<std::string> wrapper) {
    options.output = directory_ / "certd.log";
    std::vector<std::string> argv = std::move(wrapper);
    argv.insert(argv.end(), {certd_program(), "--config", configuration_file()});
    child_ = std::make_unique<Child>(std::move(argv), std::move(options));
}

void Daemon::start(ChildOptions options) {
    launch(std::move(options));
    if (!wait_ready()) throw std::runtime_error("certd did not become ready:\n" + log());
}

bool Daemon::wait_ready(Limit limit) {
    const auto answers = [&] {
        const int code = ctl({"plan"}, {{}, {}, 5s}).exit_code;
        return code == 0 || code == 4;
    };
    return eventually(limit, [&] { return !child_->alive() || answers(); }) && child_->alive();
}

void Daemon::terminate() {
    child_->signal(SIGTERM);
    const auto ended = child_->wait(10s);
    if (!ended) throw std::runtime_error("certd did not end within 10 s of SIGTERM:\n" + log());
    if (ended->exit_code != 0) {
        throw std::runtime_error("certd ended with exit code " + std::to_string(ended->exit_code) + ", signal " +
                                 std::to_string(ended->signal) + ":\n" + log());
    }
}

void Daemon::kill() {
    child_->signal(SIGKILL);
    child_->wait(5s);
}

Output Daemon::ctl(std::vector<std::string> arguments, RunOptions options) const {
    std::vector<std::string> argv{certctl_program(), "--socket", socket()};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return run(std::move(argv), std::move(options));
}

Json Daemon::json(std::vector<std::string> arguments) const {
    arguments.emplace_back("--json");
    const Output output = ctl(arguments);
    if (output.exit_code != 0 && output.exit_code != 4) {
        throw std::runtime_error("certctl " + arguments.front() + ": exit code " + std::to_string(output.exit_code) +
                                 "\n" + output.both() + "\n" + log());
    }
    return value_or_fail(parse_json(output.out));
}

Json Daemon::lineage(const std::string& name) const {
    const Json answer = json({"status", name});
    const Json& list = answer.is_array() ? answer : answer["lineages"];
    if (const Json::Array* items = list.if_array(); items != nullptr && !items->empty()) return items->front();
    return answer;
}

bool Daemon::reaches(const std::string& name, const std::string& state, Limit limit) const {
    return eventually(limit, [&] { return this->state(name) == state; });
}

std::uint32_t Daemon::version(const std::string& name) const {
    return static_cast<std::uint32_t>(lineage(name).int_or("version"));
}

std::string Daemon::metrics() const {
    return run({program("curl"), "-sS", "--unix-socket", socket(), "http://certd/metrics"}).out;
}

double Daemon::metric(const std::string& sample) const {
    std::istringstream lines(metrics());
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with(sample + " ")) return std::stod(line.substr(sample.size() + 1));
    }
    return 0;
}

std::string Daemon::log() const {
    return read_file(directory_ / "certd.log");
}

}  // namespace certd::test
