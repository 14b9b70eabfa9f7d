// One issuance: room on disk, hooks, account, order (or the one left by a crash), the new version in the store.
#pragma once

#include "config/model.hpp"
#include "daemon/deploy/deployer.hpp"
#include "daemon/renew/ca_clients.hpp"
#include "daemon/renew/new_version.hpp"
#include "daemon/renew/next_key.hpp"
#include "daemon/renew/solver_set.hpp"
#include "libacme/async/gate.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace certd {

struct IssueOrder {
    config::ConfigPtr config;
    std::shared_ptr<const config::Lineage> spec;
    CaName ca;
    std::shared_ptr<const VersionFacts> newest;  // null: none yet
    std::uint64_t job = 0;
    bool rehearsal = false;                 // nothing is stored, and hooks do not run
    std::vector<std::string> refused = {};  // ways of proof to try last
    std::function<void(const std::string& challenge_type)> on_refused = {};
    // Hears of names that alone were the reason of a failure; when set they are found out all at once.
    std::function<void(std::vector<acme::RefusedName> names)> on_names_refused = {};
    // Before an order is placed, or one placed before a crash is gone on with.
    std::function<Task<>(CaName ca, KeyType key, bool resumed)> on_ordering = {};
};

struct NewCertificate {
    VersionFacts facts;         // number 0 for a rehearsal
    VersionFiles files;         // of a rehearsal; empty otherwise, the store has them
    bool renewal_info = false;  // the CA has some about its certificates
    SolverSet::Persisted persisted = {};
};

class Renewal {
   public:
    Renewal(Clock& clock, Workers& workers, Store& store, CaClients& clients, SolverSet& solvers, Deployer& deployer,
            EventSink events);

    // Throws only on cancellation; the order then stays on disk and is gone on with by the next attempt.
    Task<Result<NewCertificate>> issue(IssueOrder order);

    // The same at a CA whose certificates nobody trusts: what it issues does not leave this function.
    Task<Result<void>> prove(IssueOrder order);

    // Makes the keys of a lineage's next version where they are missing, and tells so.
    Task<Result<void>> make_next_keys(std::shared_ptr<const config::Lineage> spec);

   private:
    Task<NewCertificate> issue_or_fail(IssueOrder order, bool with_hooks);
    Task<Result<NewCertificate>> make_between_hooks(IssueOrder order, LineageName name);
    Task<NewCertificate> make_prepared(const IssueOrder& order, const LineageName& name);
    Task<> finish(const IssueOrder& order, const LineageName& name, const Result<NewCertificate>& made);
    Task<NewCertificate> make(const IssueOrder& order, const LineageName& name);
    // What one of the lineage's keys needs.
    struct KeyOrder {
        const IssueOrder& order;
        const LineageName& lineage;
        const config::Ca& ca;
        KeyType key;
        std::optional<KeyType> further;  // unset: it is the first key
        bool is_last;                    // what the order leads to goes right into the version
    };
    Task<> refuse_request(const config::Lineage& spec);
    Task<std::vector<IssuedKey>> issue_each(const IssueOrder& order, const LineageName& name, const config::Ca& ca);
    Task<acme::Issued> issue_one(KeyOrder order);
    Task<Result<acme::Issued>> ask_ca(const KeyOrder& order, std::optional<acme::OrderRecord> resume);
    acme::IssueRequest request_for(const KeyOrder& order) const;
    acme::IssueHooks hooks_for(const KeyOrder& order, std::optional<acme::OrderRecord>& last);
    Task<std::optional<acme::KnownKey>> known_key(const KeyOrder& order);
    Task<Result<NextKeys>> next_keys(std::shared_ptr<const config::Lineage> spec, std::uint64_t job);
    Task<bool> has_next_key(const KeyOrder& order, const acme::OrderRecord& record);
    Task<std::optional<acme::OrderRecord>> order_in_progress(const KeyOrder& order);
    Task<bool> is_burned(const Bytes& csr_der);
    Task<> refuse_burned(const std::vector<IssuedKey>& issued);
    Task<NewCertificate> keep(const IssueOrder& order, const LineageName& name, NewVersion version);
    void report(const IssueOrder& order, acme::IssueStep step, std::string detail);

    Clock& clock_;
    Workers& workers_;
    Store& store_;
    CaClients& clients_;
    SolverSet& solvers_;
    Deployer& deployer_;
    EventSink events_;
    Gate making_keys_{1};
};

}  // namespace certd
