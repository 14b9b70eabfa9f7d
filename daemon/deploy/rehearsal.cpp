#include "daemon/deploy/rehearsal.hpp"

#include "daemon/deploy/backup.hpp"
#include "daemon/deploy/commands.hpp"
#include "daemon/deploy/owner.hpp"
#include "daemon/deploy/parts.hpp"
#include "daemon/deploy/target_deployment.hpp"
#include "daemon/deploy/verify.hpp"
#include "libacme/async/program.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace certd {

namespace {

using Problems = std::vector<Problem>;

// A program that must be there later, found by the rules that will hold then. Blocking.
void check_program(const Command& command, std::string_view code, const std::string& subject, Problems& found) {
    const auto program = find_program(command.argv.empty() ? std::string() : command.argv.front(), command.environment,
                                      command.directory);
    if (!program) {
        found.push_back(command_problem(code, subject, command, program.error()));
        return;
    }
    std::optional<uid_t> runs_as;
    if (command.user) {
        const auto user = user_id(*command.user);
        if (!user) found.push_back(command_problem(code, subject, command, user.error()));
        if (user) runs_as = *user;
    }
    if (auto trusted = check_trusted(*program, runs_as); !trusted)
        found.push_back(command_problem(code, subject, command, trusted.error()));
}

void check_programs(const config::Target& target, Problems& found) {
    const auto& name = target.name.text;
    for (const auto& hook : target.exec) {
        check_program(hook_command(hook, {}), "deploy.exec", "The exec command of " + name, found);
    }
    if (!target.test.empty()) {
        check_program(plain_command(target.test, target.command_timeout), "deploy.test", "The test command of " + name,
                      found);
    }
    if (target.reload.empty()) return;
    check_program(reload_commands(target.reload, target.command_timeout).front(), "deploy.reload",
                  "The reload command of " + name, found);
}

// `any_exists`: whether there is an old certificate that the service may be using.
Task<std::optional<Problem>> check_files(DeployShared& shared, const config::Target& target, const Place& place,
                                         Host& host, const VersionFiles& files, const VersionFacts& facts,
                                         bool& any_exists) {
    auto wanted = co_await offload(shared.workers, [&] { return files_for(target, files, facts); });
    if (!wanted) co_return install_problem(place, wanted.error());
    std::vector<std::string> paths;
    for (const auto& file : *wanted)
        paths.push_back(file.path);
    auto backups = co_await read_backups(host, paths);
    if (!backups) co_return install_problem(place, backups.error());
    if (!paths.empty()) any_exists = !none_existed(*backups);
    for (const auto& backup : *backups) {
        if (backup.existed) continue;
        // Of a directory elsewhere something can be said only by trying; one of this machine is asked directly.
        if (!place.is_local()) continue;
        std::error_code error;
        const auto directory = Path(backup.path).parent_path();
        const bool there =
            co_await offload(shared.workers, [&] { return std::filesystem::is_directory(directory, error); });
        if (!there) {
            co_return problem("deploy.install", fmt::format("Cannot install {}: there is no directory {}", backup.path,
                                                            directory.string()));
        }
    }
    co_return std::nullopt;
}

Task<> check_service(DeployShared& shared, const config::Target& target, const Place& place, Host& host,
                     const VersionFacts& facts, Problems& found) {
    if (!target.test.empty()) {
        auto tested = co_await run_checked(host, plain_command(target.test, target.command_timeout), "deploy.test",
                                           fmt::format("The test command of {}", text(place)));
        if (!tested) found.push_back(tested.error());
    }
    const auto endpoints = endpoints_of(target.verify, facts.names);
    const auto seen = co_await look_at(shared.clock, host, endpoints, target.verify.timeout);
    for (const auto& [start, address] : target.verify.addresses) {
        const bool answers = std::ranges::any_of(
            seen, [&](const Expected& it) { return it.endpoint.address == address && it.endpoint.start == start; });
        if (answers || endpoints.empty()) continue;
        found.push_back(problem(
            "tls.notServed",
            fmt::format("{} of {} shows no certificate, so nothing could be verified there", address, text(place))));
    }
}

}  // namespace

Task<Result<void>> rehearse_order(DeployShared& shared, DeployOrder order, VersionFiles files, VersionFacts facts) {
    Problems found;
    if (auto checked = check_version(files, facts); !checked) found.push_back(checked.error());
    const auto live = co_await offload(shared.workers, [&]() -> Result<VersionNumber> {
        const auto name = LineageName::parse(order.spec->name);
        if (!name) return failure(name.error());
        return shared.store.live(*name);
    });
    if (auto unknown = unknown_place(shared, order)) co_return failure(std::move(*unknown));
    for (const Place& place : order.places) {
        const config::Target& target = order.config->targets.at(place.target);
        const std::shared_ptr<Host> host =
            shared.open(target, place, {order.spec->name, target.name, order.version, true});
        bool any_exists = live.has_value() && *live;
        if (auto wrong = co_await check_files(shared, target, place, *host, files, facts, any_exists)) {
            found.push_back(*wrong);
            if (!place.is_local()) continue;  // perhaps it is not even reached
        }
        if (place.is_local()) co_await offload(shared.workers, [&] { check_programs(target, found); });
        if (any_exists) co_await check_service(shared, target, place, *host, facts, found);
    }
    if (found.empty()) co_return Result<void>{};
    Problem first = found.front();
    first.parts.insert(first.parts.end(), found.begin() + 1, found.end());
    co_return failure(std::move(first));
}

}  // namespace certd
