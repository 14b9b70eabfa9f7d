// An import as a whole: what it would do (shadow), doing it (take_over) and undoing it (give_back). Everything here is
// blocking and meant for a process of its own; certd itself must not be running while something is changed.
#pragma once

#include "config/model.hpp"
#include "daemon/import/record.hpp"
#include "daemon/import/switch.hpp"
#include "daemon/import/translation.hpp"
#include "daemon/lineage/plan.hpp"

#include <string>
#include <vector>

namespace certd::certbot {

struct Options {
    Path from = "/etc/letsencrypt";
    std::string config_file = "/etc/certd/certd.yaml";
    Path webroot = "/var/www/certd";  // for names that certbot proved by changing a web server's configuration
    Path aws_credentials;             // empty: not looked for
};

struct Context {
    Seams seams;
    Options options;
    Time now;
};

struct Preparation {
    Path state_directory;
    Record record;
    Path file;  // that the configuration is written to
    Translation translation;
    std::string text;          // its content
    config::ConfigPtr config;  // with it
};

// Reads and decides, changes nothing. Problems import.noCertbot, config.invalid …
Result<Preparation> prepare(const Context& context);

// How certd will see a lineage.
struct Outlook {
    const ImportedLineage* imported = nullptr;  // of the preparation, which outlives it
    const config::Lineage* spec = nullptr;      // likewise
    VersionFacts live;
    Plan plan;
};
std::vector<Outlook> outlooks(const Preparation& preparation, Time now);

struct Outcome {
    std::string mode;  // "shadow", "take-over", "give-back"
    Time now;
    Preparation preparation;
    std::vector<std::string> done;   // sentences about what was changed
    std::vector<std::string> steps;  // what the administrator has to do next, in order
};

Result<Outcome> shadow(const Context& context);
Result<Outcome> take_over(const Context& context);
Result<Outcome> give_back(const Context& context);

std::string text_of(const Outcome& outcome);
Json json_of(const Outcome& outcome);

}  // namespace certd::certbot
