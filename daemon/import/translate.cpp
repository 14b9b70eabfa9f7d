// One lineage after the other: names, key, CA, challenge, targets and hooks.
#include "daemon/import/copies.hpp"
#include "daemon/import/names.hpp"
#include "daemon/import/translation.hpp"

#include "daemon/import/read_versions.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace certd::certbot {

namespace {

using Texts = std::vector<std::string>;

std::string without_mailto(std::string address) {
    return address.starts_with("mailto:") ? address.substr(7) : address;
}

std::string host_of(const std::string& url) {
    std::size_t begin = url.find("://");
    begin = begin == std::string::npos ? 0 : begin + 3;
    return url.substr(begin, url.find_first_of("/:", begin) - begin);
}

std::string ca_name_for(const std::string& server) {
    std::string host = host_of(server);
    if (host == "acme-v02.api.letsencrypt.org") return "letsencrypt";
    if (host == "acme-staging-v02.api.letsencrypt.org") return "letsencrypt-staging";
    return fitting_name(host.substr(0, 48));
}

// ACME v1 has ended; certbot went to the successor by itself.
std::string current_server(std::string server) {
    if (std::size_t at = server.find("-v01.api.letsencrypt.org"); at != std::string::npos)
        server.replace(at, 4, "-v02");
    return server;
}

class Translator {
   public:
    Translator(const Tree& tree, const Present& present, const TranslateOptions& options)
        : tree_(tree), present_(present), options_(options) {}

    Translation translate() && {
        Texts carried;
        for (const LineageFacts& facts : tree_.lineages) {
            if (facts.broken.empty()) carried.push_back(facts.name);
        }
        std::map<std::string, LineageName> names = lineage_names(carried);
        for (const LineageFacts& facts : tree_.lineages) {
            if (facts.broken.empty()) {
                take(facts, names.at(facts.name));
            } else {
                result_.not_carried.push_back({facts.name, facts.broken});
            }
        }
        note_hooks();
        return std::move(result_);
    }

   private:
    void take(const LineageFacts& facts, const LineageName& name) {
        if (clashes(facts.name, name)) return;
        ImportedLineage lineage;
        lineage.certbot_name = facts.name;
        lineage.name = name;
        lineage.names = facts.versions.back().chain.front().names();
        lineage.versions = facts.versions;
        lineage.notes = facts.notes;
        if (name.text() != facts.name)
            lineage.notes.insert(lineage.notes.begin(),
                                 fmt::format("certbot's name {} does not fit certd", facts.name));
        if (Result<void> proven = translate_challenge(facts, present_, options_, result_, lineage); !proven) {
            result_.not_carried.push_back({facts.name, proven.error().what});
            return;
        }
        put_primary_first(facts, lineage.names);
        lineage.ca = ca_for(facts, lineage.notes);
        take_key(facts.settings, lineage);
        take_readers(facts, lineage);
        take_hooks(facts.settings, lineage);
        take_the_rest(facts.settings, lineage);
        result_.lineages.push_back(std::move(lineage));
    }

    bool clashes(const std::string& certbot_name, const LineageName& name) {
        bool configured = present_.config->lineages.contains(name.text());
        bool stored = present_.lineages.contains(name.text()) && !present_.ours.contains(name.text());
        if (!configured && !stored) return false;
        result_.clashes.push_back(
            {certbot_name, fmt::format("certd has a lineage {} already, {}", name.text(),
                                       configured ? "in its configuration" : "in its state directory")});
        return true;
    }

    // certbot calls a lineage by its first name, with a number behind it when there was one of that name.
    static void put_primary_first(const LineageFacts& facts, std::vector<Identifier>& names) {
        auto primary = std::ranges::find_if(names, [&](const Identifier& name) {
            std::string_view bare = name.is_wildcard() ? std::string_view(name.value).substr(2) : name.value;
            return facts.name == bare || (facts.name.starts_with(bare) && facts.name[bare.size()] == '-');
        });
        if (primary != names.end()) std::rotate(names.begin(), primary, primary + 1);
    }

