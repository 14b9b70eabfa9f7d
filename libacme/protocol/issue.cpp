// The flow of one issuance: record → order → validation → finalization → download, with every way back from a crash.
#include "libacme/protocol/issue.hpp"

#include "libacme/base/text.hpp"
#include "libacme/protocol/authorization.hpp"
#include "libacme/protocol/concurrently.hpp"
#include "libacme/protocol/download.hpp"
#include "libacme/protocol/finalization.hpp"
#include "libacme/protocol/order_record.hpp"
#include "libacme/protocol/refusal.hpp"
#include "libacme/protocol/validation.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <array>

namespace certd::acme {

namespace {

constexpr std::array<std::string_view, 6> step_names = {"ordering",   "authorizing", "presenting",
                                                        "validating", "finalizing",  "downloading"};
constexpr Duration give_up_limit = seconds(30);

class Issuance {
   public:
    Issuance(Session& session, Workers& workers, IssueRequest request, IssueHooks hooks)
        : session_(session), workers_(workers), request_(std::move(request)), hooks_(std::move(hooks)) {
        request_.names = normalized(std::move(request_.names));
    }

    Task<Issued> run(std::optional<OrderRecord> resume);

   private:
    Task<std::optional<Order>> take_up(std::optional<OrderRecord> resume);
    Task<std::optional<Order>> fetch_recorded();
    Task<Order> fetch_recorded_url(std::string text);
    Task<std::optional<Issued>> finish_recorded(Order order);
    Task<Order> begin();
    Task<std::optional<std::string>> offered_profile();
    Task<Order> place(std::optional<std::string> profile);
    std::string leave_out(OrderExtras& extras, const Failure& refusal) const;
    Task<Issued> finish(Order order);
    Task<> validate(const Order& order);
    Task<Order> finalize(Order order);
    Task<Issued> download(Order order);
    Issued chosen(Downloaded downloaded);
    Task<> journal();
    Task<> give_up(std::string order_url);
    Task<> let_go(Order order);

    void tell_names(const Problem& refusal) const {
        std::vector<RefusedName> names;
        if (hooks_.names_refused) names = names_at_fault(refusal, request_.names);
        if (!names.empty()) hooks_.names_refused(std::move(names));
    }
    Time deadline() const { return saturating_add(record_->created, request_.order_limit); }
    void progress(IssueStep step, std::string detail) const {
        if (hooks_.progress) hooks_.progress(step, std::move(detail));
    }
    const std::string& ca() const { return session_.options().ca; }

