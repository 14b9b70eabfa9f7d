// Renewal: the issuing half of the pipeline.
#include "daemon/renew/renewal.hpp"

#include "daemon/lineage/issue_need.hpp"
#include "daemon/renew/known_key.hpp"
#include "daemon/renew/next_key.hpp"
#include "libacme/async/as_result.hpp"
#include "libacme/base/text.hpp"
#include "libacme/crypto/digest.hpp"
#include "libacme/protocol/concurrently.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <exception>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr Duration finish_limit = seconds(6);  // for post_issue when certd stops

bool is_of(const acme::OrderRecord& record, const config::Lineage& spec, KeyType key, const config::Ca& ca) {
    auto wanted = spec.names;
    auto ordered = record.names;
    std::ranges::sort(wanted);
    std::ranges::sort(ordered);
    return record.ca == ca.name.text && record.directory_url == ca.directory && wanted == ordered &&
           record.key_type == key;
}

}  // namespace

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
    const bool with_hooks = !order.rehearsal;
    co_return co_await as_result(issue_or_fail(std::move(order), with_hooks));
}

Task<Result<void>> Renewal::prove(IssueOrder order) {
    order.rehearsal = true;
    Result<NewCertificate> made = co_await as_result(issue_or_fail(std::move(order), true));
    if (!made) co_return failure(made.error());
    co_return Result<void>();
}

Task<NewCertificate> Renewal::issue_or_fail(IssueOrder order, bool with_hooks) {
    LineageName name = value_or_fail(LineageName::parse(order.spec->name));
    // A CA is not asked for what could not be stored (faults F34).
    value_or_fail(co_await offload(workers_, [&] { return store_.probe(); }));
    co_await refuse_request(*order.spec);
    if (!with_hooks) co_return co_await make(order, name);
    co_return value_or_fail(co_await make_between_hooks(order, name));
}

// However it ends, also by cancellation: a server that pre_issue stopped is started again.
Task<Result<NewCertificate>> Renewal::make_between_hooks(IssueOrder order, LineageName name) {
    Result<NewCertificate> made = failure("control.cancelled", "The order was cancelled");
    std::exception_ptr cancelled;
    try {
        made = co_await as_result(make_prepared(order, name));
        co_await finish(order, name, made);
    } catch (...) {
        cancelled = std::current_exception();
    }
    if (!cancelled) co_return made;
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await acme::shielded(clock_, finish_limit, "Cannot run post_issue in time", finish(order, name, made));
    std::rethrow_exception(cancelled);
}

// What a name's proof may depend on is made ready by the operator's commands.
Task<NewCertificate> Renewal::make_prepared(const IssueOrder& order, const LineageName& name) {
    if (!order.spec->pre_issue.empty()) {
        Deployer::HookContext context{name, order.spec->names, {}, order.job};
        value_or_fail(co_await deployer_.run_hooks(order.spec->pre_issue, "pre-issue", context));
    }
    co_return co_await make(order, name);
}

// Where no certificate came of it, only for what pre_issue did. A failed hook is told (its event carries the problem)
// and does not hold up deployment.
Task<> Renewal::finish(const IssueOrder& order, const LineageName& name, const Result<NewCertificate>& made) {
    const bool has_version = made && made->facts.number;
    if (!has_version && order.spec->pre_issue.empty()) co_return;
    Deployer::HookContext context{name, order.spec->names, {}, order.job};
    if (has_version) context.version = made->facts;
    (void)co_await deployer_.run_hooks(order.spec->post_issue, "post-issue", context);
}

Task<NewCertificate> Renewal::make(const IssueOrder& order, const LineageName& name) {
    const config::Ca& ca = order.config->cas.at(order.ca);
    std::vector<IssuedKey> issued = co_await issue_each(order, name, ca);
    bool known_keys = order.spec->key_max_age || order.spec->csr || order.spec->next_key;
    if (known_keys && !order.rehearsal) co_await refuse_burned(issued);
    std::shared_ptr<acme::Session> session = co_await clients_.session(ca);
    const acme::Directory* directory = session->known_directory();
    NewVersion version = version_of(std::move(issued), ca, clock_.now());
    version.facts.profile = profile_at(*order.spec, ca);
    if (order.spec->csr) version.facts.csr_key_sha256 = order.spec->csr->key_sha256;
    NewCertificate made = co_await keep(order, name, std::move(version));
    made.renewal_info = directory != nullptr && directory->renewal_info.has_value();
    made.persisted = solvers_.persisted(*order.spec);
    co_return made;
}

// The operator's request, where it cannot lead to a certificate; before anybody is bothered.
Task<> Renewal::refuse_request(const config::Lineage& spec) {
    if (!spec.csr) co_return;
    if (spec.csr->problem) fail(*spec.csr->problem);
    if (!co_await is_burned(spec.csr->der)) co_return;
    fail("crypto.csrKey",
         fmt::format("The key of the certificate request {} was compromised and is not used again", spec.csr->path));
}

