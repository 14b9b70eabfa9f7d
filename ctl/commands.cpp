// The table of commands.
#include "ctl/commands.hpp"

#include "ctl/render.hpp"

namespace certd::ctl {

const std::vector<Command>& commands() {
    static const std::vector<Command> table = {
        {"status",
         Names::any,
         {{"-w,--watch", "Keep showing it: on a terminal the whole screen, until q; else again every 2 seconds",
           &Options::watch},
          {"--all-hosts", "With one name: also the hosts that are as they should be", &Options::all_hosts}},
         "viewer",
         "Show the lineages, or one of them in full",
         "A table of all lineages or of those named; with one name everything about it. Of targets with more than ten "
         "hosts a summary and the hosts that are not as they should be. Ends with 4 when one of them is not ok.",
         {"certctl status", "certctl status example.com",
          "certctl status --json | jq '.lineages[] | select(.health != \"ok\") | .name'"},
         run_status},
        {"renew",
         Names::some,
         {{"--force", "Renew although it is not due", &Options::force},
          {"--dry-run", "Rehearse: issue at dry_run_ca, show the files to the services' tests alone, change nothing",
           &Options::dry_run},
          {"--no-wait", "Return as soon as the renewal has started", &Options::no_wait}},
         "operator",
         "Renew now and watch it being done",
         "Several lineages are renewed at the same time. A renewal that is running already is joined. Interrupting "
         "certctl "
         "does not stop a renewal.",
         {"certctl renew example.com", "certctl renew --force example.com www.example.net",
          "certctl renew --dry-run example.com"},
         run_renew},
        {"rollback",
         Names::one,
         {{"--to", "The version to go back to; the previous one unless given", &Options::to, "versions"},
          {"--no-wait", "Return as soon as the rollback has started", &Options::no_wait}},
         "operator",
         "Deploy an earlier version again",
         "It is installed, tested and verified like a new one. The version rolled back from is never deployed again; "
         "the lineage is "
         "held until the next renewal issues a new version.",
         {"certctl rollback example.com", "certctl rollback example.com --to 3"},
         run_rollback},
        {"deploy",
         Names::one,
         {{"--target", "Only this target", &Options::target, "targets"},
          {"--host", "Only this host", &Options::host, "hosts"},
          {"--dry-run", "Rehearse: show the new files to the services' tests alone, change nothing", &Options::dry_run},
          {"--no-wait", "Return as soon as the deployment has started", &Options::no_wait}},
         "operator",
         "Deploy the pending or current version again",
         "Use it after mending what made a deployment fail. No certificate is ordered.",
         {"certctl deploy example.com", "certctl deploy example.com --target web",
          "certctl deploy example.com --dry-run"},
         run_deploy},
        {"rollout",
         Names::one,
         {{"--target", "Only this target", &Options::target, "targets"},
          {"-w,--watch", "Follow the rollout that is going on until it ends", &Options::watch}},
         "viewer",
         "Show how far a version has come over the hosts",
         "For each target with hosts: the phase (canary, batch, pausing, rolling back, stopped and after which host, "
         "complete), and of every host what is done there now, its version, what it serves, when that was seen, and "
         "its problem. With --watch on a terminal drawn in place, else a line for each change; without a rollout going "
         "on it ends at once. Ends with 1 when a rollout was stopped or rolled back, with 4 when hosts remain that "
         "failed, with 0 otherwise.",
         {"certctl rollout example.com", "certctl rollout example.com --target fleet --watch",
          "certctl rollout example.com --json | jq -r '.rollouts[] | .phase'"},
         run_rollout},
        {"explain",
         Names::one,
         {},
         "viewer",
         "Say why a lineage is as it is and what happens next",
         "Why it is in its state, what is planned and because of which rule; for a failure its cause and remedy. Then "
         "what was decided until now, as it was recorded at that moment: what, for when, why, and at whose request.",
         {"certctl explain example.com",
          "certctl explain example.com --json | jq '.decisions[] | {at, decision, facts}'"},
         run_explain},
        {"history",
         Names::one,
         {},
         "viewer",
         "Show what was done with a lineage, when, why and at whose request",
         "The latest thousand entries of the audit journal that are about it, newest last: calls with who made them, "
         "renewals, issued versions, deployments, rollbacks, revocations. Restarts do not shorten it.",
         {"certctl history example.com", "certctl history example.com --json | jq '.history[] | select(.uid)'"},
         run_history},
        {"plan",
         Names::none,
         {},
         "viewer",
         "Show the timetable of everything that is planned",
         "",
         {"certctl plan"},
         run_plan},
        {"limits",
         Names::none,
         {},
         "viewer",
         "Show what is used of the rate limits of CAs",
         "Counted from what certd itself did, for CAs with `limits:` in the configuration, and corrected by what the "
         "CA "
         "answers. What others order for the same domains is not known.",
         {"certctl limits", "certctl limits --json | jq '.limits[] | select(.used == .capacity)'"},
         run_limits},
        {"events",
         Names::none,
         {{"-f,--follow", "Go on with events as they happen", &Options::follow},
          {"--lineage", "Only those of this lineage", &Options::lineage, "names"}},
         "viewer",
         "Show what has happened lately",
         "The latest thousand events that certd keeps in memory; its log has them all.",
         {"certctl events", "certctl events --follow --lineage example.com", "certctl events --json | jq -r .message"},
         run_events},
        {"pause",
         Names::some,
         {},
         "operator",
         "Do nothing for a lineage until it is resumed",
         "It is neither renewed nor deployed, even when it expires.",
         {"certctl pause example.com"},
         run_pause},
        {"resume",
         Names::some,
         {},
         "operator",
         "Plan for a paused, held or blocked lineage again",
         "What the CA had refused until somebody acts is asked for again at once.",
         {"certctl resume example.com"},
         run_resume},
        {"revoke",
         Names::one,
         {{"--version", "The version to revoke; the live one unless given", &Options::version, "versions"},
          {"--reason", "unspecified, key-compromise, affiliation-changed, superseded or cessation-of-operation",
           &Options::reason, "unspecified|key-compromise|affiliation-changed|superseded|cessation-of-operation"},
          {"--with", "Who signs: account, or certificate-key when the account is lost", &Options::with,
           "account|certificate-key"}},
         "admin",
         "Revoke a certificate at its CA",
         "It is never deployed again, and a new one is issued at once when it is the live one (but not with "
         "cessation-of-operation). With key-compromise its key is never used again, nor when it signs itself: a CA "
         "takes "
         "that for a compromise.",
         {"certctl revoke example.com --reason superseded --version 3",
          "certctl revoke example.com --reason key-compromise", "certctl revoke example.com --with certificate-key"},
         run_revoke},
        {"account",
         Names::account,
         {{"--key", "For import: file with the account's key, in PEM or certbot's private_key.json", &Options::key,
           "file"}},
         "admin",
         "Show the accounts at CAs, import one, change their keys or end them",
         "`list` shows them, `import CA --key FILE` takes over the account that another client made at this CA, "
         "`orders CA` shows what the CA lists of its orders, `rollover CA` gives the account a new key, `deactivate "
         "CA` ends it for ever: the next renewal at this CA makes a new one. Certificates stay valid in any case.",
         {"certctl account list", "certctl account import letsencrypt --key private_key.json",
          "certctl account orders letsencrypt", "certctl account rollover letsencrypt",
          "certctl account deactivate letsencrypt"},
         run_account},
        {"import",
         Names::client,
         {{"--shadow", "Show what would be taken over and when it would be renewed; change nothing", &Options::shadow},
          {"--take-over", "Write configuration and state, and point certbot's live directories to them",
           &Options::take_over},
          {"--give-back", "Put certbot's directory back, with what was issued meanwhile", &Options::give_back},
          {"--print-config", "With --shadow: print the configuration that would be written", &Options::print_config},
          {"--from", "certbot's directory; /etc/letsencrypt unless given", &Options::from, "file"},
          {"--config", "certd's configuration; /etc/certd/certd.yaml unless given", &Options::config, "file"},
          {"--webroot", "Directory for names that certbot proved through nginx or Apache; /var/www/certd unless given",
           &Options::webroot, "file"}},
         "root",
         "Take lineages over from certbot, or give them back",
         "With the same accounts, keys and certificates, so that nothing is issued anew; /etc/letsencrypt/live/NAME "
         "goes on to work and follows certd. What has no counterpart is listed and left to certbot. certd has to be "
         "stopped, but for --shadow. Each of the three may be repeated; the next run finishes one that was "
         "interrupted.",
         {"certctl import certbot --shadow", "certctl import certbot --shadow --print-config",
          "certctl import certbot --take-over", "certctl import certbot --give-back"},
         run_import},
        {"audit",
         Names::audit,
         {{"--directory",
           "Directory of the journal, or of a copy; that of the configuration's state directory unless given",
           &Options::directory, "file"},
          {"--config", "certd's configuration; /etc/certd/certd.yaml unless given", &Options::config, "file"}},
         "root",
         "Check that the journal of what was done is as it was written",
         "`verify` names file and line of what was edited, removed, inserted or moved, and ends with 1. It reads the "
         "files itself, so that it needs no certd. The number and hash of the last line, which it prints, tell when "
         "they are kept elsewhere whether the end was cut off later.",
         {"certctl audit verify", "certctl audit verify --directory /backup/certd/audit",
          "certctl audit verify --json | jq -r .hash"},
         run_audit},
        {"notify",
         Names::notify,
         {},
         "viewer; operator for `test`",
         "Show who is told of incidents and which are open, or send a test message",
         "`list` shows the notifiers of the configuration with their last delivery, what waits and the last problem, "
         "and the incidents that are open. `test` sends a real message through all notifiers, or through the one "
         "named, and shows what the receiver answered; it ends with 1 when one was not delivered.",
         {"certctl notify list", "certctl notify test", "certctl notify test ops-mail"},
         run_notify},
        {"reload",
         Names::none,
         {},
         "operator",
         "Load the configuration again",
         "A configuration with errors is refused and leaves the one in force as it is.",
         {"certctl reload"},
         run_reload},
        {"check",
         Names::one,
         {},
         "operator",
         "Look for what would make a renewal fail",
         "A rehearsal that explains before a CA is bothered: room on disk, CAs, accounts, clock and rate limits; of "
         "each "
         "name its addresses, CAA records and whether its challenges are answered; the deployment. Each line is ok, a "
         "warning, or would block a renewal. Nothing is ordered or deployed; a dns-01 record is put in place and taken "
         "away once per provider.",
         {"certctl check example.com"},
         run_check},
        {"doctor",
         Names::none,
         {},
         "operator",
         "Go through the checklist before production",
         "The daemon as a whole: the service, every program it runs, the state directory and its keys, CAs with clock "
         "and rate limits, monitoring and notifiers. Of each lineage how it stands, how many attempts are left before "
         "its certificate ends, the version to go back to, and what `check` finds. Ends with 0 when all is ok, 4 with "
         "warnings, 1 when something is blocked. Of lineages only what is not ok is listed; `--json` has everything.",
         {"certctl doctor", "certctl doctor --json"},
         run_doctor},
        {"completion",
         Names::completion,
         {},
         "viewer",
         "Print the completion script for a shell",
         "`bash`, `zsh` and `fish` print a script for that shell; packages have installed them already. `names`, "
         "`cas`, "
         "`targets NAME`, `hosts NAME` and `versions NAME` are what these scripts ask for: one word per line, within "
         "two seconds, and nothing when certd does not answer.",
         {"certctl completion bash > ~/.local/share/bash-completion/completions/certctl",
          "certctl completion fish > ~/.config/fish/completions/certctl.fish", "certctl completion names"},
         run_completion},
    };
    return table;
}

const std::vector<Flag>& global_flags() {
    static const std::vector<Flag> table = {
        {"--socket", "certd's control socket", &Options::socket, "file"},
        {"--json", "Print JSON: one document, or one per line for streams", &Options::json},
        {"--no-color", "No colours", &Options::no_color},
    };
    return table;
}

void print_json(Context context, const Json& document, const std::string& text) {
    if (context.console.is_terminal()) {
        context.console.print(terminal_safe_json(to_pretty_text(document)));
    } else {
        context.console.print(terminal_safe_json(text.ends_with('\n') ? text : text + "\n"));
    }
}

ExitCode report(Context context, const Problem& problem) {
    if (context.options.json) {
        context.console.print(terminal_safe_json(to_text(Json::object({{"problem", to_json(problem)}}))) + "\n");
    } else {
        context.console.complain(render_problem(context.console.style(), problem, "certctl"));
    }
    return exit_code_for(problem);
}

}  // namespace certd::ctl
