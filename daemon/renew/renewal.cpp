// Renewal: the issuing half of the pipeline.
#include "daemon/renew/renewal.hpp"

#include "daemon/lineage/issue_need.hpp"
#include "libacme/crypto/digest.hpp"
#include "libacme/protocol/renewal_info.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace certd {

namespace {

VersionFiles files_of(const acme::Issued& issued) {
    VersionFiles files;
    files.privkey = issued.key_pem;
    files.cert = issued.chain.front().pem();
    files.chain = chain_pem(std::span(issued.chain).subspan(1));
    files.fullchain = chain_pem(issued.chain);
    return files;
}

bool is_of(const acme::OrderRecord& record, const IssueOrder& order, const config::Ca& ca) {
    auto wanted = order.spec->names;
    auto ordered = record.names;
    std::ranges::sort(wanted);
    std::ranges::sort(ordered);
    return record.ca == ca.name.text && record.directory_url == ca.directory && wanted == ordered &&
           record.key_type == order.spec->key;
}

// The Problem a task fails with as a value; only cancellation is thrown.
template <class T>
Task<Result<T>> as_result(Task<T> task) {
    std::exception_ptr error;
    try {
        if constexpr (std::is_void_v<T>) {
            co_await std::move(task);
            co_return Result<void>();
        } else {
            co_return co_await std::move(task);
        }
    } catch (const boost::system::system_error& failed) {
        if (failed.code() == asio::error::operation_aborted) throw;
        error = std::current_exception();
    } catch (...) {
        error = std::current_exception();
    }
    co_return failure(problem_of(error));
}

}  // namespace

VersionFacts facts_of(const acme::Issued& issued, KeyType key_type, const config::Ca& ca, Time now) {
    const Certificate& leaf = issued.chain.front();
    VersionFacts facts;
    facts.names = leaf.names();
    facts.key_type = key_type;
    facts.ca = ca.name;
    facts.directory_url = ca.directory;
    facts.serial = leaf.serial();
    facts.fingerprint = leaf.fingerprint_sha256();
    facts.issuer = leaf.issuer();
    facts.not_before = leaf.not_before();
    facts.not_after = leaf.not_after();
    facts.issued_at = now;
    if (acme::certificate_id(leaf)) facts.authority_key_id = hex(*leaf.authority_key_identifier());
    return facts;
}

std::optional<std::string> certificate_id(const VersionFacts& facts) {
    std::optional<Bytes> key_identifier = parse_hex(facts.authority_key_id);
    std::optional<Bytes> serial = parse_hex(facts.serial);
    if (!key_identifier || !serial) return std::nullopt;
    return acme::certificate_id(*key_identifier, *serial);
}

std::string predecessor_at(const config::Ca& ca, const VersionFacts* newest, const std::vector<Identifier>& names) {
    if (newest == nullptr || newest->directory_url != ca.directory) return {};
    auto shared = [&](const Identifier& name) { return std::ranges::find(names, name) != names.end(); };
    if (std::ranges::none_of(newest->names, shared)) return {};
    return certificate_id(*newest).value_or("");
}

Renewal::Renewal(Clock& clock, Workers& workers, Store& store, CaClients& clients, SolverSet& solvers,
                 Deployer& deployer, EventSink events)
    : clock_(clock),
      workers_(workers),
      store_(store),
      clients_(clients),
      solvers_(solvers),
      deployer_(deployer),
      events_(std::move(events)) {}

Task<Result<NewCertificate>> Renewal::issue(IssueOrder order) {
    co_return co_await as_result(issue_or_fail(std::move(order)));
}

Task<Result<void>> Renewal::prove(IssueOrder order) {
    co_return co_await as_result(prove_or_fail(std::move(order)));
}

Task<> Renewal::prove_or_fail(IssueOrder order) {
    order.rehearsal = true;
    co_await prepare(order, value_or_fail(LineageName::parse(order.spec->name)));
    (void)co_await issue_or_fail(std::move(order));
}

// What a name's proof may depend on is made ready by the operator's commands.
Task<> Renewal::prepare(const IssueOrder& order, const LineageName& name) {
    if (order.spec->pre_issue.empty()) co_return;
    Deployer::HookContext context{name, order.spec->names, {}, order.job};
    value_or_fail(co_await deployer_.run_hooks(order.spec->pre_issue, "pre-issue", context));
}

Task<NewCertificate> Renewal::issue_or_fail(IssueOrder order) {
    LineageName name = value_or_fail(LineageName::parse(order.spec->name));
    const config::Ca& ca = order.config->cas.at(order.ca);
    // A CA is not asked for what could not be stored (faults F34).
    value_or_fail(co_await offload(workers_, [&] { return store_.probe(); }));
    if (!order.rehearsal) co_await prepare(order, name);
    Result<FromCa> issued = co_await ask_ca(order, name, ca);
    if (!issued && issued.error().code == "acme.accountDoesNotExist") {
        co_await clients_.register_again(ca);
        issued = co_await ask_ca(order, name, ca);
    }
    if (!issued && issued.error().code == "acme.userActionRequired") co_await clients_.suspend(ca, issued.error());
    NewCertificate made = co_await keep(order, name, ca, value_or_fail(std::move(issued)));
    made.persisted = solvers_.persisted(*order.spec);
    if (!order.rehearsal && !order.spec->post_issue.empty()) {
        Deployer::HookContext context{name, order.spec->names, made.facts.number, order.job};
        // The certificate is there; a failed hook is told (its event carries the problem) and does not hold up
        // deployment.
        co_await deployer_.run_hooks(order.spec->post_issue, "post-issue", context);
    }
    co_return made;
}

