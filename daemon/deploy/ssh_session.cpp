#include "daemon/deploy/ssh_session.hpp"

#include "libacme/async/as_result.hpp"
#include "libacme/async/timeout.hpp"
#include "libacme/base/text.hpp"
#include "libacme/crypto/digest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include <unistd.h>

namespace certd {

namespace {

constexpr const char* wrapper = "/usr/lib/certd/certd-host";  // where no forced command says so
constexpr const char* kept_for = "30";                        // seconds that a connection waits for the next request
constexpr std::size_t longest_socket = 107;                   // sun_path, without the NUL
constexpr std::size_t socket_suffix = 17;                     // that ssh adds while it makes one
constexpr std::size_t room_for_words = std::size_t{16} << 10;
constexpr Duration closing_limit = seconds(4);

std::int64_t whole_seconds(Duration duration) {
    return std::max<std::int64_t>(1, (duration.count() + 999) / 1000);
}

bool says(std::string_view words, std::string_view part) {
    return words.find(part) != std::string_view::npos;
}

std::string_view status_code(HostAnswer::Status status, const std::string& text) {
    switch (status) {
        case HostAnswer::Status::refused:
            return "host.refused";
        case HostAnswer::Status::stale:
            return "host.stale";
        case HostAnswer::Status::failed:
            return code_of_failure(text);
        default:
            return "host.protocol";
    }
}

Task<> end_connection(std::shared_ptr<SshShared> shared, std::string socket, std::vector<std::string> argv) {
    const auto there = co_await offload(shared->workers, [&] { return exists(shared->files, socket); });
    if (!there || !*there) co_return;
    Command command;
    command.argv = std::move(argv);
    command.environment = base_environment();
    command.timeout = seconds(1);
    (void)co_await as_result(shared->runner.run(std::move(command)));
}

Task<> end_all(std::shared_ptr<SshShared> shared) {
    for (const auto& [socket, argv] : std::exchange(shared->connections, {}))
        co_await end_connection(shared, socket, argv);
}

}  // namespace

std::string new_host_token() {
    return hex(random_bytes(16));
}

std::string_view code_of_ssh(int exit_code, std::string_view words) {
    if (says(words, "Host key verification failed") || says(words, "HOST IDENTIFICATION HAS CHANGED") ||
        says(words, "you have requested strict checking") || says(words, "no matching host key type"))
        return "host.key";
    if (says(words, "Permission denied (") || says(words, "Too many authentication failures") ||
        says(words, "Load key "))
        return "host.denied";
    return exit_code == 255 ? "host.unreachable" : "host.protocol";
}

// A connection belongs to everything it was made with: with other files or another user it is another one.
std::string SshSession::socket() const {
    if (shared_->sockets.empty()) return {};
    const auto name = sha256_hex(fmt::format("{}\n{}\n{}\n{}\n{}", host_.address, host_.port, ssh_.user,
                                             ssh_.identity_file.value_or(""), ssh_.known_hosts.value_or("")))
                          .substr(0, 16);
    auto path = (shared_->sockets / name).string();
    const bool usable = path.size() + socket_suffix <= longest_socket && path.find_first_of(" \"%$\\") == path.npos;
    return usable ? path : std::string();
}

// ssh's own configuration files are read, for what certd has no key for (ProxyJump, HostName); what stands here wins
// over them. A host that is not known is never learned from the connection.
std::vector<std::string> SshSession::arguments() const {
    std::vector<std::string> argv = {"ssh", "-T"};
    const auto add = [&](std::string_view name, std::string_view value) {
        argv.insert(argv.end(), {"-o", fmt::format("{}={}", name, value)});
    };
    for (std::string_view fixed :
         {"BatchMode=yes", "StrictHostKeyChecking=yes", "UpdateHostKeys=no", "ForwardAgent=no", "ForwardX11=no",
          "ClearAllForwardings=yes", "PermitLocalCommand=no", "RemoteCommand=none", "RequestTTY=no", "LogLevel=ERROR",
          "ServerAliveInterval=5", "ServerAliveCountMax=3"})
        argv.insert(argv.end(), {"-o", std::string(fixed)});
    add("ConnectTimeout", std::to_string(whole_seconds(ssh_.connect_timeout)));
    if (ssh_.known_hosts) {
        add("UserKnownHostsFile", fmt::format("\"{}\"", *ssh_.known_hosts));
        add("GlobalKnownHostsFile", "/dev/null");
    }
    if (ssh_.identity_file) {
        add("IdentityFile", fmt::format("\"{}\"", *ssh_.identity_file));
        add("IdentitiesOnly", "yes");
        add("IdentityAgent", "none");
    }
    const auto path = shared_->directory_checked ? socket() : std::string();
    add("ControlMaster", path.empty() ? "no" : "auto");
    add("ControlPath", path.empty() ? "none" : path);
    if (!path.empty()) add("ControlPersist", kept_for);
    argv.insert(argv.end(), {"-p", std::to_string(host_.port)});
    if (!ssh_.user.empty()) argv.insert(argv.end(), {"-l", ssh_.user});
    argv.insert(argv.end(), {"--", host_.address});
    return argv;
}

// Nobody else may be able to put a socket there. A directory that cannot be had costs time, and nothing else.
Task<> SshSession::prepare_directory() const {
    SshShared& shared = *shared_;
    if (shared.directory_checked || shared.sockets.empty()) co_return;
    shared.directory_checked = co_await offload(shared.workers, [&] {
        const auto made = make_directories(shared.files, shared.sockets);
        const auto status = shared.files.inspect(shared.sockets);
        return made && status && status->kind == FileStatus::Kind::directory && status->owner == ::geteuid() &&
               (status->mode & 0077) == 0;
    });
    if (!shared.directory_checked) shared.sockets.clear();
}

Task<Result<HostAnswer>> SshSession::ask(std::string doing, HostRequest request, std::string token, Duration limit,
                                         std::size_t answer_limit) const {
    if (request.problem()) co_return failure(*request.problem());
    co_await prepare_directory();
    Command command;
    command.argv = arguments();
    if (const auto path = socket(); shared_->directory_checked && !path.empty()) {
        auto end = command.argv;
        end.insert(end.begin() + 1, {"-O", "exit"});
        shared_->connections.try_emplace(path, std::move(end));
    }
    command.argv.emplace_back(wrapper);
    command.environment = base_environment();
    command.input = request.take();
    command.timeout = ssh_.connect_timeout + limit;
    command.output_limit = answer_limit + room_for_words;
    auto ran = co_await as_result(shared_->runner.run(std::move(command)));
    if (!ran && ran.error().code == "process.notFound") {
        Problem missing = ran.error();
        missing.what = fmt::format("{} on {}: there is no ssh on this machine", doing, host_.name);
        missing.hint = "Install it (Debian: openssh-client)";
        co_return failure(std::move(missing));
    }
    if (!ran) co_return failure(ran.error());
    auto answer = parse_answer(ran->output, token);
    if (!answer) co_return failure(no_answer(doing, *ran, ssh_.connect_timeout + limit));
    if (answer->status != HostAnswer::Status::ok) co_return failure(problem_with(doing, *answer));
    co_return std::move(*answer);
}

Problem SshSession::problem_with(const std::string& doing, const HostAnswer& answer) const {
    std::string what = fmt::format("{} on {} failed", doing, host_.name);
    if (answer.status == HostAnswer::Status::refused) what = fmt::format("{} was refused by {}", doing, host_.name);
    if (answer.status == HostAnswer::Status::stale)
        what = fmt::format("{} was refused by {}: it has a later version", doing, host_.name);
    if (answer.status == HostAnswer::Status::unsupported)
        what = fmt::format("{} on {}: its certd-host is of another release", doing, host_.name);
    return problem(status_code(answer.status, answer.text), std::move(what), answer.text);
}

Problem SshSession::no_answer(const std::string& doing, const ProcessResult& result, Duration limit) const {
    if (result.timed_out) {
        return problem("host.unreachable",
                       fmt::format("{}: {} did not answer within {}", doing, host_.name, format_duration(limit)),
                       std::string(trim(result.output)));
    }
    const auto code = code_of_ssh(result.exit_code, result.output);
    if (code == "host.protocol") return malformed(doing, result.output);
    const std::string_view wrong = code == "host.key"      ? "has another host key than known_hosts says, or none there"
                                   : code == "host.denied" ? "does not let certd log in"
                                                           : "cannot be reached";
    return problem(code, fmt::format("{}: {} {}", doing, host_.name, wrong), std::string(trim(result.output)));
}

Problem SshSession::malformed(const std::string& doing, std::string_view output) const {
    return problem("host.protocol", fmt::format("{}: {} did not answer as certd-host does", doing, host_.name),
                   std::string(trim(output.substr(0, std::min(output.size(), room_for_words)))));
}

Task<> end_connections(std::shared_ptr<SshShared> shared) {
    Clock& clock = shared->clock;
    (void)co_await as_result(with_timeout(clock, closing_limit, "process.timeout", "The connections did not end",
                                          end_all(std::move(shared))));
}

}  // namespace certd
