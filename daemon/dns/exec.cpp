// The editors that run programs: with the environment of certbot's manual hooks, or with the arguments of lego's exec
// provider. Nothing of the CA reaches them but a token and names that were checked (faults S1).
#include "daemon/deploy/challenge_hook.hpp"
#include "daemon/deploy/commands.hpp"
#include "daemon/dns/editors.hpp"

#include <fmt/format.h>

namespace certd {

namespace {

ChallengeFacts facts_of(DnsChange change) {
    ChallengeFacts facts;
    facts.domain = std::move(change.domain);
    facts.value = std::move(change.value);
    facts.token = std::move(change.token);
    facts.place = change.record.absolute_text();
    facts.all_names = std::move(change.all_names);
    facts.remaining = change.remaining;
    return facts;
}

class ExecEditor final : public RecordEditor {
   public:
    ExecEditor(DnsSeams seams, std::shared_ptr<const config::DnsProvider> provider)
        : provider_(std::move(provider)),
          hook_(seams.host, std::get<config::DnsExec>(provider_->kind),
                {"of the DNS provider " + provider_->name, "provider", provider_->name, "record", "CERTD_RECORD"}) {}

    Task<> add(DnsChange change) override { return hook_.present(facts_of(std::move(change))); }
    Task<> remove(DnsChange change) override { return hook_.cleanup(facts_of(std::move(change))); }
    Task<bool> wait_visible(DnsChange change) override { return hook_.wait(facts_of(std::move(change))); }

   private:
    std::shared_ptr<const config::DnsProvider> provider_;
    ChallengeHook hook_;
};

class LegoExecEditor final : public RecordEditor {
   public:
    LegoExecEditor(DnsSeams seams, std::shared_ptr<const config::DnsProvider> provider)
        : seams_(seams), provider_(std::move(provider)), options_(std::get<config::DnsLegoExec>(provider_->kind)) {}

    Task<> add(DnsChange change) override { return run("present", std::move(change)); }
    Task<> remove(DnsChange change) override { return run("cleanup", std::move(change)); }

   private:
    Task<> run(std::string event, DnsChange change) {
        Command command;
        command.argv = options_.command;
        command.argv.insert(command.argv.end(), {event, change.record.absolute_text(), change.value});
        command.environment = base_environment();
        command.timeout = options_.timeout;
        if (!options_.user.empty()) command.user = options_.user;
        auto subject = fmt::format("The {} command of the DNS provider {}", event, provider_->name);
        value_or_fail(co_await run_checked(seams_.host, std::move(command), "hook.failed", subject));
    }

    DnsSeams seams_;
    std::shared_ptr<const config::DnsProvider> provider_;
    const config::DnsLegoExec& options_;
};

}  // namespace

std::unique_ptr<RecordEditor> exec_editor(const DnsSeams& seams, std::shared_ptr<const config::DnsProvider> provider) {
    return std::make_unique<ExecEditor>(seams, std::move(provider));
}

std::unique_ptr<RecordEditor> lego_exec_editor(const DnsSeams& seams,
                                               std::shared_ptr<const config::DnsProvider> provider) {
    return std::make_unique<LegoExecEditor>(seams, std::move(provider));
}

}  // namespace certd
