#include "daemon/deploy/ssh_host.hpp"

#include "libacme/async/as_result.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace certd {

namespace {

constexpr Duration after_command = seconds(8);  // for the host's own limit to be kept and told of, at the least
constexpr std::size_t short_answer = std::size_t{4} << 10;
constexpr std::size_t output_answer = std::size_t{64} << 10;
constexpr std::size_t file_answer = default_read_limit + short_answer;

bool goes_along(std::string_view variable) {
    return variable.starts_with("CERTD_") || variable.starts_with("RENEWED_");
}

std::string number_or_none(const std::optional<uid_t>& number) {
    return number ? std::to_string(*number) : "-";
}

std::string name_or_number(const std::string& name, const std::optional<uid_t>& number) {
    return name.empty() ? number_or_none(number) : name;
}

void add_installed(HostRequest& request, const InstalledFile& file) {
    request.file(file, name_or_number(file.owner_name, file.attributes.owner),
                 name_or_number(file.group_name, file.attributes.group));
}

Result<void> done_or_problem(const Result<HostAnswer>& answer) {
    if (!answer) return failure(answer.error());
    return {};
}

}  // namespace

Task<Result<std::optional<InstalledFile>>> SshHost::read(std::string path) {
    const std::string doing = "Reading " + path;
    const auto token = new_host_token();
    HostRequest request(token, "read");
    request.line("path", path);
    auto answer = co_await session_.ask(doing, std::move(request), token, session_.request_timeout(), file_answer);
    if (!answer) co_return failure(answer.error());
    auto file = parse_file(answer->body);
    if (!file) co_return failure(session_.malformed(doing, answer->body));
    if (*file) (*file)->path = path;
    co_return std::move(*file);
}

Task<Result<void>> SshHost::install(std::vector<InstalledFile> files) {
    const auto token = new_host_token();
    HostRequest request(token, "install");
    request.delivery(delivery_);
    for (const auto& file : files)
        add_installed(request, file);
    co_return done_or_problem(co_await session_.ask("Installing the files", std::move(request), token,
                                                    session_.request_timeout(), short_answer));
}

Task<Result<void>> SshHost::put_back(std::vector<InstalledFile> files) {
    const auto token = new_host_token();
    HostRequest request(token, "put-back");
    request.delivery(delivery_);
    for (const auto& file : files)
        request.file(file, number_or_none(file.attributes.owner), number_or_none(file.attributes.group));
    co_return done_or_problem(co_await session_.ask("Putting the files back", std::move(request), token,
                                                    session_.request_timeout(), short_answer));
}

Task<Result<void>> SshHost::remove(std::string path) {
    const auto token = new_host_token();
    HostRequest request(token, "remove");
    request.delivery(delivery_).line("path", path);
    co_return done_or_problem(
        co_await session_.ask("Removing " + path, std::move(request), token, session_.request_timeout(), short_answer));
}

Task<Result<ProcessResult>> SshHost::run(Command command) {
    if (command.user) {
        co_return failure("host.refused",
                          fmt::format("{} cannot run {} as another user", session_.host().name, command.argv.at(0)));
    }
    const std::string doing = "Running " + command.argv.at(0);
    const auto token = new_host_token();
    const auto began = clock_.monotonic();
    HostRequest request(token, "run");
    request.line("timeout", std::to_string(std::max<std::int64_t>(1, (command.timeout.count() + 999) / 1000)));
    for (const auto& variable : command.environment) {
        if (goes_along(variable)) request.line("env", variable);
    }
    if (!command.input.empty()) request.input(command.input);
    for (const auto& word : command.argv)
        request.line("word", word);
    const Duration limit = command.timeout + std::max(session_.request_timeout(), after_command);
    auto answer = co_await session_.ask(doing, std::move(request), token, limit, output_answer);
    if (!answer) co_return failure(answer.error());
    auto result = parse_run(answer->body);
    if (!result) co_return failure(session_.malformed(doing, answer->body));
    result->took = clock_.monotonic() - began;
    co_return std::move(*result);
}

Task<Result<ProcessResult>> SshHost::rehearse(RehearsalView view, std::optional<Command> command) {
    if (command) {
        co_return failure("deploy.notRehearsed",
                          fmt::format("The new files cannot be shown to a command of {} alone", session_.host().name));
    }
    const auto token = new_host_token();
    HostRequest request(token, "check");
    for (const auto& file : view.files)
        request.line("place", fmt::format("{} {}", file.content.size(), file.path));
    for (const auto& words : view.commands)
        request.line("command", fmt::format("{}", fmt::join(words, " ")));
    auto answer =
        co_await session_.ask("A rehearsal", std::move(request), token, session_.request_timeout(), short_answer);
    if (!answer) co_return failure(answer.error());
    co_return ProcessResult{.exit_code = 0};
}

Task<Result<Served>> SshHost::probe(ProbeRequest request) {
    request.address = address_at(session_.host(), request.address);
    return as_result(probe_tls(clock_, std::move(request)));
}

SshHosts::SshHosts(Clock& clock, Workers& workers, FileSystem& files, ProcessRunner& runner, Path sockets)
    : shared_(std::make_shared<SshShared>(SshShared{clock, workers, files, runner, std::move(sockets)})) {}

std::shared_ptr<Host> SshHosts::open(const config::Target& target, const std::string& name, Delivery delivery) {
    const auto host = std::ranges::find(target.hosts, name, &config::RemoteHost::name);
    if (host == target.hosts.end())
        fail("control.noSuchTarget", fmt::format("The target {} has no host {}", target.name.text, name));
    return std::make_shared<SshHost>(shared_->clock, SshSession(shared_, *host, target.ssh), std::move(delivery));
}

Task<> SshHosts::close() {
    return end_connections(shared_);
}

std::string address_at(const config::RemoteHost& host, const std::string& address) {
    if (!address.starts_with(':')) return address;
    return host.address.find(':') == std::string::npos ? host.address + address
                                                       : fmt::format("[{}]{}", host.address, address);
}

}  // namespace certd
