// The way from files to a Config: read, parse, validate, build, check. Every stage adds to one report.
#include "config/load.hpp"

#include "config/build.hpp"
#include "config/checks.hpp"
#include "config/document.hpp"
#include "config/report.hpp"
#include "config/trust.hpp"
#include "config/validate.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

namespace certd::config {

namespace {

constexpr std::size_t ca_bundle_limit = std::size_t{4} << 20;

using Sources = std::vector<const Source*>;

Location whole_file(const std::string& path) {
    return {std::make_shared<const std::string>(path), 0, 0};
}

void report_problem(Report& report, const Location& where, const Problem& problem) {
    report.error(where, problem.what, problem.hint, problem.code);
}

bool add_file(const std::string& path, Sources& sources, Report& report) {
    auto text = read_trusted(path, file_size_limit);
    if (!text) {
        report_problem(report, whole_file(path), text.error());
        return false;
    }
    sources.push_back(&report.add(Source(path, std::move(*text))));
    return true;
}

// Whether every file could be read. Those that `given` takes the place of are left out.
bool add_fragments(const std::string& directory, Sources& sources, Report& report,
                   const std::vector<Fragment>& given = {}) {
    auto names = list_trusted(directory);
    if (!names) {
        report_problem(report, whole_file(directory), names.error());
        return false;
    }
    bool complete = true;
    for (const std::string& name : *names) {
        std::string path = (std::filesystem::path(directory) / name).string();
        if (std::ranges::find(given, path, &Fragment::path) != given.end()) continue;
        if (name.ends_with(".yaml") && !name.starts_with('.')) {
            complete = add_file(path, sources, report) && complete;
        } else if (name.ends_with(".yml")) {
            report.warning(whole_file(path), "The file is not read: its name does not end in .yaml", "rename it");
        }
    }
    return complete;
}

// Fail closed: a bundle that cannot be used must not turn into the system's trust store, or into none, at the first
// connection.
void check_ca_bundle(const TrustedFile& bundle, Report& report) {
    auto content = read_trusted(bundle.path, ca_bundle_limit);
    if (!content) {
        bool permissions = content.error().code == "config.permissions";
        report.error(bundle.location, content.error().what,
                     permissions ? content.error().hint : "ca_bundle must name a readable PEM file",
                     permissions ? "config.permissions" : "config.invalid");
    } else if (content->find("-----BEGIN CERTIFICATE-----") == std::string::npos) {
        report.error(bundle.location, fmt::format("{} holds no certificate in PEM form", bundle.path));
    }
}

// ssh would refuse a key that others can read, at the first deployment and in words of its own.
void check_identity(const TrustedFile& identity, Report& report) {
    if (auto secret = check_private(identity.path); !secret)
        report.error(identity.location, secret.error().what, secret.error().hint, secret.error().code);
}

// Null when there is an error.
ConfigPtr make_config(const Sources& sources, Disk disk, Report& report) {
    std::vector<Document> documents;
    documents.reserve(sources.size());
    for (const Source* source : sources) {
        if (auto document = Document::parse(*source, report)) documents.push_back(std::move(*document));
    }
    for (const Document& document : documents)
        validate(document, report);
    if (documents.size() < sources.size())
        return nullptr;  // what the unread part defines would be missed in the others

    Built built = build(documents, disk, report);
    for (Finding& finding : check(built.config)) {
        if (finding.is_error) {
            report.error(finding.where, std::move(finding.message), std::move(finding.hint));
        } else {
            report.warning(finding.where, std::move(finding.message), std::move(finding.hint));
        }
    }
    for (const TrustedFile& bundle : built.ca_bundles) {
        if (disk == Disk::look) check_ca_bundle(bundle, report);
    }
    for (const TrustedFile& identity : built.ssh_identities) {
        if (disk == Disk::look) check_identity(identity, report);
    }
    if (report.has_errors()) return nullptr;
    if (built.config.lineages.empty())
        report.warning(sources.front()->at(0, 0), "No lineages are configured: there is nothing to do");
    return std::make_shared<const Config>(std::move(built.config));
}

}  // namespace

Loaded load(const std::string& path) {
    Report report;
    Sources sources;
    bool complete = add_file(path, sources, report);
    if (complete) {
        std::filesystem::path directory = std::filesystem::path(path).parent_path() / "conf.d";
        complete = add_fragments(directory.string(), sources, report);
    }
    ConfigPtr config;
    if (!sources.empty()) config = make_config(sources, Disk::look, report);
    if (!complete) config = nullptr;
    return {std::move(config), report.take()};
}

Loaded load_with(const std::string& path, const std::vector<Fragment>& fragments) {
    Report report;
    Sources sources;
    std::error_code ignored;
    bool there = std::filesystem::exists(path, ignored);
    bool complete = true;
    if (there) {
        complete = add_file(path, sources, report);
    } else {
        sources.push_back(&report.add(Source(path, "")));
    }
    std::string directory = (std::filesystem::path(path).parent_path() / "conf.d").string();
    if (complete) complete = add_fragments(directory, sources, report, fragments);
    for (const Fragment& fragment : fragments)
        sources.push_back(&report.add(Source(fragment.path, fragment.text)));
    ConfigPtr config = make_config(sources, Disk::look, report);
    if (!complete) config = nullptr;
    return {std::move(config), report.take()};
}

Loaded load_text(const std::string& text, const std::string& file_name, Disk disk) {
    Report report;
    Sources sources = {&report.add(Source(file_name, text))};
    ConfigPtr config = make_config(sources, disk, report);
    return {std::move(config), report.take()};
}

}  // namespace certd::config