// An order for each key, one after the other: the CA validates the names for the first and finds them valid for the
// others. A version is made of all or of none.
Task<std::vector<IssuedKey>> Renewal::issue_each(const IssueOrder& order, const LineageName& name,
                                                 const config::Ca& ca) {
    std::vector<IssuedKey> issued;
    for (KeyType key : order.spec->keys) {
        bool first = issued.empty();
        bool last = issued.size() + 1 == order.spec->keys.size();
        KeyOrder one{order, name, ca, key, first ? std::nullopt : std::optional(key), last};
        issued.push_back({key, co_await issue_one(one)});
    }
    co_return issued;
}

Task<acme::Issued> Renewal::issue_one(KeyOrder order) {
    std::optional<acme::OrderRecord> resume;
    if (!order.order.rehearsal) resume = co_await order_in_progress(order);
    if (resume) {
        // Of an attempt that failed for another key: no second order for what is there.
        if (std::optional<acme::Issued> kept = kept_certificate(*resume, clock_.now())) co_return *std::move(kept);
        if (!resume->chains.empty()) resume.reset();
    }
    Result<acme::Issued> issued = co_await ask_ca(order, resume);
    if (!issued && issued.error().code == "acme.accountDoesNotExist") {
        co_await clients_.register_again(order.ca);
        issued = co_await ask_ca(order, resume);
    }
    if (!issued && issued.error().code == "acme.userActionRequired")
        co_await clients_.suspend(order.ca, issued.error());
    co_return value_or_fail(std::move(issued));
}

acme::IssueRequest Renewal::request_for(const KeyOrder& order) const {
    const config::Lineage& spec = *order.order.spec;
    const VersionFacts* newest = order.order.newest.get();
    acme::IssueRequest request;
    request.names = spec.names;
    request.key_type = order.key;
    request.preferred_chain = order.ca.preferred_chain;
    const config::Profile& profile = spec.profile.name ? spec.profile : order.ca.profile;
    request.profile = profile.name;
    request.profile_required = profile.required;
    if (spec.csr) request.csr_der = spec.csr->der;
    if (newest == nullptr || order.order.rehearsal) return request;
    bool several = spec.keys.size() > 1 || !newest->further.empty();
    std::optional<CertificateFacts> before = several ? certificate_of(*newest, order.key) : newest->first();
    if (before) request.previous_serial = before->serial;
    request.replaces = predecessor_at(order.ca, newest, spec.names, several ? std::optional(order.key) : std::nullopt);
    return request;
}

// `last` is the record as it was written last, or as it was found.
acme::IssueHooks Renewal::hooks_for(const KeyOrder& order, std::optional<acme::OrderRecord>& last) {
    acme::IssueHooks hooks;
    hooks.journal = [this, &order, &last](acme::OrderRecord record) -> Task<> {
        if (order.order.rehearsal) co_return;
        value_or_fail(
            co_await offload(workers_, [&] { return store_.save_order(order.lineage, record, order.further); }));
        last = std::move(record);
    };
    hooks.ordering = [&order]() -> Task<> {
        if (order.order.on_ordering) co_await order.order.on_ordering(order.ca.name, order.key, false);
    };
    hooks.solvers = [this, &order](const Identifier& name, bool wildcard) {
        Identifier configured = wildcard ? Identifier{Identifier::Type::dns, "*." + name.value} : name;
        return solvers_.solvers(config::challenge_for(*order.order.spec, configured), order.order.refused);
    };
    hooks.refused = order.order.on_refused;
    hooks.names_refused = order.order.on_names_refused;
    hooks.progress = [this, &order](acme::IssueStep step, std::string detail) {
        report(order.order, step, std::move(detail));
    };
    return hooks;
}

Task<Result<acme::Issued>> Renewal::ask_ca(const KeyOrder& order, std::optional<acme::OrderRecord> resume) {
    std::shared_ptr<acme::Session> session = co_await clients_.session(order.ca);
    if (resume && !resume->order_url.empty() && order.order.on_ordering)
        co_await order.order.on_ordering(order.ca.name, order.key, true);
    std::optional<acme::OrderRecord> last = resume;
    acme::IssueRequest request = request_for(order);
    if (!order.order.rehearsal) request.key = co_await known_key(order);
    Result<acme::Issued> issued =
        co_await acme::issue(*session, workers_, std::move(request), std::move(resume), hooks_for(order, last));
    if (issued && last && !order.is_last && !order.order.rehearsal) {
        acme::OrderRecord kept = finished(*std::move(last), *issued);
        value_or_fail(
            co_await offload(workers_, [&] { return store_.save_order(order.lineage, kept, order.further); }));
    }
    co_return issued;
}

