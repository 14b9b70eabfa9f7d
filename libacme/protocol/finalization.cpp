// The states of an order after its validation.
#include "libacme/protocol/finalization.hpp"

namespace certd::acme {

namespace {

constexpr int most_sends = 10;              // of the CSR, while the CA does not see the order as ready
constexpr int most_pending_polls = 30;      // about three minutes at the slowest pace
constexpr int tolerated_poll_failures = 5;  // in a row

class Finalization {
   public:
    Finalization(Session& session, Order order, Bytes csr_der, Time deadline)
        : session_(session),
          order_(order),
          first_(std::move(order)),
          csr_der_(std::move(csr_der)),
          deadline_(deadline),
          pace_(session.round_trip()) {}

    Task<Order> run();

   private:
    Task<> send();
    Task<> refresh();
    Task<> wait();
    void adopt(Order order);
    void check() const;
    std::string subject() const { return "the order for " + names_text(first_.identifiers); }
    const std::string& ca() const { return session_.options().ca; }

    Session& session_;
    Order order_;
    const Order first_;
    Bytes csr_der_;
    Time deadline_;
    PollPace pace_;
    bool was_processing_ = false;
    int sends_ = 0;
    int pending_polls_ = 0;
    int poll_failures_ = 0;
};

Task<Order> Finalization::run() {
    if (order_.status == OrderStatus::pending || order_.status == OrderStatus::ready) co_await send();
    check();
    while (order_.status != OrderStatus::valid) {
        co_await wait();
        co_await refresh();
        check();
        if (order_.status == OrderStatus::ready) {
            co_await send();
            check();
        }
    }
    co_return std::move(order_);
}

// RFC 8555 §7.4: the answer to finalize is the order in its new state.
Task<> Finalization::send() {
    std::string what = ca() + " did not accept the certificate request for " + names_text(first_.identifiers);
    if (++sends_ > most_sends) fail("acme.orderNotReady", what);
    Json payload = Json::object({{"csr", base64url(ByteView(csr_der_))}});
    try {
        HttpResponse response =
            co_await session_.post(RequestKind::finalize, first_.finalize, std::move(payload), what);
        adopt(read_order(session_, first_.url, response, session_.clock().now()));
    } catch (const Failure& failure) {
        // Not ready yet, or an answer that was lost: the order itself tells whether to send again. The key stays the
        // same.
        if (is_gone(failure)) throw DeadOrder(failure.problem());
        if (!is_lost(failure) && failure.problem().code != "acme.orderNotReady") throw;
        order_.status = OrderStatus::unknown;
        order_.poll_again = failure.problem().not_before;
    }
}

Task<> Finalization::refresh() {
    try {
        Order order = co_await fetch_order(session_, first_.url);
        poll_failures_ = 0;
        adopt(std::move(order));
    } catch (const Failure& failure) {
        if (is_gone(failure)) throw DeadOrder(failure.problem());
        if (!is_transient(failure) || ++poll_failures_ > tolerated_poll_failures) throw;
        order_.status = OrderStatus::unknown;
        order_.poll_again = failure.problem().not_before;
    }
}

void Finalization::adopt(Order order) {
    // RFC 8555 §7.1.3: neither list ever changes.
    if (!is_same_order(first_, order)) {
        throw DeadOrder(problem("acme.orderInvalid", ca() + " changed " + subject() + " while it was in progress"));
    }
    order_ = std::move(order);
    if (order_.status == OrderStatus::processing) was_processing_ = true;
    if (order_.status == OrderStatus::pending) ++pending_polls_;
}

void Finalization::check() const {
    if (order_.status == OrderStatus::invalid) {
        throw DeadOrder(
            order_.error.value_or(problem("acme.orderInvalid", ca() + " declared " + subject() + " invalid")));
    }
    if (order_.status == OrderStatus::valid && !order_.certificate) {
        throw DeadOrder(problem("acme.badResponse", ca() + " named no certificate in " + subject()));
    }
    if (order_.status == OrderStatus::ready && was_processing_) {
        throw DeadOrder(problem("acme.orderInvalid", ca() + " put " + subject() + " back from processing to ready"));
    }
    if (pending_polls_ > most_pending_polls) {
        throw DeadOrder(problem("acme.orderNotReady", ca() + " does not see " + subject() + " as ready"));
    }
}

Task<> Finalization::wait() {
    Time now = session_.clock().now();
    if (now >= deadline_)
        throw DeadOrder(problem("acme.orderTimeout", ca() + " did not finish " + subject() + " in time"));
    co_await session_.clock().sleep(pace_.next(order_.poll_again, now));
}

}  // namespace

Task<Order> finalize_order(Session& session, Order order, Bytes csr_der, Time deadline) {
    Finalization finalization(session, std::move(order), std::move(csr_der), deadline);
    co_return co_await finalization.run();
}

}  // namespace certd::acme
