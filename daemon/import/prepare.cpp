// What an import would do, decided from the tree, the configuration and the state directory as they are.
#include "daemon/import/import.hpp"

#include "config/load.hpp"
#include "daemon/import/names.hpp"
#include "daemon/import/read_tree.hpp"
#include "daemon/import/steps.hpp"
#include "daemon/import/stock.hpp"
#include "daemon/store/layout.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd::certbot {

namespace {

using Names = std::vector<std::string>;

Path fragments_directory(const Options& options) {
    return Path(options.config_file).parent_path() / "conf.d";
}

Result<config::ConfigPtr> load(const Options& options, const std::vector<config::Fragment>& fragments) {
    config::Loaded loaded = config::load_with(options.config_file, fragments);
    if (!loaded.config) return failure(config::to_problem(loaded.diagnostics));
    return loaded.config;
}

// That of a run that was killed, else one of its own beside those of earlier imports.
Path choose_file(FileSystem& files, const Options& options, const Record& record) {
    std::vector<Entry> begun = record.at(Stage::preparing);
    if (!begun.empty()) return begun.front().file;
    std::set<std::string> taken;
    for (std::string name : files.list(fragments_directory(options)).value_or(Names())) {
        if (name.ends_with(".yaml")) taken.insert(name.substr(0, name.size() - 5));
    }
    for (const Entry& entry : record.at(Stage::taken))
        taken.insert(entry.file.stem().string());
    return fragments_directory(options) / (unused_name("certbot", taken) + ".yaml");
}

// Their keys are looked at as they are: a rollover in progress is certd's to finish.
std::map<CaName, std::string> account_thumbprints(FileSystem& files, const Path& state_directory) {
    constexpr std::size_t limit = std::size_t{64} << 10;
    std::map<CaName, std::string> thumbprints;
    for (const std::string& ca : files.list(layout::accounts(state_directory)).value_or(Names())) {
        Path directory = layout::accounts(state_directory) / ca;
        if (!exists(files, directory / "account.json").value_or(true)) continue;
        Result<std::string> text = files.read(directory / "key.pem", limit);
        if (!text) continue;
        Result<PrivateKey> key = PrivateKey::from_pem(*text);
        if (key) thumbprints.emplace(CaName{ca}, key->thumbprint());
    }
    return thumbprints;
}

// Lineages of a run that was killed before it came to its end, and those that were given back, may come again.
std::set<std::string> ours(const Record& record) {
    std::set<std::string> names;
    for (Stage stage : {Stage::preparing, Stage::returned}) {
        for (const Entry& entry : record.at(stage))
            names.insert(entry.lineage);
    }
    return names;
}

Present look_at_certd(FileSystem& files, const Preparation& preparation, config::ConfigPtr config) {
    Present present;
    present.config = std::move(config);
    present.thumbprints = account_thumbprints(files, preparation.state_directory);
    Names there = files.list(layout::lineages(preparation.state_directory)).value_or(Names());
    present.lineages.insert(there.begin(), there.end());
    present.ours = ours(preparation.record);
    return present;
}

// What a run that was killed is in the midst of is neither taken over again nor left to certbot.
std::vector<std::string> leave_out_unfinished(const Record& record, Tree& tree) {
    std::vector<std::string> notes;
    for (Stage stage : {Stage::switching, Stage::returning}) {
        std::vector<Entry> entries = record.at(stage);
        std::erase_if(tree.lineages, [&](const LineageFacts& facts) {
            return std::ranges::find(entries, facts.name, &Entry::certbot_name) != entries.end();
        });
        if (entries.empty()) continue;
        notes.push_back(fmt::format("{} of {} lineages was interrupted: run it again to finish",
                                    stage == Stage::switching ? "the take-over" : "giving back", entries.size()));
    }
    return notes;
}

std::string directory_of(const Translation& translation, const CaName& ca) {
    return std::ranges::find(translation.cas, ca, &ImportedCa::name)->directory;
}

Outlook look_ahead(const Preparation& preparation, const ImportedLineage& lineage, Time now) {
    const config::Config& config = *preparation.config;
    Outlook outlook;
    outlook.imported = &lineage;
    outlook.spec = config.lineages.at(lineage.name->text()).get();
    std::vector<NewVersion> versions = new_versions(lineage, directory_of(preparation.translation, lineage.ca));
    outlook.live = versions.back().facts;
    outlook.live.number = {static_cast<std::uint32_t>(versions.size())};
    LineageState state = initial_state(lineage, outlook.live, config, now);
    outlook.plan = plan({.spec = *outlook.spec,
                         .state = state,
                         .live = outlook.live,
                         .newest = outlook.live,
                         .jitter_limit = config.jitter,
                         .now = now,
                         .cas = &config.cas,
                         .targets = &config.targets});
    return outlook;
}

}  // namespace

Result<Preparation> prepare(const Context& context) {
    FileSystem& files = context.seams.files;
    const Options& options = context.options;
    Preparation made;
    Result<config::ConfigPtr> config = load(options, {});
    if (!config) return failure(std::move(config).error());
    made.state_directory = (*config)->state_dir;
    Result<Record> record = load_record(files, made.state_directory);
    if (!record) return failure(std::move(record).error());
    if (Result<void> same = check_origin(*record, options.from); !same) return failure(std::move(same).error());
    made.record = *std::move(record);
    made.record.from = options.from;
    made.file = choose_file(files, options, made.record);
    config = load(options, {{made.file.string(), ""}});
    if (!config) return failure(std::move(config).error());

    Result<Tree> tree = read_tree(files, {options.from, options.aws_credentials});
    if (!tree) return failure(std::move(tree).error());
    std::vector<std::string> unfinished = leave_out_unfinished(made.record, *tree);
    Present present = look_at_certd(files, made, *std::move(config));
    Path secrets = Path(options.config_file).parent_path() / "certbot-secrets";
    made.translation = translate(*tree, present, {options.from, secrets, options.webroot});
    made.translation.notes.insert(made.translation.notes.begin(), unfinished.begin(), unfinished.end());
    made.text = configuration_text(made.translation, options.from);
    config = load(options, {{made.file.string(), made.text}});
    if (!config) return failure(std::move(config).error());
    made.config = *std::move(config);
    return made;
}

std::vector<Outlook> outlooks(const Preparation& preparation, Time now) {
    std::vector<Outlook> all;
    for (const ImportedLineage& lineage : preparation.translation.lineages)
        all.push_back(look_ahead(preparation, lineage, now));
    return all;
}

}  // namespace certd::certbot
