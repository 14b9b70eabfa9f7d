// From what certbot knows to what certd would be told: the pure half of an import. What cannot be said to certd is
// listed with its reason.
#pragma once

#include "config/model.hpp"
#include "daemon/import/facts.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace certd::certbot {

// What there is of certd already.
struct Present {
    config::ConfigPtr config;                   // as it is without what is being imported
    std::map<CaName, std::string> thumbprints;  // of the keys of accounts in the state directory
    std::set<std::string> lineages;             // in the state directory
    std::set<std::string> ours;                 // of them, those that an earlier import put there
};

struct TranslateOptions {
    Path from;     // certbot's directory
    Path secrets;  // directory for what DNS plugins keep inside of their settings
    Path webroot;  // for names that a web server's plugin has proven
};

struct ImportedCa {
    CaName name;
    bool is_new = true;  // else one that the configuration has
    std::string directory;
    std::vector<std::string> contact;  // without "mailto:"
    std::optional<std::string> ca_bundle, proxy, preferred_chain;
    AccountFacts account;
};

struct Secret {
    Path path;
    std::string content;
};

struct ImportedProvider {
    std::string name;
    std::string kind;                                          // "rfc2136"
    std::vector<std::pair<std::string, std::string>> members;  // of its section, as YAML
    std::vector<Secret> secrets;
    bool operator==(const ImportedProvider& other) const { return kind == other.kind && members == other.members; }
};

struct ImportedTarget {
    TargetName name;
    std::string service;  // "nginx"; empty: none
    std::string hook;     // what the shell is to run for each new version, when there is no service
    Path copies;          // where to install the files for those who read the key; empty: nowhere
    KeyReaders readers;
};

struct ImportedLineage {
    std::string certbot_name;
    std::optional<LineageName> name;  // always set
    std::vector<Identifier> names;
    KeyType key = KeyType::ecdsa_p256;
    CaName ca;
    std::string authenticator, way;  // certbot's word, and ours: "http-01 through /var/www/html"
    std::string challenge;           // as YAML
    std::vector<std::pair<std::string, std::string>> name_challenges;
    std::vector<TargetName> targets;
    std::string renewal_hooks;          // certbot's directory with scripts, run as it is; empty: none
    std::string pre_hook, post_hook;    // of its own, for the shell; empty: none
    std::optional<KeyReaders> readers;  // of its key: they get copies, which a target installs
    bool reuse_key = false, subset = false, paused = false;
    std::optional<std::string> profile;
    bool profile_required = false;
    std::vector<ArchivedVersion> versions;
    std::vector<std::string> notes;
};

struct NotCarried {
    std::string certbot_name;
    std::string reason;
};

struct Translation {
    std::vector<ImportedCa> cas;
    std::vector<ImportedProvider> providers;
    std::vector<ImportedTarget> targets;
    std::vector<ImportedLineage> lineages;
    std::vector<NotCarried> not_carried, clashes;
    std::vector<std::string> notes;
    std::vector<std::string> listen;       // for http_challenge
    std::set<std::string> own_responder;   // certbot's names of lineages that need it
    std::set<std::string> server_snippet;  // servers ("nginx") that have to serve the webroot
};

Translation translate(const Tree& tree, const Present& present, const TranslateOptions& options);

// The file for conf.d.
std::string configuration_text(const Translation& translation, const Path& from);

// Parts of translate(). How a lineage proves its names; problem import.notCarried with the reason when certd cannot.
Result<void> translate_challenge(const LineageFacts& facts, const Present& present, const TranslateOptions& options,
                                 Translation& translation, ImportedLineage& lineage);
Result<std::string> dns_provider(const LineageFacts& facts, const Present& present, const TranslateOptions& options,
                                 Translation& translation);

// The commands of certbot's manual plugin, as YAML.
struct ChallengeShell {
    std::string present, cleanup;
};
ChallengeShell challenge_shell(const Settings& settings);

std::string yaml(std::string_view text);  // a scalar in quotation marks

}  // namespace certd::certbot