Task<Result<Renewal::FromCa>> Renewal::ask_ca(const IssueOrder& order, const LineageName& name, const config::Ca& ca) {
    std::shared_ptr<acme::Session> session = co_await clients_.session(ca);
    std::optional<acme::OrderRecord> resume;
    if (!order.rehearsal) resume = co_await order_in_progress(order, name);
    if (resume && !resume->order_url.empty() && order.on_ordering) co_await order.on_ordering(ca.name, true);

    acme::IssueRequest request;
    request.names = order.spec->names;
    request.key_type = order.spec->key;
    request.preferred_chain = ca.preferred_chain;
    const config::Profile& profile = order.spec->profile.name ? order.spec->profile : ca.profile;
    request.profile = profile.name;
    request.profile_required = profile.required;
    if (order.newest && !order.rehearsal) {
        request.previous_serial = order.newest->serial;
        request.replaces = predecessor_at(ca, order.newest.get(), order.spec->names);
    }

    acme::IssueHooks hooks;
    hooks.journal = [this, &order, name](acme::OrderRecord record) -> Task<> {
        if (order.rehearsal) co_return;
        value_or_fail(co_await offload(workers_, [&] { return store_.save_order(name, record); }));
    };
    hooks.ordering = [&order]() -> Task<> {
        if (order.on_ordering) co_await order.on_ordering(order.ca, false);
    };
    hooks.solvers = [this, &order](const Identifier& name, bool wildcard) {
        Identifier configured = wildcard ? Identifier{Identifier::Type::dns, "*." + name.value} : name;
        return solvers_.solvers(config::challenge_for(*order.spec, configured), order.refused);
    };
    hooks.refused = order.on_refused;
    hooks.progress = [this, &order](acme::IssueStep step, std::string detail) {
        report(order, step, std::move(detail));
    };
    Result<acme::Issued> issued =
        co_await acme::issue(*session, workers_, std::move(request), std::move(resume), std::move(hooks));
    if (!issued) co_return failure(std::move(issued).error());
    const acme::Directory* directory = session->known_directory();
    co_return FromCa{*std::move(issued), directory != nullptr && directory->renewal_info.has_value()};
}

Task<std::optional<acme::OrderRecord>> Renewal::order_in_progress(const IssueOrder& order, const LineageName& name) {
    Result<std::optional<acme::OrderRecord>> loaded =
        co_await offload(workers_, [&] { return store_.load_order(name); });
    const config::Ca& ca = order.config->cas.at(order.ca);
    // An order older than the newest version was finished by it, or given up before it.
    bool burned = loaded && *loaded && co_await is_burned(**loaded);
    bool usable = loaded && *loaded && !burned && is_of(**loaded, order, ca) &&
                  !(order.newest && (*loaded)->created <= order.newest->issued_at);
    if (usable) co_return std::move(*loaded);
    if (!loaded || *loaded) value_or_fail(co_await offload(workers_, [&] { return store_.drop_order(name); }));
    co_return std::nullopt;
}

// The key of a revoked certificate may be in an order that was not finished yet.
Task<bool> Renewal::is_burned(const acme::OrderRecord& order) {
    Result<PrivateKey> key = PrivateKey::from_pem(order.key_pem);
    if (!key) co_return true;
    std::string digest = sha256_hex(key->public_key_der());
    co_return value_or_fail(co_await offload(workers_, [&] { return store_.is_burned(digest); }));
}

Task<NewCertificate> Renewal::keep(const IssueOrder& order, const LineageName& name, const config::Ca& ca,
                                   FromCa from) {
    VersionFacts facts = facts_of(from.issued, order.spec->key, ca, clock_.now());
    facts.profile = profile_at(*order.spec, ca);
    VersionFiles files = files_of(from.issued);
    if (order.rehearsal) co_return NewCertificate{facts, files};
    NewCertificate made;
    made.renewal_info = from.renewal_info && certificate_id(facts).has_value();
    NewVersion version{facts, std::move(files), std::move(from.issued.alternates)};
    made.facts = value_or_fail(co_await offload(workers_, [&] {
        Result<VersionFacts> added = store_.add_version(name, std::move(version));
        // A left-over order record is harmless: it is older than the version (see order_in_progress).
        if (added) store_.drop_order(name);
        return added;
    }));
    co_return made;
}

void Renewal::report(const IssueOrder& order, acme::IssueStep step, std::string detail) {
    Event event;
    event.type = EventType::renewal_step;
    event.severity = Severity::debug;
    event.lineage = order.spec->name;
    event.job = order.job;
    event.message = std::move(detail);
    event.data = Json::object({{"step", acme::to_string(step)}, {"ca", order.ca.text}});
    events_(std::move(event));
}

}  // namespace certd
