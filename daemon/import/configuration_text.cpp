// The translation as a file for conf.d. Every text that comes from certbot stands in quotation marks.
#include "daemon/import/read_versions.hpp"
#include "daemon/import/translation.hpp"

#include "libacme/base/json.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd::certbot {

namespace {

std::string list_of(const std::vector<std::string>& texts) {
    std::vector<std::string> quoted;
    std::ranges::transform(texts, std::back_inserter(quoted), [](const std::string& text) { return yaml(text); });
    return fmt::format("[{}]", join(quoted, ", "));
}

std::string hooks_text(const char* key, const std::string& shell) {
    return shell.empty() ? "" : fmt::format("    {}: [{{ command: {{ shell: {} }} }}]\n", key, yaml(shell));
}

std::string ca_text(const ImportedCa& ca) {
    std::string text = fmt::format("  {}:\n    directory: {}\n", yaml(ca.name.text), yaml(ca.directory));
    if (!ca.contact.empty()) text += fmt::format("    contact: {}\n", list_of(ca.contact));
    text += "    agree_tos: true    # as was said to certbot\n";
    if (ca.ca_bundle) text += fmt::format("    ca_bundle: {}\n", yaml(*ca.ca_bundle));
    if (ca.proxy) text += fmt::format("    proxy: {}\n", yaml(*ca.proxy));
    if (ca.preferred_chain) text += fmt::format("    preferred_chain: {}\n", yaml(*ca.preferred_chain));
    if (ca.directory == letsencrypt_directory) text += "    limits: letsencrypt\n";
    return text;
}

std::string provider_text(const ImportedProvider& provider) {
    std::string text = fmt::format("  {}:\n    {}:\n", yaml(provider.name), provider.kind);
    for (const auto& [key, value] : provider.members)
        text += fmt::format("      {}: {}\n", key, value);
    return text;
}

std::string install_text(const ImportedTarget& target) {
    std::string text = "    install:    # readers of the key as certbot left them\n";
    for (std::string_view kind : archive_kinds) {
        text += fmt::format("      - {{ part: {0}, path: {1}, mode: ", kind,
                            yaml((target.copies / fmt::format("{}.pem", kind)).string()));
        text += kind == "privkey" ? fmt::format("\"{:04o}\", owner: \"{}\", group: \"{}\" }}\n", target.readers.mode,
                                                target.readers.owner, target.readers.group)
                                  : "\"0644\" }\n";
    }
    return text;
}

std::string target_text(const ImportedTarget& target) {
    std::string text = fmt::format("  {}:\n", yaml(target.name.text));
    if (!target.copies.empty()) text += install_text(target);
    if (!target.service.empty()) text += fmt::format("    service: {}\n", target.service);
    return text + hooks_text("exec", target.hook);
}

std::string lineage_text(const ImportedLineage& lineage) {
    std::vector<std::string> names, targets;
    for (const Identifier& name : lineage.names)
        names.push_back(name.value);
    for (const TargetName& target : lineage.targets)
        targets.push_back(target.text);
    std::string text =
        fmt::format("  {}:\n    names: {}\n    key: {}\n    cas: [{}]\n    challenge: {}\n", yaml(lineage.name->text()),
                    list_of(names), to_string(lineage.key), yaml(lineage.ca.text), lineage.challenge);
    if (!lineage.name_challenges.empty()) text += "    name_challenges:\n";
    for (const auto& [name, challenge] : lineage.name_challenges)
        text += fmt::format("      {}: {}\n", yaml(name), challenge);
    if (!targets.empty()) text += fmt::format("    targets: {}\n", list_of(targets));
    if (lineage.reuse_key) text += "    reuse_key: { max_age: 3650d }    # certbot has no limit\n";
    if (lineage.profile)
        text += fmt::format("    {}: {}\n", lineage.profile_required ? "required_profile" : "profile",
                            yaml(*lineage.profile));
    if (lineage.subset) text += "    allow_subset_of_names: true\n";
    if (!lineage.renewal_hooks.empty())
        text += fmt::format("    renewal_hooks: {{ directory: {} }}\n", yaml(lineage.renewal_hooks));
    return text + hooks_text("pre_issue", lineage.pre_hook) + hooks_text("post_issue", lineage.post_hook);
}

template <class Items, class Text>
std::string section(const char* name, const Items& items, Text text_of) {
    std::string text;
    for (const auto& item : items)
        text += text_of(item);
    return text.empty() ? text : fmt::format("{}:\n{}", name, text);
}

}  // namespace

// JSON's texts are YAML's.
std::string yaml(std::string_view text) {
    return to_text(Json(text));
}

std::string configuration_text(const Translation& translation, const Path& from) {
    std::string text = fmt::format(
        "# Taken over from certbot's {}. certd does not write here again: change it as you like.\n"
        "# `certctl import certbot --give-back` returns these lineages to certbot.\n",
        escape_untrusted(from.string()));
    if (!translation.listen.empty())
        text += fmt::format("http_challenge: {{ listen: {} }}\n", list_of(translation.listen));
    auto new_ca = [](const ImportedCa& ca) { return ca.is_new ? ca_text(ca) : std::string(); };
    text += section("cas", translation.cas, new_ca);
    text += section("dns_providers", translation.providers, provider_text);
    text += section("targets", translation.targets, target_text);
    text += section("lineages", translation.lineages, lineage_text);
    return text;
}

}  // namespace certd::certbot
