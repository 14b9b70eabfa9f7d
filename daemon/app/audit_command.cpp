// AuditCommand: arguments, the walk over the files, and what is printed.
#include "daemon/app/audit_command.hpp"

#include "config/load.hpp"
#include "daemon/store/audit_journal.hpp"
#include "libacme/base/text.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr int exit_broken = 1, exit_not_permitted = 5;

Json json_of(const AuditReport& report, const Path& directory) {
    Json findings = Json::array();
    for (const AuditFinding& finding : report.findings) {
        findings.push(Json::object({{"file", finding.file}, {"line", finding.line}, {"what", finding.what}}));
    }
    return Json::object({{"directory", directory.string()},
                         {"holds", report.holds()},
                         {"files", report.files},
                         {"lines", report.lines},
                         {"first", static_cast<std::int64_t>(report.first)},
                         {"last", static_cast<std::int64_t>(report.head.sequence)},
                         {"since", to_json(report.since)},
                         {"until", to_json(report.until)},
                         {"hash", report.head.hash},
                         {"unfinished", report.unfinished},
                         {"findings", std::move(findings)}});
}

std::string text_of(const AuditReport& report, const Path& directory) {
    std::string text;
    for (const AuditFinding& finding : report.findings)
        text += fmt::format("{}:{}: the line {}\n", (directory / finding.file).string(), finding.line, finding.what);
    if (!report.unfinished.empty()) {
        text += fmt::format("{}: the last line has no end: it is being written, or was torn by a crash\n",
                            (directory / report.unfinished).string());
    }
    std::string extent =
        fmt::format("{} lines in {} {}", report.lines, report.files, report.files == 1 ? "file" : "files");
    if (report.since && report.until)
        extent += fmt::format(", {} to {}", format_rfc3339(*report.since), format_rfc3339(*report.until));
    if (!report.holds()) return text + fmt::format("The audit journal does NOT hold: {}\n", extent);
    return text + fmt::format("The audit journal holds: {}\nLast line: number {}, hash {}\n", extent,
                              report.head.sequence, report.head.hash);
}

int refuse(const Problem& problem, bool json) {
    if (json) {
        fmt::print("{}\n", to_text(Json::object({{"problem", to_json(problem)}})));
    } else {
        fmt::print(stderr, "certd: {}\n{}\n", describe(problem), escape_untrusted(problem.hint));
    }
    return problem.code == "storage.permission" ? exit_not_permitted : exit_broken;
}

// Of the configuration, unless it was given.
Result<Path> journal_directory(const std::string& given, const std::string& config_file) {
    if (!given.empty()) return std::filesystem::absolute(given);
    config::Loaded loaded = config::load(config_file);
    if (!loaded.config) return failure(config::to_problem(loaded.diagnostics));
    return audit_directory(loaded.config->state_dir);
}

}  // namespace

struct AuditCommand::Arguments {
    std::string directory;
    bool json = false;
};

AuditCommand::AuditCommand(CLI::App& app)
    : arguments_(std::make_unique<Arguments>()),
      command_(app.add_subcommand("audit", "Check the journal of what was done; certd may be running or not")) {
    CLI::App* verify =
        command_->add_subcommand("verify", "Look for lines that were edited, removed, inserted or moved");
    verify->add_option("--directory", arguments_->directory,
                       "Directory of the journal, or of a copy; `audit` of the state directory unless given");
    verify->add_flag("--json", arguments_->json, "Print one JSON document");
    command_->require_subcommand(1);
}

AuditCommand::~AuditCommand() = default;

bool AuditCommand::is_wanted() const {
    return command_->parsed();
}

int AuditCommand::run(const std::string& config_file) const {
    const Arguments& to = *arguments_;
    Result<Path> directory = journal_directory(to.directory, config_file);
    if (!directory) return refuse(directory.error(), to.json);
    RealFileSystem files;
    Result<AuditReport> report = verify_audit(files, *directory);
    if (!report) return refuse(report.error(), to.json);
    if (report->files == 0) {
        return refuse(problem("storage.missing", "There is no audit journal in " + directory->string()), to.json);
    }
    fmt::print("{}", to.json ? to_pretty_text(json_of(*report, *directory)) : text_of(*report, *directory));
    return report->holds() ? EXIT_SUCCESS : exit_broken;
}

}  // namespace certd
