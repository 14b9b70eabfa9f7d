// Shadow and take-over. The order of a take-over: everything is in the state directory and the configuration before
// the first name in certbot's directory changes.
#include "daemon/import/import.hpp"

#include "daemon/import/certbot_lock.hpp"
#include "daemon/import/copies.hpp"
#include "daemon/import/steps.hpp"
#include "daemon/import/stock.hpp"
#include "daemon/store/layout.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd::certbot {

namespace {

Result<void> refuse_clashes(const Translation& translation) {
    if (translation.clashes.empty()) return {};
    Problem problem = certd::problem("import.clash", fmt::format("{}: {}", translation.clashes.front().certbot_name,
                                                                 translation.clashes.front().reason));
    for (const NotCarried& clash : translation.clashes) {
        if (translation.clashes.size() > 1)
            problem.parts.push_back(
                certd::problem("import.clash", fmt::format("{}: {}", clash.certbot_name, clash.reason)));
    }
    return failure(std::move(problem));
}

class TakeOver {
   public:
    TakeOver(const Context& context, Outcome& outcome, Store& store)
        : context_(context),
          files_(context.seams.files),
          outcome_(outcome),
          made_(outcome.preparation),
          store_(store) {}

    // A run that was killed while it changed certbot's directory.
    Result<void> finish_earlier() {
        if (made_.record.at(Stage::switching).empty()) return {};
        return switch_all();
    }

    Result<void> run() {
        if (made_.translation.lineages.empty()) return {};
        if (Result<void> begun = begin(); !begun) return begun;
        if (Result<void> able = probe_exchange(context_.seams, made_.record.from); !able) return able;
        if (Result<void> stored = fill_store(); !stored) return stored;
        if (Result<void> copied = fill_copies(); !copied) return copied;
        if (Result<void> written = write_configuration(); !written) return written;
        made_.record.advance(Stage::preparing, Stage::switching);
        if (Result<void> recorded = record(); !recorded) return recorded;
        return switch_all();
    }

   private:
    Result<void> record() { return save_record(files_, made_.state_directory, made_.record); }

    Result<void> begin() {
        std::erase_if(made_.record.entries, [&](const Entry& entry) {
            return entry.stage == Stage::preparing ||
                   std::ranges::any_of(made_.translation.lineages, [&](const ImportedLineage& lineage) {
                       return lineage.name->text() == entry.lineage;
                   });
        });
        for (const ImportedLineage& lineage : made_.translation.lineages)
            made_.record.entries.push_back({lineage.certbot_name, lineage.name->text(), made_.file, Stage::preparing});
        return record();
    }

    Result<void> fill_store() {
        for (const ImportedCa& ca : made_.translation.cas) {
            if (Result<void> stored = store_account(store_, ca); !stored) return stored;
        }
        for (const ImportedLineage& lineage : made_.translation.lineages) {
            const ImportedCa& ca = *std::ranges::find(made_.translation.cas, lineage.ca, &ImportedCa::name);
            Result<void> stored = store_lineage(store_, lineage, ca.directory, *made_.config, context_.now);
            if (!stored) return stored;
        }
        return {};
    }

    // Those that a killed run has left, of a lineage that needs none any more, would be taken for the right ones.
    Result<void> fill_copies() {
        for (const ImportedLineage& lineage : made_.translation.lineages) {
            Path copies = copies_directory(made_.record.from, lineage.certbot_name);
            Result<void> done = lineage.readers ? copy(lineage, copies) : remove_tree(files_, copies);
            if (!done) return done;
        }
        return {};
    }

    Result<void> copy(const ImportedLineage& lineage, const Path& copies) {
        Result<VersionNumber> live = store_.live(*lineage.name);
        if (!live) return failure(std::move(live).error());
        Result<VersionFiles> version = store_.read_version(*lineage.name, *live);
        if (!version) return failure(std::move(version).error());
        if (Result<void> written = write_copies(files_, copies, *lineage.readers, *version); !written) return written;
        outcome_.done.push_back(fmt::format("wrote {}, for those who read the key", copies.string()));
        return {};
    }

