#include "daemon/import/steps.hpp"

#include "config/load.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd::certbot {

namespace {

using Texts = std::vector<std::string>;

std::string snippet(const std::string& server, const std::string& webroot) {
    if (server == "nginx") {
        return fmt::format(
            "add to each `server` block of nginx that listens on port 80 for these names, then reload nginx:\n"
            "    location ^~ /.well-known/acme-challenge/ {{ root {}; }}",
            webroot);
    }
    return fmt::format(
        "add to Apache's configuration, e.g. as /etc/apache2/conf-available/certd.conf (a2enconf certd), then reload "
        "it:\n"
        "    Alias /.well-known/acme-challenge/ {0}/.well-known/acme-challenge/\n"
        "    <Directory {0}/.well-known/acme-challenge/>\n"
        "        Require all granted\n"
        "    </Directory>",
        webroot);
}

void add_requirements(const Translation& translation, const Options& options, Texts& steps) {
    for (const std::string& server : translation.server_snippet)
        steps.push_back(snippet(server, options.webroot.string()));
    auto has_copies = [](const ImportedTarget& target) { return !target.copies.empty(); };
    auto copies = std::ranges::find_if(translation.targets, has_copies);
    if (copies != translation.targets.end()) {
        steps.push_back(
            fmt::format("let certd write the files that others may read: systemctl edit certd\n"
                        "    [Service]\n    ReadWritePaths=-{}",
                        copies->copies.parent_path().string()));
    }
    if (translation.own_responder.empty()) return;
    steps.emplace_back(
        "certd answers for names of the standalone authenticator itself: nothing else may listen on that port "
        "while a certificate is renewed (but what pre hooks stop), and certd has to be allowed to bind it");
}

}  // namespace

Texts steps_before(const Preparation& preparation, const Options& options) {
    Texts steps;
    add_requirements(preparation.translation, options, steps);
    if (!preparation.translation.lineages.empty())
        steps.emplace_back("to switch: systemctl stop certd (if it runs), then certctl import certbot --take-over");
    return steps;
}

Texts steps_after_take_over(const Preparation& preparation, const Options& options) {
    Texts steps;
    const Translation& translation = preparation.translation;
    if (translation.not_carried.empty()) {
        steps.emplace_back(
            "stop certbot's timer, which has nothing to do any more:\n"
            "    systemctl disable --now certbot.timer    (snap: snap.certbot.renew.timer; or its line in "
            "/etc/cron.d)");
    } else {
        steps.emplace_back("leave certbot's timer as it is: certbot goes on with what was not carried over");
    }
    add_requirements(translation, options, steps);
    steps.push_back(fmt::format("certd --check-config --config {}", options.config_file));
    steps.emplace_back("systemctl enable --now certd");
    steps.emplace_back("certctl status; certctl check NAME for a rehearsal of each lineage");
    return steps;
}

Texts steps_after_give_back(bool certd_has_more) {
    Texts steps;
    steps.emplace_back("systemctl enable --now certbot.timer");
    steps.emplace_back("certbot certificates; certbot renew --dry-run");
    steps.emplace_back(certd_has_more ? "systemctl start certd, which has other lineages"
                                      : "systemctl disable --now certd, which has no lineages left");
    return steps;
}

tl::unexpected<Problem> clash(std::string what, std::string hint) {
    Problem problem = certd::problem("import.clash", std::move(what));
    problem.hint = std::move(hint);
    return failure(std::move(problem));
}

Result<void> check_origin(const Record& record, const Path& from) {
    if (record.entries.empty() || record.from == from || record.at(Stage::returned).size() == record.entries.size())
        return {};
    return clash(fmt::format("Lineages of {} were taken over; give them back before those of {}", record.from.string(),
                             from.string()),
                 fmt::format("certctl import certbot --give-back --from {}", record.from.string()));
}

Result<Path> configured_state_directory(const Options& options) {
    config::Loaded loaded = config::load_with(options.config_file, {});
    if (!loaded.config) return failure(config::to_problem(loaded.diagnostics));
    return Path(loaded.config->state_dir);
}

Result<StateLock> lock_state(FileSystem& files, const Path& state_directory) {
    if (Result<void> made = make_directories(files, state_directory); !made) return failure(std::move(made).error());
    Result<StateLock> lock = StateLock::acquire(state_directory);
    if (!lock && lock.error().code == "storage.locked") {
        Problem problem = std::move(lock).error();
        problem.hint = "Stop certd first (systemctl stop certd), and start it again afterwards.";
        return failure(std::move(problem));
    }
    return lock;
}

}  // namespace certd::certbot
