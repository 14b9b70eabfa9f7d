#include "daemon/deploy/rehearsal.hpp"

#include "daemon/deploy/backup.hpp"
#include "daemon/deploy/commands.hpp"
#include "daemon/deploy/haproxy_reload.hpp"
#include "daemon/deploy/parts.hpp"
#include "daemon/deploy/programs.hpp"
#include "daemon/deploy/target_deployment.hpp"
#include "daemon/deploy/verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace certd {

namespace {

using Problems = std::vector<Problem>;

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

// Whether there is somebody at the addresses of verify.
Task<> check_endpoints(DeployShared& shared, const config::Target& target, const Place& place, Host& host,
                       const VersionFacts& facts, Problems& found) {
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

const config::CommandLine& test_of(const config::Target& target) {
    return target.rehearse.empty() ? target.test : target.rehearse;
}

// As they stand in a version's directory, below the directory of the `live` links.
std::vector<InstalledFile> version_in_live(const std::string& lineage, const VersionFiles& files) {
    using config::Part;
    std::vector<InstalledFile> all;
    const auto add = [&](const std::string& folder, const CertificateFiles& texts) {
        for (const Part part : {Part::privkey, Part::cert, Part::chain, Part::fullchain}) {
            auto content = content_of(part, texts);
            if (!content.empty())
                all.push_back({fmt::format("{}/{}", folder, config::file_name(part)), std::move(content), {}});
        }
    };
    add(lineage, files);
    for (const auto& [key, texts] : files.further)
        add(fmt::format("{}/{}", lineage, to_string(key)), texts);
    return all;
}

std::vector<std::vector<std::string>> commands_of(const config::Target& target) {
    std::vector<std::vector<std::string>> all;
    for (const auto& hook : target.exec)
        all.push_back(hook.command.argv);
    if (!target.test.empty()) all.push_back(target.test.argv);
    if (!target.reload.runs_program()) return all;
    for (auto& command : reload_commands(target.reload, target.command_timeout))
        all.push_back(std::move(command.argv));
    return all;
}

// Blocking.
Result<RehearsalView> view_of(DeployShared& shared, const config::Target& target, const LineageName& lineage,
                              const VersionFiles& files, const VersionFacts& facts) {
    auto wanted = files_for(target, files, facts);
    if (!wanted) return failure(wanted.error());
    const auto place = shared.store.rehearsal_directory();
    if (!place) return failure(place.error());
    return RehearsalView{*std::move(wanted), shared.store.live_path(lineage).parent_path().string(),
                         version_in_live(lineage.text(), files), place->string(), commands_of(target)};
}

Task<std::optional<Problem>> rehearse_test(DeployShared& shared, const config::Target& target, const Place& place,
                                           Host& host, LineageName lineage, const VersionFiles& files,
                                           const VersionFacts& facts) {
    auto view = co_await offload(shared.workers, [&] { return view_of(shared, target, lineage, files, facts); });
    if (!view) co_return install_problem(place, view.error());
    std::optional<Command> command;
    if (const auto& line = test_of(target); !line.empty() && place.is_local()) {
        command = plain_command(line, target.command_timeout);
        command->environment.emplace_back("CERTD_REHEARSAL=1");
    }
    auto ran = co_await host.rehearse(*std::move(view), command);
    const auto subject = fmt::format("The test command of {}, rehearsed with the new files,", text(place));
    if (!ran && ran.error().code == "deploy.notRehearsed") {
        Problem refused = ran.error();
        refused.what = fmt::format("The test of {} was not rehearsed: {}", text(place), refused.what);
        co_return refused;
    }
    if (!ran && !place.is_local()) co_return ran.error();
    if (!ran && (!command || ran.error().code == "deploy.install")) co_return install_problem(place, ran.error());
    if (!ran) co_return command_problem("deploy.test", subject, *command, ran.error());
    if (!ran->ok()) co_return command_problem("deploy.test", subject, *command, *ran);
    co_return std::nullopt;
}

// What is done there, and what is left to a deployment.
RehearsedPlace scope_of(const config::Target& target, const Place& place) {
    RehearsedPlace scope{place, {}, {}};
    auto& here = place.is_local() ? scope.steps : scope.not_rehearsed;
    if (!place.is_local()) scope.steps.emplace_back("reach");
    if (!target.install.empty()) here.emplace_back("install");
    if (!target.exec.empty()) scope.not_rehearsed.emplace_back("exec");
    if (!test_of(target).empty()) here.emplace_back("test");
    if (!target.reload.empty()) scope.not_rehearsed.emplace_back("reload");
    if (!target.verify.addresses.empty()) scope.not_rehearsed.emplace_back("verify");
    return scope;
}

// Where a reload can take the place of the runtime API, its failure is worth a word and no more.
Task<> check_runtime_api(DeployShared& shared, const config::Target& target, const DeployOrder& order,
                         const Place& place, Host& host, Problems& found) {
    if (target.reload.haproxy.empty()) co_return;
    const auto works = co_await check_haproxy(host, target);
    if (works) co_return;
    if (!target.reload.runs_program()) {
        found.push_back(works.error());
        co_return;
    }
    Event event;
    event.type = EventType::deploy_step;
    event.severity = Severity::warning;
    event.lineage = order.spec->name;
    event.target = place.target.text;
    event.job = order.job;
    event.message = fmt::format("haproxy of {} would be reloaded: its runtime API cannot be used", text(place));
    event.problem = works.error();
    event.data = Json::object({{"version", order.version.value}});
    shared.events(std::move(event));
}

Task<> rehearse_place(DeployShared& shared, const DeployOrder& order, Place place, const VersionFiles& files,
                      const VersionFacts& facts, bool any_live, Problems& found) {
    const config::Target& target = order.config->targets.at(place.target);
    const LineageName lineage = value_or_fail(LineageName::parse(order.spec->name));
    // Not while a deployment works on the same service.
    const ReloadRound::Member member = co_await shared.round(target, place).enter();
    const std::shared_ptr<Host> host = shared.open(target, place, {order.spec->name, target.name, order.version, true});
    bool any_exists = any_live;
    const auto wrong = co_await check_files(shared, target, place, *host, files, facts, any_exists);
    if (wrong) found.push_back(*wrong);
    if (wrong && !place.is_local()) co_return;  // perhaps it is not even reached
    if (place.is_local()) co_await offload(shared.workers, [&] { check_programs(target, found); });
    const bool runnable = std::ranges::none_of(found, [](const Problem& it) { return it.code == "deploy.test"; });
    if (!wrong && runnable) {
        auto failed = co_await rehearse_test(shared, target, place, *host, lineage, files, facts);
        if (failed) found.push_back(*std::move(failed));
    }
    if (!any_exists) co_return;
    co_await check_endpoints(shared, target, place, *host, facts, found);
    co_await check_runtime_api(shared, target, order, place, *host, found);
}

// The first, with the others as its parts.
Problem gathered(const Problems& found) {
    Problem first = found.front();
    first.parts.insert(first.parts.end(), found.begin() + 1, found.end());
    return first;
}

Json list_of(const std::vector<std::string>& words) {
    Json list = Json::array();
    for (const auto& word : words)
        list.push(word);
    return list;
}

void tell(DeployShared& shared, const DeployOrder& order, const RehearsedPlace& scope, const Problems& found) {
    if (order.job == 0) return;
    Event event;
    event.type = EventType::deploy_rehearsed;
    event.severity = found.empty() ? Severity::info : Severity::error;
    event.lineage = order.spec->name;
    event.target = scope.place.target.text;
    event.host = scope.place.host;
    event.job = order.job;
    event.message = found.empty() ? "Rehearsed, and nothing changed, at " + describe(scope)
                                  : fmt::format("A deployment to {} would fail", text(scope.place));
    if (found.size() == 1 && found.front().code == "deploy.notRehearsed")
        event.message = fmt::format("A deployment to {} could not be rehearsed", text(scope.place));
    if (!found.empty()) event.problem = gathered(found);
    if (found.empty())
        event.data = Json::object({{"steps", list_of(scope.steps)}, {"not_rehearsed", list_of(scope.not_rehearsed)}});
    shared.events(std::move(event));
}

}  // namespace

std::string describe(const RehearsedPlace& rehearsed) {
    std::string said = fmt::format("{}: {}", text(rehearsed.place), fmt::join(rehearsed.steps, ", "));
    if (!rehearsed.not_rehearsed.empty())
        said += fmt::format(" (not rehearsed: {})", fmt::join(rehearsed.not_rehearsed, ", "));
    return said;
}

Task<Result<std::vector<RehearsedPlace>>> rehearse_order(DeployShared& shared, DeployOrder order, VersionFiles files,
                                                         VersionFacts facts) {
    Problems found;
    if (auto checked = check_version(files, facts); !checked) found.push_back(checked.error());
    const auto live = co_await offload(shared.workers, [&]() -> Result<VersionNumber> {
        const auto name = LineageName::parse(order.spec->name);
        if (!name) return failure(name.error());
        return shared.store.live(*name);
    });
    if (auto unknown = unknown_place(shared, order)) co_return failure(std::move(*unknown));
    std::vector<RehearsedPlace> rehearsed;
    for (const Place& place : order.places) {
        Problems here;
        co_await rehearse_place(shared, order, place, files, facts, live.has_value() && *live, here);
        rehearsed.push_back(scope_of(order.config->targets.at(place.target), place));
        tell(shared, order, rehearsed.back(), here);
        std::ranges::move(here, std::back_inserter(found));
    }
    if (!found.empty()) co_return failure(gathered(found));
    co_return rehearsed;
}

}  // namespace certd
