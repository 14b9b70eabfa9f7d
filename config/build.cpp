// Merging of documents, and the sections of the Config other than lineages.
#include "config/build.hpp"

#include "config/build_dns.hpp"
#include "config/build_notify.hpp"
#include "config/fleet.hpp"
#include "config/lineages.hpp"
#include "config/reader.hpp"
#include "config/services.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace certd::config {

namespace {

constexpr std::array<std::string_view, 5> merged_keys = {"cas", "dns_providers", "targets", "lineages", "notify"};

struct Entry {
    TreeNode key, value;
};

// The entries of the top level over all documents.
class Merged {
   public:
    Merged(std::span<const Document> documents, Report& report) : report_(report) {
        for (const Document& document : documents)
            add(document.root());
    }

    std::optional<TreeNode> find(std::string_view key) const {
        auto found = single_.find(key);
        return found == single_.end() ? std::nullopt : std::optional(found->second.value);
    }

    // The entries of one of the merged keys, sorted by name, each name once.
    const std::map<std::string_view, Entry>& entries(std::string_view key) const {
        static const std::map<std::string_view, Entry> none;
        auto found = named_.find(key);
        return found == named_.end() ? none : found->second;
    }

   private:
    void add(TreeNode root) {
        for (std::size_t i = 0; root.is_map() && i < root.size(); ++i) {
            std::string_view key = root.key(i).text();
            if (std::ranges::find(merged_keys, key) != merged_keys.end()) {
                add_named(key, root.value(i));
            } else {
                add_once(single_, {root.key(i), root.value(i)}, "The key");
            }
        }
    }

    void add_named(std::string_view key, TreeNode section) {
        std::string_view kind = key == "cas"             ? "The CA"
                                : key == "dns_providers" ? "The DNS provider"
                                : key == "targets"       ? "The target"
                                : key == "notify"        ? "The notifier"
                                                         : "The lineage";
        for (std::size_t i = 0; section.is_map() && i < section.size(); ++i) {
            add_once(named_[key], {section.key(i), section.value(i)}, kind);
        }
    }

    // A repetition within one file was reported with its syntax.
    void add_once(std::map<std::string_view, Entry>& entries, Entry entry, std::string_view kind) {
        auto [known, added] = entries.try_emplace(entry.key.text(), entry);
        if (added || known->second.key.file() == entry.key.file()) return;
        Location here = entry.key.location();
        report_.error(here,
                      fmt::format("{} {} is here for the second time; it is on {} already", kind,
                                  in_quotes(entry.key.text()), Report::refer(known->second.key.location(), here)),
                      "keep one of the two");
    }