    // One CA for each account at a server: certd has one account at a CA.
    CaName ca_for(const LineageFacts& facts, Texts& notes) {
        const AccountFacts& account = *facts.account;
        std::string server = current_server(account.server);
        auto known = std::ranges::find_if(result_.cas, [&](const ImportedCa& ca) {
            return ca.directory == server && ca.account.thumbprint == account.thumbprint;
        });
        auto preferred = facts.settings.text("preferred_chain");
        if (known == result_.cas.end()) {
            result_.cas.push_back(make_ca(account, server, preferred));
            known = result_.cas.end() - 1;
        }
        if (preferred != known->preferred_chain) {
            notes.push_back(fmt::format("preferred_chain is not carried over ({}): certd has it per CA, and {} has {}",
                                        preferred.value_or("none"), known->name.text,
                                        known->preferred_chain.value_or("none")));
        }
        if (facts.settings.is_true("no_verify_ssl") && !known->ca_bundle) {
            notes.push_back(
                fmt::format("no_verify_ssl is not carried over: certd always verifies the CA; give {} a "
                            "ca_bundle",
                            known->name.text));
        }
        return known->name;
    }

    ImportedCa make_ca(const AccountFacts& account, const std::string& server,
                       const std::optional<std::string>& preferred) {
        ImportedCa ca;
        ca.directory = server;
        ca.account = account;
        std::ranges::transform(account.contact, std::back_inserter(ca.contact), without_mailto);
        ca.preferred_chain = preferred;
        std::set<std::string> taken;
        for (const auto& [name, known] : present_.config->cas) {
            taken.insert(name.text);
            if (known.directory != server) continue;
            // What a private CA is trusted by holds for each account there.
            ca.ca_bundle = known.ca_bundle;
            ca.proxy = known.proxy;
            auto stored = present_.thumbprints.find(name);
            bool is_free = stored == present_.thumbprints.end();
            if (!ca.is_new || !(is_free || stored->second == account.thumbprint) || is_used(name)) continue;
            ca.is_new = false;
            ca.name = name;
            ca.preferred_chain = known.preferred_chain;
        }
        for (const ImportedCa& other : result_.cas)
            taken.insert(other.name.text);
        // A key that somebody else's configuration left there is not overwritten.
        for (const auto& [name, thumbprint] : present_.thumbprints) {
            if (thumbprint != account.thumbprint) taken.insert(name.text);
        }
        if (ca.is_new) ca.name = CaName{unused_name(ca_name_for(server), taken)};
        return ca;
    }

    bool is_used(const CaName& name) const {
        return std::ranges::any_of(result_.cas, [&](const ImportedCa& ca) { return ca.name == name; });
    }

    // The key as it is: another type would be a reason to issue at once.
    static void take_key(const Settings& settings, ImportedLineage& lineage) {
        lineage.key = lineage.versions.back().key_type;
        std::string wanted = "rsa-" + settings.text("rsa_key_size").value_or("2048");
        if (settings.text("key_type") == "ecdsa")
            wanted = settings.text("elliptic_curve").value_or("secp256r1") == "secp384r1" ? "ecdsa-p384" : "ecdsa-p256";
        if (auto size = settings.text("elliptic_curve"); settings.text("key_type") == "ecdsa" && size == "secp521r1")
            wanted = "ecdsa-p521";
        if (wanted != to_string(lineage.key)) {
            lineage.notes.push_back(
                fmt::format("certbot would change the key to {} at the next renewal, certd keeps {}: "
                            "change `key` to have it issued at once",
                            wanted, to_string(lineage.key)));
        }
        lineage.reuse_key = settings.is_true("reuse_key");
    }

    // In front of all other targets: what they reload reads the copies.
    void take_readers(const LineageFacts& facts, ImportedLineage& lineage) {
        lineage.readers = facts.readers;
        if (!facts.readers) return;
        ImportedTarget target;
        target.copies = copies_directory(options_.from, facts.name);
        target.readers = *facts.readers;
        lineage.notes.push_back(fmt::format(
            "others than root read its key (mode {:04o}, user {}, group {}): certd installs files for them "
            "in {}, where live/{} leads",
            target.readers.mode, target.readers.owner, target.readers.group, target.copies.string(), facts.name));
        lineage.targets.push_back(target_for("certbot-files", std::move(target)));
    }

    // One that is in a directory of hooks as well runs once.
    static std::string own_hook(const Settings& settings, std::string_view key, const Texts& of_directory) {
        std::string hook = settings.text(key).value_or("");
        return std::ranges::find(of_directory, hook) == of_directory.end() ? hook : "";
    }

