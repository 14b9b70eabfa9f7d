// Semantic checks, one function per question.
#include "config/checks.hpp"

#include "config/fleet.hpp"
#include "config/services.hpp"
#include "config/source.hpp"
#include "config/values.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

namespace certd::config {

namespace {

using Findings = std::vector<Finding>;

constexpr std::size_t longest_socket_path = 107;  // sun_path, without the NUL

void error(Findings& findings, const Location& where, std::string message, std::string hint = {}) {
    findings.push_back({true, where, std::move(message), std::move(hint)});
}

void warning(Findings& findings, const Location& where, std::string message, std::string hint = {}) {
    findings.push_back({false, where, std::move(message), std::move(hint)});
}

// A private key is for its owner and at most the readers of one group; nothing that is installed is for everybody to
// change.
void check_mode(const InstallStep& step, Findings& findings) {
    if (holds_key(step.part) && (step.mode & 0007) != 0) {
        error(findings, step.location,
              fmt::format("{} holds the private key and mode {:04o} opens it to everybody", in_quotes(step.path),
                          step.mode),
              "write mode: \"0600\", or \"0640\" and a group");
    } else if ((step.mode & 0002) != 0) {
        error(findings, step.location,
              fmt::format("Mode {:04o} lets everybody change {}", step.mode, in_quotes(step.path)),
              "write mode: \"0644\"");
    } else if (holds_key(step.part) && (step.mode & 0020) != 0) {
        warning(
            findings, step.location,
            fmt::format("Mode {:04o} lets the group replace the private key in {}", step.mode, in_quotes(step.path)),
            "write mode: \"0640\"");
    }
}

void check_form(const InstallStep& step, Findings& findings) {
    bool is_pkcs12 = step.part == Part::pkcs12;
    if (is_pkcs12 && step.password_file.empty()) {
        error(findings, step.location, fmt::format("{} is PKCS#12 and has no password", in_quotes(step.path)),
              "add password_file: /etc/certd/NAME.password, or credential:NAME");
    }
    if (!is_pkcs12 && !step.password_file.empty()) {
        error(findings, step.location,
              fmt::format("{} is not encrypted: only pkcs12 has a password", in_quotes(step.path)),
              "take password_file out, or write part: pkcs12");
    }
    if (step.format == Format::der && step.part != Part::cert && step.part != Part::privkey) {
        error(findings, step.location,
              fmt::format("DER holds one certificate or one key, and {} is {}", in_quotes(step.path),
                          to_string(step.part)),
              is_pkcs12 ? "take format out: PKCS#12 is binary as it is" : "take format out, or write part: cert");
    }
}

void check_paths(const Target& target, Findings& findings) {
    std::set<std::string_view> paths;
    for (const InstallStep& step : target.install) {
        if (!step.path.empty() && !paths.insert(step.path).second) {
            error(findings, step.location,
                  fmt::format("The target {} writes {} twice", in_quotes(target.name.text), in_quotes(step.path)));
        }
        check_mode(step, findings);
        check_form(step, findings);
    }
}

// The runtime API is told of files by their paths, over a socket of this machine.
void check_haproxy(const Target& target, Findings& findings) {
    const std::string& socket = target.reload.haproxy;
    if (socket.empty()) return;
    if (socket.size() > longest_socket_path) {
        error(findings, target.location,
              fmt::format("The socket {} of the target {} has a path of more than {} octets", in_quotes(socket),
                          in_quotes(target.name.text), longest_socket_path));
    }
    if (!target.hosts.empty()) {
        error(findings, target.location,
              fmt::format("The target {} has hosts, and haproxy's runtime API is spoken on this machine only",
                          in_quotes(target.name.text)),
              "take haproxy out of reload: a unit or a command reloads it there");
    }
    bool any = false;
    for (const InstallStep& step : target.install) {
        if (step.part != Part::combined) continue;
        any = true;
        if (step.path.empty() || haproxy_takes_path(step.path)) continue;
        error(findings, step.location, fmt::format("haproxy's runtime API cannot be told of {}", in_quotes(step.path)),
              "choose a path of plain ASCII without spaces and without '\\', ';', '*', '<' and quotes");
    }
    if (!any) {
        error(findings, target.location,
              fmt::format("haproxy takes up files of part combined, of which the target {} installs none",
                          in_quotes(target.name.text)),
              "add install: [{ part: combined, path: /etc/haproxy/certs/… }]");
    }
}

// Each of these keys has a meaning for one kind of target only.
void check_watched(const Target& target, Findings& findings) {
    const Verify plain;
    const Verify& verify = target.verify;
    const bool about_watching =
        verify.grace != plain.grace || verify.accept != plain.accept || verify.ca_bundle != plain.ca_bundle;
    if (about_watching && !target.is_watched()) {
        warning(findings, target.location,
                fmt::format("grace, accept and ca_bundle of verify mean nothing for the target {}: certd deploys to it",
                            in_quotes(target.name.text)),
                "take them out");
    }
    Target without = target;
    without.reads_live = false;
    if (target.reads_live && !without.is_watched()) {
        warning(findings, target.location,
                fmt::format("reads_live means nothing for the target {}: it says how certd deploys to it, or has "
                            "nothing to verify",
                            in_quotes(target.name.text)),
                "take reads_live out");
    }
}

void check_target(const Target& target, Findings& findings) {
    if (!target.renewal_hooks.empty()) return;  // what it is made of was looked at where it is written
    check_paths(target, findings);
    check_haproxy(target, findings);
    check_fleet(target, findings);
    check_watched(target, findings);
    if (target.verify.addresses.empty()) {
        warning(findings, target.location,
                fmt::format("Nothing checks what the target {} serves", in_quotes(target.name.text)),
                target.hosts.empty() ? "add verify: { tls: [\"127.0.0.1:443\"] }" : "add verify: { tls: [\":443\"] }");
    }
    if (!target.verify.addresses.empty() && target.verify.interval > target.verify.timeout) {
        warning(findings, target.location,
                fmt::format("The target {} is looked at once only: verify.interval is longer than verify.timeout",
                            in_quotes(target.name.text)));
    }
}

// Two targets with the same file would each undo the other's roll back.
void check_shared_paths(const Config& config, Findings& findings) {
    std::map<std::string_view, const Target*> writers;
    for (const auto& [name, target] : config.targets) {
        for (const InstallStep& step : target.install) {
            auto [known, added] = writers.try_emplace(step.path, &target);
            if (added || known->second == &target || step.path.empty()) continue;
            warning(findings, step.location,
                    fmt::format("The targets {} and {} both write {}", in_quotes(known->second->name.text),
                                in_quotes(name.text), in_quotes(step.path)),
                    "give each file to one target");
        }
    }
}

bool is_buypass(std::string_view host) {
    return host == "buypass.com" || host.ends_with(".buypass.com") || host == "buypass.no" ||
           host.ends_with(".buypass.no");
}

void check_ca(const Ca& ca, Findings& findings) {
    if (auto host = https_host(ca.directory); host && is_buypass(*host)) {
        error(findings, ca.location,
              fmt::format("The CA {} is Buypass, whose ACME service ended in October 2025", in_quotes(ca.name.text)),
              "choose another CA, e.g. https://acme-v02.api.letsencrypt.org/directory");
    }
    if (!ca.agree_tos) {
        warning(findings, ca.location,
                fmt::format("Without agree_tos the CA {} will refuse an account", in_quotes(ca.name.text)),
                "read its terms of service and write agree_tos: true");
    }
}

// A staging CA stands beside another one, and what it issues is never used.
void check_staging(const Config& config, const Ca& ca, Findings& findings) {
    std::string names =
        fmt::format("The CA {} names {} as its staging", in_quotes(ca.name.text), in_quotes(ca.staging->text));
    auto found = config.cas.find(*ca.staging);
    if (found == config.cas.end()) {
        std::vector<std::string_view> known;
        for (const auto& [name, other] : config.cas)
            known.push_back(name.text);
        auto near = did_you_mean(ca.staging->text, known);
        return error(findings, ca.location, fmt::format("{}, and there is no such CA", names),
                     near ? fmt::format("did you mean '{}'?", *near) : "describe it in cas");
    }
    if (found->second.directory == ca.directory) {
        error(findings, ca.location, fmt::format("{}, which has the same directory", names),
              "give the staging CA the directory of the CA's staging server");
    } else if (found->second.staging) {
        error(findings, ca.location, fmt::format("{}, which has a staging CA itself", names));
    }
    for (const auto& [name, lineage] : config.lineages) {
        if (std::ranges::find(lineage->cas, *ca.staging) == lineage->cas.end()) continue;
        error(findings, lineage->location,
              fmt::format("The lineage {} uses {}, which is the staging of {}: its certificates are thrown away",
                          in_quotes(name), in_quotes(ca.staging->text), in_quotes(ca.name.text)),
              fmt::format("use {} for the lineage, or take staging out", in_quotes(ca.name.text)));
    }
}

// A dry run at a CA with limits spends what real certificates need.
void check_dry_run(const Config& config, Findings& findings) {
    auto found = config.dry_run_ca ? config.cas.find(*config.dry_run_ca) : config.cas.end();
    if (found == config.cas.end() || found->second.limits == LimitsModel::none) return;
    warning(findings, found->second.location,
            fmt::format("Dry runs at the CA {} count against its limits", in_quotes(found->first.text)),
            "let dry_run_ca name a staging or local CA without limits");
}

std::string listed(const std::vector<KeyType>& keys) {
    std::vector<std::string> texts;
    for (KeyType key : keys)
        texts.emplace_back(to_string(key));
    return join(texts, ", ");
}

// What a target installs must be there in every lineage that is deployed to it.
void check_installed_keys(const Lineage& lineage, const Target& target, Findings& findings) {
    for (const InstallStep& step : target.install) {
        if (!step.key || std::ranges::find(lineage.keys, *step.key) != lineage.keys.end()) continue;
        error(findings, step.location,
              fmt::format("The target {} installs a certificate with key {}, which the lineage {} does not have",
                          in_quotes(target.name.text), to_string(*step.key), in_quotes(lineage.name)),
              fmt::format("its keys: [{}]", listed(lineage.keys)));
    }
}

// certd has no key to install.
void check_installed_parts(const Lineage& lineage, const Target& target, Findings& findings) {
    if (!lineage.csr) return;
    for (const InstallStep& step : target.install) {
        if (!holds_key(step.part)) continue;
        error(findings, step.location,
              fmt::format("The target {} installs the private key of the lineage {}, which certd does not have: it is "
                          "issued for the certificate request {}",
                          in_quotes(target.name.text), in_quotes(lineage.name), in_quotes(lineage.csr->path)),
              "install fullchain, cert or chain only");
    }
}

// The certificate of a key that nothing installs is there for nobody; a target without files reads `live` itself.
void check_unused_keys(const Config& config, const Lineage& lineage, Findings& findings) {
    if (lineage.keys.size() < 2 || lineage.targets.empty()) return;
    for (KeyType key : lineage.keys) {
        bool used = std::ranges::any_of(lineage.targets, [&](const TargetName& name) {
            const Target& target = config.targets.at(name);
            return target.install.empty() || std::ranges::any_of(target.install, [&](const InstallStep& step) {
                       return step.key.value_or(lineage.keys.front()) == key;
                   });
        });
        if (used) continue;
        warning(findings, lineage.location,
                fmt::format("No target of the lineage {} installs its {} certificate", in_quotes(lineage.name),
                            to_string(key)),
                fmt::format("add install items with key: {}", to_string(key)));
    }
}

// Whether the next version has the key made ahead or the one in use must not be in doubt.
void check_next_key(const Lineage& lineage, Findings& findings) {
    if (!lineage.next_key || !lineage.key_max_age) return;
    error(
        findings, lineage.location,
        fmt::format("The lineage {} has both next_key and reuse_key: the next version cannot have the next key and the "
                    "old one",
                    in_quotes(lineage.name)),
        "write next_key: false or reuse_key: { max_age: 0s } in it");
}

void check_lineage(const Config& config, const Lineage& lineage, Findings& findings) {
    check_next_key(lineage, findings);
    for (const TargetName& name : lineage.targets) {
        check_installed_keys(lineage, config.targets.at(name), findings);
        check_installed_parts(lineage, config.targets.at(name), findings);
    }
    check_unused_keys(config, lineage, findings);
    if (lineage.targets.size() > (lineage.renewal_hooks.empty() ? 0U : 1U)) return;
    warning(findings, lineage.location,
            fmt::format("The lineage {} has no targets: nothing checks that it is served", in_quotes(lineage.name)),
            "add targets: [NAME]");
}

void check_metrics(const MetricsListener& metrics, Findings& findings) {
    if (metrics.textfile && !metrics.textfile->ends_with(".prom")) {
        error(
            findings, metrics.location,
            fmt::format("node_exporter does not read {}: its name does not end in .prom", in_quotes(*metrics.textfile)),
            "name the file certd.prom");
    }
    if (!metrics.listen || !metrics.token_file.empty() || is_loopback(*metrics.listen)) return;
    if (!parse_host_port(*metrics.listen)) return;  // that it is none was told already
    warning(findings, metrics.location,
            fmt::format("Everybody who reaches {} can read the metrics; the status page is left out there",
                        in_quotes(*metrics.listen)),
            "add token_file: PATH, or listen on 127.0.0.1");
}

}  // namespace

std::vector<Finding> check(const Config& config) {
    Findings findings;
    for (const auto& [name, ca] : config.cas)
        check_ca(ca, findings);
    for (const auto& [name, ca] : config.cas) {
        if (ca.staging) check_staging(config, ca, findings);
    }
    for (const auto& [name, target] : config.targets)
        check_target(target, findings);
    for (const auto& [name, lineage] : config.lineages)
        check_lineage(config, *lineage, findings);
    check_metrics(config.metrics, findings);
    check_shared_paths(config, findings);
    check_dry_run(config, findings);
    return findings;
}

}  // namespace certd::config