    Report& report_;
    std::map<std::string_view, Entry> single_;
    std::map<std::string_view, std::map<std::string_view, Entry>> named_;
};

LimitsModel limits_of(std::string_view text) {
    return text == "letsencrypt" ? LimitsModel::letsencrypt : LimitsModel::none;
}

std::string without_mailto(std::string address) {
    return address.starts_with("mailto:") ? address.substr(7) : address;
}

Ca build_ca(const Entry& entry, std::vector<TrustedFile>& bundles) {
    Ca ca{.name = {std::string(entry.key.text())}};
    Reader reader(entry.value);
    ca.location = entry.key.location();
    reader.read("directory", ca.directory);
    reader.read("contact", ca.contact);
    std::ranges::transform(ca.contact, ca.contact.begin(), without_mailto);
    reader.read("agree_tos", ca.agree_tos);
    reader.read("ca_bundle", ca.ca_bundle);
    reader.read("proxy", ca.proxy);
    reader.read("account_key", ca.account_key);
    ca.limits = limits_of(reader.scalar("limits"));
    reader.read_number("parallel_orders", ca.parallel_orders);
    reader.read("preferred_chain", ca.preferred_chain);
    if (auto external = reader.find("external_account"); external && external->is_map()) {
        Reader binding(external);
        ca.external_account.emplace();
        binding.read("kid", ca.external_account->kid);
        binding.read("mac_key_file", ca.external_account->mac_key_file);
        binding.read("algorithm", ca.external_account->algorithm);
    }
    reader.read(ca.profile);
    if (std::string_view staging = reader.scalar("staging"); !staging.empty())
        ca.staging = CaName{std::string(staging)};
    if (ca.ca_bundle) bundles.push_back({*ca.ca_bundle, reader.find("ca_bundle")->location()});
    return ca;
}

std::optional<Part> part_from(std::string_view text) {
    for (Part part : {Part::cert, Part::chain, Part::fullchain, Part::privkey, Part::combined, Part::pkcs12}) {
        if (to_string(part) == text) return part;
    }
    return std::nullopt;
}

InstallStep build_step(TreeNode node) {
    InstallStep step;
    Reader reader(node);
    auto path = reader.find("path");
    step.location = path ? path->location() : node.location();
    step.part = part_from(reader.scalar("part")).value_or(Part::fullchain);
    step.mode = holds_key(step.part) ? 0600 : 0644;
    if (reader.scalar("format") == "der") step.format = Format::der;
    reader.read("password_file", step.password_file);
    reader.read("key", step.key);
    reader.read("path", step.path);
    reader.read_mode("mode", step.mode);
    reader.read("owner", step.owner);
    reader.read("group", step.group);
    return step;
}

// A command in place of a preset's unit, or the other way round, leaves one of them. A socket of haproxy alone leaves
// what there is to fall back to.
void read_reload(const Reader& reader, Reload& reload) {
    Reload given;
    reader.read("reload", given.command);
    reader.section("reload").read("command", given.command);
    reader.section("reload").read("systemd", given.systemd_unit);
    reader.section("reload").read("haproxy", given.haproxy);
    if (given.runs_program()) {
        reload = std::move(given);
    } else {
        reload.haproxy = std::move(given.haproxy);
    }
}

void read_verify(const Reader& reader, Verify& verify) {
    std::vector<VerifyAddress> given;
    for (StartTls start : {StartTls::none, StartTls::smtp, StartTls::imap, StartTls::pop3, StartTls::ftp,
                           StartTls::ldap, StartTls::postgres}) {
        std::vector<std::string> addresses;
        reader.read(start_tls_name(start), addresses);
        for (std::string& address : addresses)
            given.push_back({start, std::move(address)});
    }
    if (!given.empty()) verify.addresses = std::move(given);
    reader.read("server_names", verify.server_names);
    reader.read("timeout", verify.timeout);
    reader.read("interval", verify.interval);
    reader.read("every", verify.every);
    reader.read("grace", verify.grace);
    if (reader.scalar("accept") == "trusted") verify.accept = Accept::trusted;
    reader.read("ca_bundle", verify.ca_bundle);
}

Target build_target(const Entry& entry, Built& built) {
    Target target{.name = {std::string(entry.key.text())}};
    Reader reader(entry.value);
    target.location = entry.key.location();
    auto install = reader.find("install");
    for (std::size_t i = 0; install && install->is_sequence() && i < install->size(); ++i) {
        target.install.push_back(build_step(install->item(i)));
    }
    read_fleet(reader, target);
    if (target.ssh.identity_file) {
        built.ssh_identities.push_back(
            {*target.ssh.identity_file, reader.section("ssh").find("identity_file")->location()});
    }
    reader.read("exec", target.exec);
    reader.read("service", target.service);
    if (const Service* service = find_service(target.service)) fill_in(*service, target);
    reader.read("test", target.test);
    reader.read("rehearse", target.rehearse);
    read_reload(reader, target.reload);
    read_verify(reader.section("verify"), target.verify);
    if (target.verify.ca_bundle) {
        built.ca_bundles.push_back({*target.verify.ca_bundle, reader.section("verify").find("ca_bundle")->location()});
    }
    reader.read("reads_live", target.reads_live);
    reader.read("command_timeout", target.command_timeout);
    std::vector<std::string> windows;
    reader.read("maintenance", windows);
    for (const std::string& text : windows) {
        if (auto window = parse_window(text)) target.maintenance.push_back(*window);
    }
    return target;
}

// Each key stands in one document at most, so that reading one after the other merges them.
void read_top_level(const Reader& root, Config& config) {
    root.read("state_dir", config.state_dir);
    root.read_number("parallel_orders", config.parallel_orders);
    root.read("jitter", config.jitter);
    root.read("resolvers", config.resolvers);

    Reader control = root.section("control");
    control.read("socket", config.control.socket);
    control.read("group", config.control.group);
    control.read("viewers", config.control.viewers);
    control.read("admins", config.control.admins);

    Reader metrics = root.section("metrics");
    if (auto section = root.find("metrics")) config.metrics.location = section->location();
    metrics.read("listen", config.metrics.listen);
    metrics.read("token_file", config.metrics.token_file);
    metrics.read("page", config.metrics.page);
    metrics.read("textfile", config.metrics.textfile);
    metrics.read("textfile_interval", config.metrics.textfile_interval);

    Reader http = root.section("http_challenge");
    http.read("listen", config.http_challenge.listen);
    if (http.scalar("mode") == "always") config.http_challenge.mode = ListenMode::always;

    Reader tls = root.section("tls_challenge");
    tls.read("listen", config.tls_challenge.listen);
    if (tls.scalar("mode") == "always") config.tls_challenge.mode = ListenMode::always;

    Reader log = root.section("log");
    log.read("level", config.log.level);
    log.read("file", config.log.file);
    log.read_size("max_size", config.log.max_size);
    log.read_number("max_files", config.log.max_files);
    if (log.scalar("format") == "json") config.log.format = Log::Format::json;

    Reader audit = root.section("audit");
    audit.read("keep", config.audit.keep);
    audit.read_size("max_size", config.audit.max_size);

    Reader revocation = root.section("revocation");
    revocation.read("crl", config.revocation.crl);
    revocation.read("interval", config.revocation.interval);
    revocation.read_size("max_size", config.revocation.max_size);
}

}  // namespace

