// Lineages with what they inherit from the defaults.
#include "config/lineages.hpp"

#include "config/request.hpp"
#include "libacme/base/idn.hpp"
#include "libacme/base/text.hpp"
#include "libacme/crypto/digest.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

namespace certd::config {

namespace {

constexpr std::size_t names_limit = 100;
constexpr std::string_view hooks_target = "renewal-hooks";

// Of a lineage with hooks of its own: a target's name that stays the same whatever else is configured.
std::string own_hooks_target(const std::string& lineage) {
    constexpr std::size_t longest = 64;
    std::string name = fmt::format("{}.{}", hooks_target, lineage);
    if (name.size() <= longest) return name;
    return fmt::format("{}-{}", name.substr(0, longest - 17), sha256_hex(lineage).substr(0, 16));
}

template <class Values>
std::vector<std::string_view> names_of(const Values& values) {
    std::vector<std::string_view> names;
    for (const auto& [name, value] : values)
        names.push_back(name.text);
    return names;
}

// The names in `list` that are among the `known`, each once; the others are reported.
template <class Name>
std::vector<Name> references(std::string_view kind, TreeNode list, const std::vector<std::string_view>& known,
                             Report& report) {
    std::vector<Name> result;
    std::vector<TreeNode> items = scalars_of(list);
    result.reserve(items.size());
    for (TreeNode item : items) {
        if (item.text().empty()) continue;
        Name name{std::string(item.text())};
        if (!std::ranges::binary_search(known, item.text())) {
            auto near = did_you_mean(item.text(), known);
            report.error(item.location(), fmt::format("There is no {} {}", kind, in_quotes(item.text())),
                         near ? fmt::format("did you mean '{}'?", *near) : "");
        } else if (std::ranges::find(result, name) != result.end()) {
            report.error(item.location(), fmt::format("The {} {} is listed twice", kind, in_quotes(item.text())));
        } else {
            result.push_back(std::move(name));
        }
    }
    return result;
}

// An age of zero turns off what the defaults turn on.
void read_key_age(const Reader& reader, std::optional<Duration>& max_age) {
    if (!reader.find("reuse_key")) return;
    Duration age{};
    reader.section("reuse_key").read("max_age", age);
    max_age = age > Duration::zero() ? std::optional(age) : std::nullopt;
}

}  // namespace

LineageBuilder::LineageBuilder(Config& config, std::optional<TreeNode> defaults, Disk disk, Report& report)
    : config_(config),
      disk_(disk),
      report_(report),
      ca_names_(names_of(config.cas)),
      target_names_(names_of(config.targets)) {
    Reader reader(defaults);
    if (auto cas = reader.find("cas")) {
        defaults_.mentions_ca = !scalars_of(*cas).empty();
        defaults_.cas = read_cas(*cas);
    }
    if (auto dry_run = reader.find("dry_run_ca"); dry_run && dry_run->is_scalar()) {
        std::vector<CaName> found = read_cas(*dry_run);
        if (!found.empty()) config_.dry_run_ca = found.front();
    }
    if (auto challenge = reader.find("challenge")) {
        defaults_.has_challenge = true;
        defaults_.challenge = read_challenge(*challenge);
    } else if (!config_.http_challenge.listen.empty()) {
        defaults_.has_challenge = true;
        defaults_.challenge.http01.emplace();
        defaults_.challenge.order = {"http-01"};
    }
    read_keys(reader, defaults_.keys);
    read_key_age(reader, defaults_.key_max_age);
    reader.read(defaults_.profile);
    reader.read("next_key", defaults_.next_key);
    reader.read_number("keep_versions", defaults_.keep_versions);
    reader.read("allow_subset_of_names", defaults_.allow_subset_of_names);
    reader.read("pre_issue", defaults_.pre_issue);
    reader.read("post_issue", defaults_.post_issue);
    reader.read(defaults_.renewal_hooks);
    check_renewal_hooks(reader, defaults_.renewal_hooks);
}

void LineageBuilder::add(TreeNode key, TreeNode value) {
    auto lineage = std::make_shared<Lineage>();
    Reader reader(value);
    lineage->name = key.text();
    lineage->location = key.location();
    lineage->keys = defaults_.keys;
    lineage->keep_versions = defaults_.keep_versions;
    lineage->allow_subset_of_names = defaults_.allow_subset_of_names;
    lineage->pre_issue = defaults_.pre_issue;
    lineage->post_issue = defaults_.post_issue;
    lineage->profile = defaults_.profile;
    read_keys(reader, lineage->keys);
    lineage->key_max_age = defaults_.key_max_age;
    read_key_age(reader, lineage->key_max_age);
    lineage->next_key = defaults_.next_key;
    reader.read("next_key", lineage->next_key);
    reader.read(lineage->profile);
    reader.read_number("keep_versions", lineage->keep_versions);
    reader.read("allow_subset_of_names", lineage->allow_subset_of_names);
    reader.read("pre_issue", lineage->pre_issue);
    reader.read("post_issue", lineage->post_issue);

    auto cas = reader.find("cas");
    lineage->cas = cas ? read_cas(*cas) : defaults_.cas;
    if (bool mentions_ca = cas ? !scalars_of(*cas).empty() : defaults_.mentions_ca; !mentions_ca) {
        report_.error(lineage->location, fmt::format("The lineage {} has no CA", in_quotes(lineage->name)),
                      "add cas: [NAME] to it or to defaults");
    }

    auto challenge = reader.find("challenge");
    lineage->challenge = challenge ? read_challenge(*challenge) : defaults_.challenge;
    if (!challenge && !defaults_.has_challenge) {
        report_.error(
            lineage->location,
            fmt::format("The lineage {} has no challenge: nothing proves its names", in_quotes(lineage->name)),
            "set http_challenge: { listen: \"[::]:80\" }, or challenge: { http-01: { webroot: /var/www/html "
            "} } in defaults");
    }
    if (auto by_name = reader.find("name_challenges")) read_name_challenges(*lineage, *by_name);
    if (auto targets = reader.find("targets")) lineage->targets = read_targets(*targets);
    read_renewal_hooks(*lineage, reader);
    read_names(*lineage, key, reader.find("names"));
    read_csr(*lineage, reader);
    config_.lineages.emplace(lineage->name, std::move(lineage));
}

// A target that does nothing but put files in place on this machine.
bool installs_only(const Target& target) {
    return !target.install.empty() && target.exec.empty() && target.test.empty() && target.reload.empty() &&
           target.hosts.empty() && target.verify.addresses.empty() && target.maintenance.empty();
}

// Its deploy scripts are a target of their own, in front of those that are reloaded and verified: whatever the scripts
// in `pre` had stopped must run again by then. Files that the scripts make somebody read are in place before.
void LineageBuilder::read_renewal_hooks(Lineage& lineage, const Reader& reader) {
    lineage.renewal_hooks = defaults_.renewal_hooks;
    reader.read(lineage.renewal_hooks);
    check_renewal_hooks(reader, lineage.renewal_hooks);
    if (lineage.renewal_hooks.empty()) return;
    const bool own = lineage.renewal_hooks != defaults_.renewal_hooks;
    Target target{.name = {own ? own_hooks_target(lineage.name) : std::string(hooks_target)}};
    target.renewal_hooks = lineage.renewal_hooks;
    target.location = lineage.location;
    auto first = std::ranges::find_if_not(lineage.targets, [&](const TargetName& name) {
        auto known = config_.targets.find(name);
        return known != config_.targets.end() && installs_only(known->second);
    });
    lineage.targets.insert(first, target.name);
    auto [known, added] = config_.targets.try_emplace(target.name, target);
    if (added || !known->second.renewal_hooks.empty()) return;
    report_.error(
        known->second.location,
        fmt::format("The name {} is that of the target which stands for renewal_hooks", in_quotes(target.name.text)),
        "give the target another name");
}

// What is not there yet may come; that none of the scripts would run is worth a word.
void LineageBuilder::check_renewal_hooks(const Reader& reader, const RenewalHooks& hooks) {
    auto section = reader.find("renewal_hooks");
    if (!section || !section->is_map() || section->size() == 0) return;
    if (hooks.empty() && !section->find("directory")) {
        report_.error(section->location(), "renewal_hooks names no directory",
                      "add directory: /etc/letsencrypt/renewal-hooks, or write renewal_hooks: {} for none");
    }
    std::error_code error;
    if (hooks.empty() || disk_ == Disk::leave || std::filesystem::is_directory(hooks.directory, error)) return;
    report_.warning(section->location(), fmt::format("There is no directory {}", in_quotes(hooks.directory)),
                    "renewals fail until it is there");
}

void LineageBuilder::read_names(Lineage& lineage, TreeNode key, std::optional<TreeNode> names) {
    if (!names) {
        auto own = parse_identifier(lineage.name);
        if (own && own->type == Identifier::Type::dns) {
            lineage.names.push_back(std::move(*own));
        } else {
            report_.error(
                key.location(),
                fmt::format("The lineage {} has no names, and its own is no DNS name", in_quotes(lineage.name)),
                "add names: [www.example.com]");
        }
        return;
    }
    std::vector<TreeNode> items = scalars_of(*names);
    if (names->is_sequence() && names->size() == 0) {
        report_.error(names->location(), fmt::format("The lineage {} has no names", in_quotes(lineage.name)),
                      "list them, or leave the key out to use the lineage's own name");
    }
    if (items.size() > names_limit) {
        report_.error(items[names_limit].location(),
                      fmt::format("The lineage {} has more than {} names", in_quotes(lineage.name), names_limit),
                      "split it into several lineages");
        items.erase(items.begin() + names_limit, items.end());
    }
    lineage.names.reserve(items.size());
    for (TreeNode item : items)
        add_name(lineage, item.text(), item.location());
}

// What is wrong with the file is a warning only: it concerns this lineage, and is its problem when it is due.
void LineageBuilder::read_csr(Lineage& lineage, const Reader& reader) {
    auto file = reader.find("csr");
    if (!file || file->text().empty()) return;  // the latter is the schema's complaint
    for (const char* other : {"key", "keys", "reuse_key"}) {
        if (auto given = reader.find(other)) {
            report_.error(given->location(),
                          fmt::format("{} and csr exclude each other: the key is the request's", other),
                          fmt::format("take {} out", other));
        }
    }
    if (auto given = reader.find("allow_subset_of_names"); given && lineage.allow_subset_of_names) {
        report_.error(given->location(), "allow_subset_of_names and csr exclude each other: a request has its names",
                      "take allow_subset_of_names out");
    }
    if (auto given = reader.find("next_key"); given && lineage.next_key) {
        report_.error(given->location(), "next_key and csr exclude each other: the key is the request's",
                      "take next_key out");
    }
    // What the defaults say of other lineages cannot hold for this one.
    lineage.allow_subset_of_names = false;
    lineage.key_max_age.reset();
    lineage.next_key = false;
    lineage.csr = CertificateRequest{std::string(file->text()), {}, {}, {}, {}};
    if (disk_ == Disk::leave) return;
    ReadRequest read = read_request(lineage.csr->path, lineage.names);
    if (read.request.problem) {
        report_.warning(file->location(), read.request.problem->what, read.request.problem->hint);
    } else {
        lineage.keys = {read.key_type};
    }
    lineage.csr = std::move(read.request);
}

void LineageBuilder::add_name(Lineage& lineage, std::string_view text, const Location& where) {
    if (text.empty()) return;  // the schema's complaint
    auto identifier = parse_international_identifier(text);
    if (!identifier) return report_.error(where, identifier.error().what, identifier.error().hint);
    if (std::ranges::find(lineage.names, *identifier) != lineage.names.end()) {
        return report_.error(where, fmt::format("The name {} is listed twice", in_quotes(identifier->value)));
    }
    check_provable(lineage, *identifier, where);
    lineage.names.push_back(std::move(*identifier));
}

// A server presents one certificate of each kind, by what the client can verify.
void LineageBuilder::read_keys(const Reader& reader, std::vector<KeyType>& keys) {
    auto one = reader.find("key"), several = reader.find("keys");
    if (one && several) {
        report_.error(several->location(), "key and keys are both given", "keep keys");
    }
    auto list = several ? several : one;
    if (!list) return;
    if (list->is_sequence() && list->size() == 0)
        report_.error(list->location(), "The list of keys is empty", "write keys: [ecdsa-p256, rsa-2048]");
    std::vector<KeyType> read;
    for (TreeNode item : scalars_of(*list)) {
        auto type = key_type_from(item.text());
        if (!type) continue;  // the schema's complaint
        auto same_kind = [&](KeyType known) { return is_rsa(known) == is_rsa(*type); };
        if (auto known = std::ranges::find_if(read, same_kind); known != read.end()) {
            report_.error(item.location(),
                          fmt::format("{} and {} are keys of one kind, of which a server presents only one certificate",
                                      to_string(*known), item.text()),
                          "list at most one ECDSA and one RSA key");
        } else {
            read.push_back(*type);
        }
    }
    if (!read.empty()) keys = std::move(read);
}

std::vector<CaName> LineageBuilder::read_cas(TreeNode list) {
    return references<CaName>("CA", list, ca_names_, report_);
}

std::vector<TargetName> LineageBuilder::read_targets(TreeNode list) {
    return references<TargetName>("target", list, target_names_, report_);
}

Challenge LineageBuilder::read_challenge(TreeNode node) {
    Challenge challenge;
    if (node.kind() == TreeNode::Kind::null || (node.is_map() && node.size() == 0)) {
        report_.error(node.location(), "The challenge names no way to prove a name",
                      "write { http-01: {} } or { http-01: { webroot: /var/www/html } }");
    }
    for (std::size_t i = 0; node.is_map() && i < node.size(); ++i) {
        std::string_view type = node.key(i).text();
        Location where = node.key(i).location();
        challenge.order.emplace_back(type);
        if (type == "http-01") {
            challenge.http01 = read_http01(node.key(i), node.value(i));
        } else if (type == "dns-01") {
            challenge.dns01 = read_dns01(node.key(i), node.value(i));
        } else if (type == "dns-account-01") {
            challenge.dns_account01 = read_dns01(node.key(i), node.value(i));
        } else if (type == "dns-persist-01") {
            challenge.dns_persist01.emplace();
            challenge.dns_persist01->resolvers = config_.resolvers;
            Reader(node.value(i)).read("servers", challenge.dns_persist01->servers);
        } else if (type == "tls-alpn-01") {
            challenge.tls_alpn01.emplace();
            if (!config_.tls_challenge.listen.empty()) continue;
            report_.error(where, "tls-alpn-01 needs certd's own listener, and tls_challenge.listen is not set",
                          "set tls_challenge: { listen: \"[::]:443\" }");
        }
    }
    return challenge;
}

Challenge::Http01 LineageBuilder::read_http01(TreeNode key, TreeNode node) {
    Challenge::Http01 http01;
    Reader reader(node);
    reader.read("webroot", http01.webroot);
    if (reader.find("exec")) reader.section("exec").read(http01.exec.emplace());
    if (http01.webroot && http01.exec) {
        report_.error(reader.find("exec")->location(), "http-01 has both a webroot and commands",
                      "keep one of webroot and exec");
    } else if (!http01.webroot && !http01.exec && config_.http_challenge.listen.empty()) {
        report_.error(key.location(),
                      "http-01 without a webroot needs certd's own listener, and http_challenge.listen is not set",
                      "set http_challenge: { listen: \"[::]:80\" }, or give a webroot");
    }
    return http01;
}

Dns01 LineageBuilder::read_dns01(TreeNode key, TreeNode node) {
    auto name = Reader(node).find("provider");
    if (!name || !name->is_scalar()) return {};  // the schema's complaint
    auto found = config_.dns_providers.find(std::string(name->text()));
    if (found != config_.dns_providers.end()) return {found->second};
    std::vector<std::string_view> known;
    for (const auto& [text, provider] : config_.dns_providers)
        known.push_back(text);
    auto near = did_you_mean(name->text(), known);
    report_.error(known.empty() ? key.location() : name->location(),
                  fmt::format("There is no DNS provider {}", in_quotes(name->text())),
                  near ? fmt::format("did you mean '{}'?", *near) : "describe it in dns_providers");
    return {};
}

void LineageBuilder::read_name_challenges(Lineage& lineage, TreeNode node) {
    for (std::size_t i = 0; node.is_map() && i < node.size(); ++i) {
        std::string_view text = node.key(i).text();
        bool ending = text.starts_with('.');
        auto name = parse_international_identifier(ending ? text.substr(1) : text);
        if (!name || (ending && (name->type == Identifier::Type::ip || name->is_wildcard()))) {
            report_.error(node.key(i).location(),
                          fmt::format("{} is neither a name for a certificate nor an ending of one", in_quotes(text)),
                          "write \"www.example.com\", or \".example.com\" for every name that ends so");
            continue;
        }
        lineage.name_challenges.push_back({(ending ? "." : "") + name->value, read_challenge(node.value(i))});
    }
}

void LineageBuilder::check_provable(const Lineage& lineage, const Identifier& name, const Location& where) {
    const Challenge& challenge = challenge_for(lineage, name);
    if (challenge.order.empty()) return;  // which has been complained of
    if (name.is_wildcard() && !challenge.dns01 && !challenge.dns_account01 && !challenge.dns_persist01) {
        report_.error(
            where,
            fmt::format("{} cannot prove the wildcard {}", join(challenge.order, " and "), in_quotes(name.value)),
            "add dns-01: { provider: NAME } to the challenge, or list the names one by one");
    }
    if (name.type == Identifier::Type::ip && !challenge.http01 && !challenge.tls_alpn01) {
        report_.error(
            where, fmt::format("{} cannot prove the address {}", join(challenge.order, " and "), in_quotes(name.value)),
            "add http-01: {} to the challenge");
    }
}

const Challenge& challenge_for(const Lineage& lineage, const Identifier& name) {
    const NameChallenge* best = nullptr;
    for (const NameChallenge& item : lineage.name_challenges) {
        if (item.pattern == name.value) return item.challenge;
        bool fits = item.pattern.starts_with('.') && name.value.ends_with(item.pattern);
        if (fits && (best == nullptr || item.pattern.size() > best->pattern.size())) best = &item;
    }
    return best != nullptr ? best->challenge : lineage.challenge;
}

}  // namespace certd::config