    void take_hooks(const Settings& settings, ImportedLineage& lineage) {
        if (!tree_.hooks.empty()) lineage.renewal_hooks = tree_.hooks.directory;
        lineage.pre_hook = own_hook(settings, "pre_hook", tree_.hooks.pre);
        lineage.post_hook = own_hook(settings, "post_hook", tree_.hooks.post);
        // In certbot's order: the scripts of the directory, which stand in front of all targets, the lineage's own
        // hook, then the installer's restart.
        if (std::string hook = own_hook(settings, "renew_hook", tree_.hooks.deploy); !hook.empty())
            lineage.targets.push_back(target_for("certbot-deploy-hook", {TargetName{}, "", hook, {}, {}}));
        auto installer = settings.text("installer");
        if (installer == "nginx" || installer == "apache") {
            lineage.targets.push_back(target_for("certbot-" + *installer, {TargetName{}, *installer, "", {}, {}}));
        } else if (installer) {
            lineage.notes.push_back(
                fmt::format("the installer {} is not carried over: add a target that reloads what uses "
                            "the certificate",
                            *installer));
        }
        if (lineage.targets.size() == (lineage.readers ? 1U : 0U) && tree_.hooks.deploy.empty()) {
            lineage.notes.emplace_back(
                "nothing reloads or checks what uses the certificate: certbot had no installer and no "
                "deploy hook for it");
        }
    }

    TargetName target_for(std::string_view name, ImportedTarget target) {
        for (const ImportedTarget& known : result_.targets) {
            bool same = known.service == target.service && known.hook == target.hook && known.copies == target.copies;
            if (same) return known.name;
        }
        std::set<std::string> taken;
        for (const auto& [known, value] : present_.config->targets)
            taken.insert(known.text);
        for (const ImportedTarget& known : result_.targets)
            taken.insert(known.name.text);
        target.name = TargetName{unused_name(name, taken)};
        result_.targets.push_back(std::move(target));
        return result_.targets.back().name;
    }

    static void take_the_rest(const Settings& settings, ImportedLineage& lineage) {
        lineage.subset = settings.is_true("allow_subset_of_names");
        lineage.paused = settings.text("autorenew") == "False";
        if (lineage.paused)
            lineage.notes.emplace_back("autorenew is False: the lineage is paused, until `certctl resume`");
        lineage.profile = settings.text("preferred_profile");
        if (auto required = settings.text("required_profile")) {
            lineage.profile = required;
            lineage.profile_required = true;
        }
        if (settings.is_true("must_staple")) {
            lineage.notes.emplace_back(
                "must_staple is not carried over: OCSP has ended and CAs refuse such certificates");
        }
        if (auto before = settings.text("renew_before_expiry"); before && before != "30 days") {
            lineage.notes.push_back(
                fmt::format("renew_before_expiry ({}) is not carried over: certd renews when the CA "
                            "suggests it, else at 2/3 of the lifetime",
                            *before));
        }
    }

    void note_hooks() {
        bool own = std::ranges::any_of(result_.lineages, [](const ImportedLineage& lineage) {
            return !lineage.pre_hook.empty() || !lineage.post_hook.empty();
        });
        if (own) {
            result_.notes.emplace_back(
                "certbot runs pre_hook and post_hook once per run, certd for each lineage (pre_issue, "
                "post_issue)");
        }
        if (!result_.lineages.empty() && !tree_.hooks.deploy.empty()) {
            result_.notes.push_back(
                fmt::format("nothing checks what is served after the scripts in {}/deploy: add targets with `verify`",
                            tree_.hooks.directory));
        }
        for (const ImportedTarget& target : result_.targets) {
            if (!target.hook.empty()) {
                result_.notes.push_back(fmt::format(
                    "nothing checks what is served after {}: add `verify` to the target", target.name.text));
            }
        }
    }

    const Tree& tree_;
    const Present& present_;
    const TranslateOptions& options_;
    Translation result_;
};

}  // namespace

Translation translate(const Tree& tree, const Present& present, const TranslateOptions& options) {
    return Translator(tree, present, options).translate();
}

}  // namespace certd::certbot