Built build(std::span<const Document> documents, Disk disk, Report& report) {
    Merged merged(documents, report);
    Built built;
    Config& config = built.config;
    for (const Document& document : documents)
        read_top_level(Reader(document.root()), config);
    for (const auto& [name, entry] : merged.entries("cas")) {
        config.cas.emplace(CaName{std::string(name)}, build_ca(entry, built.ca_bundles));
    }
    for (const auto& [name, entry] : merged.entries("dns_providers")) {
        config.dns_providers.emplace(std::string(name),
                                     build_dns_provider(entry.key, entry.value, config.resolvers, report));
    }
    for (const auto& [name, entry] : merged.entries("targets")) {
        config.targets.emplace(TargetName{std::string(name)}, build_target(entry, built));
    }
    for (const auto& [name, entry] : merged.entries("notify"))
        config.notifiers.emplace(std::string(name), build_notifier(entry.key, entry.value, report));
    LineageBuilder lineages(config, merged.find("defaults"), disk, report);
    for (const auto& [name, entry] : merged.entries("lineages"))
        lineages.add(entry.key, entry.value);
    return built;
}

bool holds_key(Part part) {
    return part == Part::privkey || part == Part::combined || part == Part::pkcs12;
}

std::string_view to_string(Part part) {
    switch (part) {
        case Part::cert:
            return "cert";
        case Part::chain:
            return "chain";
        case Part::fullchain:
            return "fullchain";
        case Part::privkey:
            return "privkey";
        case Part::combined:
            return "combined";
        case Part::pkcs12:
            return "pkcs12";
    }
    return "";
}

std::string file_name(Part part) {
    return std::string(to_string(part)) + ".pem";
}

}  // namespace certd::config