    Session& session_;
    Workers& workers_;
    IssueRequest request_;
    IssueHooks hooks_;
    std::optional<OrderRecord> record_;  // unset: a new key is needed
    bool engaged_ = false;               // the CA was asked to validate or to sign during this run
    bool validated_ = false;
};

Task<Issued> Issuance::run(std::optional<OrderRecord> resume) {
    if (!session_.has_account())
        fail("acme.accountDoesNotExist", "Cannot order from " + ca() + ": there is no account yet");
    if (std::optional<Order> order = co_await take_up(std::move(resume))) {
        if (std::optional<Issued> issued = co_await finish_recorded(*std::move(order))) co_return *std::move(issued);
    }
    Order order = co_await begin();
    co_return co_await finish(std::move(order));
}

// The order of a record from before, when it can still lead to a certificate.
Task<std::optional<Order>> Issuance::take_up(std::optional<OrderRecord> resume) {
    if (!resume) co_return std::nullopt;
    switch (use_of_record(*resume, request_, session_, session_.clock().now())) {
        case RecordUse::new_order:
            co_return std::nullopt;
        case RecordUse::new_order_old_key:
            record_ = std::move(resume);
            co_return std::nullopt;
        case RecordUse::give_up:
            co_await give_up(resume->order_url);
            co_return std::nullopt;
        case RecordUse::resume:
            record_ = std::move(resume);
            co_return co_await fetch_recorded();
    }
    co_return std::nullopt;
}

Task<std::optional<Order>> Issuance::fetch_recorded() {
    progress(IssueStep::ordering, "Going on with the order for " + names_text(request_.names) + " at " + ca());
    std::optional<Order> order;
    try {
        order = co_await fetch_recorded_url(record_->order_url);
    } catch (const Failure& failure) {
        const std::string& code = failure.problem().code;
        if (!is_gone(failure) && code != "acme.badUrl" && code != "acme.badResponse") throw;
    }
    // RFC 8555 §7.1.3: after `expires` an order that is not finished is of no use.
    bool is_open = order && (order->status == OrderStatus::pending || order->status == OrderStatus::ready);
    bool is_dead = !order || order->status == OrderStatus::invalid || order->identifiers != request_.names ||
                   (is_open && has_expired(order->expires, session_.clock().now()));
    if (is_dead) {
        order.reset();
        record_.reset();
    }
    co_return order;
}

Task<Order> Issuance::fetch_recorded_url(std::string text) {
    co_await session_.directory();  // it tells on which hosts orders may live
    co_return co_await fetch_order(session_, value_or_fail(session_.server_url(text, "order URL")));
}

// nullopt: the order turned out to be dead before anything was asked of the CA, so that a new one may be placed at
// once.
Task<std::optional<Issued>> Issuance::finish_recorded(Order order) {
    std::exception_ptr dead;
    try {
        co_return co_await finish(std::move(order));
    } catch (const DeadOrder&) {
        dead = std::current_exception();
    }
    if (engaged_) std::rethrow_exception(dead);
    record_.reset();
    validated_ = false;
    co_return std::nullopt;
}

// Key and CSR are stored before the CA hears of the order, the order's URL before anything is done with it: a crash at
// any point leaves enough to go on with the same key (RFC 8555 §7.4, acme-facts C1, C14).
Task<Order> Issuance::begin() {
    if (hooks_.names_refused) hooks_.names_refused({});  // what an order before this one met is of no account
    progress(IssueStep::ordering, "Ordering a certificate for " + names_text(request_.names) + " from " + ca());
    std::optional<std::string> profile = co_await offered_profile();
    if (!record_) record_ = co_await make_record(session_, workers_, request_);
    record_->ca = ca();
    record_->directory_url = session_.options().directory.text;
    record_->account_url = session_.account().url;
    record_->created = session_.clock().now();
    co_await journal();
    if (hooks_.ordering) co_await hooks_.ordering();
    Order order = co_await place(std::move(profile));
    record_->order_url = order.url.text;
    co_await journal();
    co_return order;
}

// The profile to ask for: one that the CA does not advertise is not asked for (draft-ietf-acme-profiles §4).
Task<std::optional<std::string>> Issuance::offered_profile() {
    if (!request_.profile) co_return std::nullopt;
    Directory directory = co_await session_.directory();
    std::vector<std::string> offered;
    for (const auto& [name, description] : directory.profiles) {
        if (name == *request_.profile) co_return name;
        offered.push_back(escape_untrusted(name, 64));
    }
    std::string list = offered.empty() ? "none" : join(offered, ", ");
    std::string text = ca() + " does not offer the profile '" + *request_.profile + "' (offered: " + list + ")";
    if (request_.profile_required) fail("acme.invalidProfile", std::move(text));
    progress(IssueStep::ordering, text + "; its default is used");
    co_return std::nullopt;
}

// A refusal on account of what is optional costs one more request, never the certificate. RFC 9773 §5: the predecessor
// is named only to a CA with renewal information.
Task<Order> Issuance::place(std::optional<std::string> profile) {
    Directory directory = co_await session_.directory();
    OrderExtras extras{directory.renewal_info ? request_.replaces : std::string(), std::move(profile)};
    for (;;) {
        std::string left_out;
        try {
            co_return co_await place_order(session_, request_.names, extras);
        } catch (const Failure& failure) {
            left_out = leave_out(extras, failure);
            if (left_out.empty()) {
                tell_names(failure.problem());
                throw;
            }
        }
        progress(IssueStep::ordering, std::move(left_out));
    }
}

// Takes out of `extras` what the refusal can be due to and says so; empty when there is nothing of the kind.
std::string Issuance::leave_out(OrderExtras& extras, const Failure& refusal) const {
    if (extras.profile && !request_.profile_required && refusal.problem().code == "acme.invalidProfile") {
        std::string refused = *std::exchange(extras.profile, std::nullopt);
        return ca() + " refused the profile '" + refused + "'; its default is used";
    }
    if (extras.replaces.empty() || !may_blame_replaces(refusal)) return {};
    extras.replaces.clear();
    return "Ordering again without naming the certificate to be replaced: " + describe(refusal.problem());
}

Task<Issued> Issuance::finish(Order order) {
    std::exception_ptr dead;
    Order kept = order;
    try {
        if (order.status == OrderStatus::pending || order.status == OrderStatus::unknown) co_await validate(order);
        validated_ = true;
        if (order.status != OrderStatus::valid) {
            engaged_ = true;
            progress(IssueStep::finalizing,
                     "Asking " + ca() + " to sign the certificate for " + names_text(request_.names));
        }
        Order valid = co_await finalize(std::move(order));
        co_return co_await download(std::move(valid));
    } catch (const DeadOrder&) {
        dead = std::current_exception();
    }
    if (!validated_) {
        co_await asio::this_coro::throw_if_cancelled(false);
        co_await shielded(session_.clock(), give_up_limit, "Cannot deactivate the authorizations in time",
                          let_go(std::move(kept)));
    }
    std::rethrow_exception(dead);
}

// A CA that looks at CAA records once more refuses names only now.
Task<Order> Issuance::finalize(Order order) {
    try {
        co_return co_await finalize_order(session_, std::move(order), record_->csr_der, deadline());
    } catch (const Failure& failure) {
        tell_names(failure.problem());
        throw;
    }
}

Task<> Issuance::validate(const Order& order) {
    progress(IssueStep::authorizing,
             "Looking at what " + ca() + " wants to be proved for " + names_text(request_.names));
    co_await validate_order(session_, order, request_.names, deadline(), hooks_, engaged_);
}

Task<Issued> Issuance::download(Order order) {
    progress(IssueStep::downloading, "Downloading the certificate for " + names_text(request_.names));
    std::optional<PrivateKey> key;
    ChainExpectation expectation;
    if (record_->key_pem.empty()) {
        expectation.public_key_der = value_or_fail(read_csr(record_->csr_der)).public_key_der;
    } else {
        key = value_or_fail(PrivateKey::from_pem(record_->key_pem));
        expectation.key = &*key;
    }
    expectation.names = request_.names;
    expectation.now = session_.clock().now();
    expectation.previous_serial = request_.previous_serial;
    Downloaded downloaded;
    try {
        downloaded = co_await download_chains(session_, *order.certificate, std::move(expectation));
    } catch (const Failure& failure) {
        // What the CA issued is wrong and stays wrong: the order cannot be resumed.
        if (failure.problem().kind == ProblemKind::crypto || is_gone(failure)) throw DeadOrder(failure.problem());
        throw;
    }
    co_return chosen(std::move(downloaded));
}

Issued Issuance::chosen(Downloaded downloaded) {
    for (std::string& note : downloaded.notes)
        progress(IssueStep::downloading, std::move(note));
    std::size_t index = 0;
    if (request_.preferred_chain) {
        if (auto found = preferred_chain(downloaded.chains, *request_.preferred_chain)) {
            index = *found;
        } else {
            progress(IssueStep::downloading,
                     ca() + " offers no chain up to '" + *request_.preferred_chain + "'; its default chain is used");
        }
    }
    Issued issued;
    issued.key_pem = record_->key_pem;
    issued.key_created = record_->key_created;
    issued.order_url = record_->order_url;
    for (std::size_t i = 0; i < downloaded.chains.size(); ++i) {
        if (i != index) issued.alternates.push_back(chain_pem(downloaded.chains[i]));
    }
    issued.chain = std::move(downloaded.chains[index]);
    return issued;
}

Task<> Issuance::journal() {
    if (hooks_.journal) co_await hooks_.journal(*record_);
}

// RFC 8555 §7.5.2: pending authorizations of an order nobody will finish are let go of.
Task<> Issuance::let_go(Order order) {
    co_await deactivate_pending(session_, std::move(order.authorizations));
}

Task<> Issuance::give_up(std::string order_url) {
    progress(IssueStep::ordering, "Giving up an older order at " + ca() + " that is for something else or too old");
    std::optional<Order> order;
    try {
        order = co_await fetch_recorded_url(std::move(order_url));
    } catch (const Failure&) {
        // Best effort: it expires by itself.
    }
    if (!order || order->status != OrderStatus::pending) co_return;
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await shielded(session_.clock(), give_up_limit, "Cannot deactivate the authorizations in time",
                      let_go(*std::move(order)));
}

}  // namespace

std::string_view to_string(IssueStep step) {
    return step_names.at(static_cast<std::size_t>(step));
}

Task<Result<Issued>> issue(Session& session, Workers& workers, IssueRequest request, std::optional<OrderRecord> resume,
                           IssueHooks hooks) {
    std::vector<RefusedName> at_fault;
    std::function<void(std::vector<RefusedName>)> tell = std::move(hooks.names_refused);
    if (tell) hooks.names_refused = [&at_fault](std::vector<RefusedName> names) { at_fault = std::move(names); };
    Issuance issuance(session, workers, std::move(request), std::move(hooks));
    Problem problem;
    try {
        co_return co_await issuance.run(std::move(resume));
    } catch (const boost::system::system_error& error) {
        if (error.code() == asio::error::operation_aborted) throw;
        problem = problem_of(std::current_exception());
    } catch (const std::exception&) {
        problem = problem_of(std::current_exception());
    }
    if (!at_fault.empty()) tell(std::move(at_fault));
    co_return failure(std::move(problem));
}

}  // namespace certd::acme