    Result<void> write_configuration() {
        Path main = context_.options.config_file;
        if (Result<void> made = make_directories(files_, main.parent_path() / "conf.d", 0755); !made) return made;
        if (Result<void> kept = write_secrets(); !kept) return kept;
        if (!made_.translation.server_snippet.empty()) {
            if (Result<void> made = make_directories(files_, context_.options.webroot, 0755); !made) return made;
        }
        if (Result<void> written = durable_write(files_, made_.file, made_.text); !written) return written;
        outcome_.done.push_back(fmt::format("wrote {}", made_.file.string()));
        Result<bool> there = exists(files_, main);
        if (!there) return failure(std::move(there).error());
        if (*there) return {};
        outcome_.done.push_back(fmt::format("wrote {}, which was missing", main.string()));
        return durable_write(files_, main,
                             fmt::format("# certd's configuration. What it took over from certbot is in conf.d/{}.\n",
                                         made_.file.filename().string()));
    }

    Result<void> write_secrets() {
        for (const ImportedProvider& provider : made_.translation.providers) {
            for (const Secret& secret : provider.secrets) {
                if (Result<void> made = make_directories(files_, secret.path.parent_path()); !made) return made;
                if (Result<void> kept = durable_write(files_, secret.path, secret.content); !kept) return kept;
            }
        }
        return {};
    }

    Result<void> switch_all() {
        std::vector<Entry> entries = made_.record.at(Stage::switching);
        for (const Entry& entry : entries) {
            LineageName name = value_or_fail(LineageName::parse(entry.lineage));
            Path target = copies_directory(made_.record.from, entry.certbot_name);
            Result<bool> copied = exists(files_, target);
            if (!copied) return failure(std::move(copied).error());
            if (!*copied) target = layout::live_link(made_.state_directory, name);
            Result<void> switched = switch_over(context_.seams, made_.record.from, entry.certbot_name, target);
            if (!switched) return switched;
        }
        made_.record.advance(Stage::switching, Stage::taken);
        outcome_.done.push_back(fmt::format("took over {} lineage{}: {}/live/NAME is a link to {}/live/NAME now",
                                            entries.size(), entries.size() == 1 ? "" : "s", made_.record.from.string(),
                                            made_.state_directory.string()));
        return record();
    }

    const Context& context_;
    FileSystem& files_;
    Outcome& outcome_;
    Preparation& made_;
    Store& store_;
};

}  // namespace

Result<Outcome> shadow(const Context& context) {
    if (Result<void> free = CertbotLock::check(context.options.from); !free) return failure(std::move(free).error());
    Result<Preparation> made = prepare(context);
    if (!made) return failure(std::move(made).error());
    Outcome outcome{"shadow", context.now, *std::move(made), {}, {}};
    outcome.steps = steps_before(outcome.preparation, context.options);
    return outcome;
}

Result<Outcome> take_over(const Context& context) {
    FileSystem& files = context.seams.files;
    Result<CertbotLock> certbot = CertbotLock::acquire(context.options.from);
    if (!certbot) return failure(std::move(certbot).error());
    Result<Path> state_directory = configured_state_directory(context.options);
    if (!state_directory) return failure(std::move(state_directory).error());
    Result<StateLock> lock = lock_state(files, *state_directory);
    if (!lock) return failure(std::move(lock).error());
    Store store(files, *state_directory);
    if (Result<void> opened = store.open(); !opened) return failure(std::move(opened).error());

    Outcome outcome{"take-over", context.now, {}, {}, {}};
    Preparation& made = outcome.preparation;
    made.state_directory = *state_directory;
    Result<Record> record = load_record(files, *state_directory);
    if (!record) return failure(std::move(record).error());
    if (!record->at(Stage::returning).empty())
        return clash("Giving back to certbot was begun and not finished", "certctl import certbot --give-back");
    if (Result<void> same = check_origin(*record, context.options.from); !same) return failure(std::move(same).error());
    made.record = *std::move(record);
    TakeOver run(context, outcome, store);
    if (Result<void> finished = run.finish_earlier(); !finished) return failure(std::move(finished).error());

    Result<Preparation> prepared = prepare(context);
    if (!prepared) return failure(std::move(prepared).error());
    made = *std::move(prepared);
    if (Result<void> clear = refuse_clashes(made.translation); !clear) return failure(std::move(clear).error());
    if (Result<void> taken = run.run(); !taken) return failure(std::move(taken).error());
    outcome.steps = steps_after_take_over(made, context.options);
    return outcome;
}

}  // namespace certd::certbot