// One that is there already, which an order for it takes.
Task<std::optional<acme::KnownKey>> Renewal::known_key(const KeyOrder& order) {
    if (order.order.spec->next_key)
        co_return value_or_fail(co_await next_keys(order.order.spec, order.order.job)).of(order.key);
    co_return co_await offload(workers_, [&] {
        return key_to_use_again(store_, *order.order.spec, order.order.newest.get(), order.key, clock_.now());
    });
}

Task<Result<void>> Renewal::make_next_keys(std::shared_ptr<const config::Lineage> spec) {
    const Result<NextKeys> keys = co_await next_keys(std::move(spec), 0);
    if (!keys) co_return failure(keys.error());
    co_return Result<void>();
}

Task<Result<NextKeys>> Renewal::next_keys(std::shared_ptr<const config::Lineage> spec, std::uint64_t job) {
    Gate::Pass pass = co_await making_keys_.enter();
    Result<NextKeys> keys = co_await offload(workers_, [&] { return ensure_next_keys(store_, *spec, clock_.now()); });
    if (!keys || keys->made.empty()) co_return keys;
    Event event;
    event.type = EventType::next_key_made;
    event.severity = keys->damage ? Severity::error : Severity::info;
    event.lineage = spec->name;
    event.job = job;
    std::vector<std::string> types;
    for (KeyType type : keys->made)
        types.emplace_back(to_string(type));
    event.message =
        fmt::format("Made the next key: {}; `certctl status {}` shows its pin", join(types, ", "), spec->name);
    if (keys->damage) event.message += ", the pin published before is of no use any more";
    event.problem = keys->damage;
    events_(std::move(event));
    co_return keys;
}

Task<std::optional<acme::OrderRecord>> Renewal::order_in_progress(const KeyOrder& order) {
    Result<std::optional<acme::OrderRecord>> loaded =
        co_await offload(workers_, [&] { return store_.load_order(order.lineage, order.further); });
    // An order older than the newest version was finished by it, or given up before it.
    const VersionFacts* newest = order.order.newest.get();
    bool usable = loaded && *loaded && is_of(**loaded, *order.order.spec, order.key, order.ca) &&
                  !(newest && (*loaded)->created <= newest->issued_at) &&
                  (co_await has_next_key(order, **loaded) ||
                   !has_outlived_key(**loaded, *order.order.spec, newest, clock_.now()));
    if (usable && !co_await is_burned((*loaded)->csr_der)) co_return std::move(*loaded);
    if (!loaded || *loaded)
        value_or_fail(co_await offload(workers_, [&] { return store_.drop_order(order.lineage, order.further); }));
    co_return std::nullopt;
}

// Made as early as the newest version, and yet not in it.
Task<bool> Renewal::has_next_key(const KeyOrder& order, const acme::OrderRecord& record) {
    if (!order.order.spec->next_key) co_return false;
    const auto stored = co_await offload(workers_, [&] { return store_.load_next_keys(order.lineage); });
    co_return stored.has_value() && std::ranges::find(*stored, record.key_pem, &NextKey::key_pem) != stored->end();
}

// The key of a revoked certificate may be in an order that was not finished yet.
Task<bool> Renewal::is_burned(const Bytes& csr_der) {
    Result<RequestContent> request = read_csr(csr_der);
    if (!request) co_return true;
    std::string digest = sha256_hex(request->public_key_der);
    co_return value_or_fail(co_await offload(workers_, [&] { return store_.is_burned(digest); }));
}

// A key that was used before may have been revoked as compromised while its order was on the way.
Task<> Renewal::refuse_burned(const std::vector<IssuedKey>& issued) {
    for (const IssuedKey& each : issued) {
        std::string digest = sha256_hex(each.issued.chain.front().public_key_der());
        bool burned = value_or_fail(co_await offload(workers_, [&] { return store_.is_burned(digest); }));
        if (burned)
            fail("crypto.keyCompromised",
                 "The key of the certificate just issued was compromised and is not used again");
    }
}

Task<NewCertificate> Renewal::keep(const IssueOrder& order, const LineageName& name, NewVersion version) {
    if (order.rehearsal) co_return NewCertificate{std::move(version.facts), std::move(version.files)};
    NewCertificate made;
    made.facts = value_or_fail(co_await offload(workers_, [&] {
        Result<VersionFacts> added = store_.add_version(name, std::move(version));
        // A left-over order record is harmless: it is older than the version (see order_in_progress).
        if (added) (void)store_.drop_orders(name);
        return added;
    }));
    // The version is there whatever becomes of the next one's keys: NextKeyKeeper tries again and tells.
    if (order.spec->next_key) (void)co_await next_keys(order.spec, order.job);
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
