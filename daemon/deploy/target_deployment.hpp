// One place of an order: does the steps that Transaction asks for, and remembers what is needed for the way back.
#pragma once

#include "daemon/deploy/backup.hpp"
#include "daemon/deploy/hook_environment.hpp"
#include "daemon/deploy/order_context.hpp"
#include "daemon/deploy/transaction.hpp"
#include "daemon/deploy/verify.hpp"

#include <optional>
#include <vector>

namespace certd {

struct StepReport {
    Transaction::Ended ended = Transaction::Ended::well;
    std::optional<Problem> problem;
    std::optional<Before> before;  // of back_up

    static StepReport of(Result<void> result);
};

class TargetDeployment {
   public:
    // `context` and `target` outlive it.
    TargetDeployment(const OrderContext& context, const config::Target& target, Place place);

    const Place& place() const { return place_; }
    // Enters the place's round in back_up and stays until leave(). Throws on cancellation.
    Task<StepReport> perform(DeployStep step);
    void leave() { member_.leave(); }

    // What was seen served last: by verify or verify_restored.
    const std::string& served_fingerprint() const { return served_; }
    std::optional<Time> verified_at() const { return verified_at_; }

   private:
    Task<StepReport> back_up();
    Task<StepReport> save_journal();
    Task<StepReport> install();
    Task<StepReport> exec(bool restoring);
    Task<StepReport> test();
    Task<Result<void>> take_up(std::vector<Expected> expected, ReloadRound::Run reload);
    Task<Result<void>> reload();
    Task<StepReport> verify();
    Task<StepReport> verify_restored();
    Task<StepReport> drop_journal();

    Task<Result<void>> resolve_files();
    bool held_expired(Time now) const;
    Result<HookFacts> hook_facts(bool restoring);
    Result<std::string> bundle_for(const HookFacts& facts);  // blocking
    Task<StepReport> run_scripts(HookFacts facts);
    Task<StepReport> run_hook(Command command, std::string hook, std::string subject);
    Task<StepReport> run(Command command, std::string code, std::string subject);
    Task<Result<std::optional<DeployJournal>>> left_over_journal();
    Before before() const;
    std::vector<Endpoint> endpoints_before() const;
    std::string subject(std::string_view what) const;

    const OrderContext& context_;
    const config::Target& target_;
    Place place_;
    std::shared_ptr<Host> host_;
    ReloadRound& round_;
    ReloadRound::Member member_;
    std::vector<InstalledFile> files_;
    DeployJournal journal_;
    std::vector<Expected> seen_before_;
    std::string served_;
    std::optional<Time> verified_at_;
};

TargetShape shape_of(const config::Target& target);

// deploy.install with the cause's own words and remedy.
Problem install_problem(const Place& place, const Problem& cause);

// The files a target asks for. Blocking (user and group names); problem deploy.install.
Result<std::vector<InstalledFile>> files_for(const config::Target& target, const VersionFiles& files,
                                             const VersionFacts& facts);

}  // namespace certd
