// Reads /proc, the state directory and the programs of the configuration.
#include "daemon/app/doctor_looks.hpp"

#include "daemon/deploy/commands.hpp"
#include "daemon/deploy/programs.hpp"

#include <fstream>
#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace certd {

using api::CheckFinding;
using Findings = std::vector<CheckFinding>;

namespace {

constexpr std::size_t remembered_faults = 5;
constexpr std::size_t deepest = 8;  // the layout has five levels

class Programs {
   public:
    explicit Programs(std::string owner) : owner_(std::move(owner)) {}
    void add(const std::vector<std::string>& argv, std::string_view code, const std::string& user = {}) {
        if (argv.empty()) return;
        ++count;
        Command command = plain_command({argv}, minutes(1));
        if (!user.empty()) command.user = user;
        check_program(command, code, "The command of " + owner_, problems);
    }
    void tell(Findings& findings) const {
        for (CheckFinding& finding : program_findings(owner_, count, problems))
            findings.push_back(std::move(finding));
    }
    std::size_t count = 0;
    std::vector<Problem> problems;

   private:
    std::string owner_;
};

void look_at_provider(const config::DnsProvider& provider, Findings& findings) {
    Programs programs("DNS provider " + provider.name);
    if (const auto* exec = std::get_if<config::DnsExec>(&provider.kind)) {
        for (const auto* argv : {&exec->present, &exec->cleanup, &exec->wait})
            programs.add(*argv, "dns.provider");
    }
    if (const auto* lego = std::get_if<config::DnsLegoExec>(&provider.kind))
        programs.add(lego->command, "dns.provider");
    programs.tell(findings);
}

void look_at_notifier(const config::Notifier& notifier, Findings& findings) {
    Programs programs("notifier " + notifier.name);
    if (const auto* exec = std::get_if<config::NotifyExec>(&notifier.kind))
        programs.add(exec->command, "notify.exec", exec->user);
    if (const auto* mail = std::get_if<config::NotifyEmail>(&notifier.kind))
        programs.add(mail->sendmail, "notify.mail");
    programs.tell(findings);
}

void survey(FileSystem& files, const Path& path, std::size_t depth, StateSurvey& found) {
    // The state directory itself may be a symlink, which "." follows.
    const Result<FileStatus> status = files.inspect(depth == 0 ? path / "." : path);
    if (!status) {
        found.broken_off = status.error();
        return;
    }
    const bool directory = status->kind == FileStatus::Kind::directory;
    if (!directory && status->kind != FileStatus::Kind::file) return;
    if (!directory) ++found.files;
    if (!directory && is_key_file(path.string())) ++found.keys;
    if (auto fault = fault_of({path.string(), directory, status->mode, status->owner}, ::geteuid())) {
        ++found.faulty;
        if (found.faults.size() < remembered_faults) found.faults.push_back(*std::move(fault));
    }
    if (!directory || depth == deepest) return;
    const Result<std::vector<std::string>> names = files.list(path);
    // What has gone meanwhile was somebody's work, not a fault.
    if (!names && names.error().code != "storage.missing") found.broken_off = names.error();
    for (const std::string& name : names ? *names : std::vector<std::string>())
        survey(files, path / name, depth + 1, found);
}

}  // namespace

ServiceFacts own_service() {
    ServiceFacts facts;
    struct stat status {};
    facts.systemd = ::lstat("/run/systemd/system", &status) == 0 && S_ISDIR(status.st_mode);  // sd_booted(3)
    facts.pid = ::getpid();
    std::ifstream cgroup("/proc/self/cgroup");
    facts.unit = unit_of(std::string(std::istreambuf_iterator<char>(cgroup), {}));
    return facts;
}

Command show_unit(const std::string& unit, Duration limit) {
    return plain_command({{"systemctl", "show", "--property=MainPID,UnitFileState,Restart", "--", unit}}, limit);
}

Findings all_programs(const config::Config& config) {
    Findings findings;
    for (const auto& [name, target] : config.targets) {
        if (!target.hosts.empty()) continue;  // those of other machines are looked at there, by its rehearsal
        Programs programs("target " + name.text);
        check_programs(target, programs.problems, &programs.count);
        programs.tell(findings);
    }
    for (const auto& [name, lineage] : config.lineages) {
        Programs programs("lineage " + name);
        check_programs(*lineage, programs.problems, programs.count);
        programs.tell(findings);
    }
    for (const auto& [name, provider] : config.dns_providers)
        look_at_provider(*provider, findings);
    for (const auto& [name, notifier] : config.notifiers)
        look_at_notifier(*notifier, findings);
    return findings;
}

StateSurvey survey_state(FileSystem& files, const Path& root) {
    StateSurvey found;
    survey(files, root, 0, found);
    return found;
}

std::optional<Time> written_at(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return std::nullopt;
    return Time(seconds(status.st_mtim.tv_sec));
}

}  // namespace certd
