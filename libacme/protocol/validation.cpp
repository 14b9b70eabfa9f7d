// The validation of one order as a sequence of steps over its authorizations.
#include "libacme/protocol/validation.hpp"

#include "libacme/async/timeout.hpp"
#include "libacme/base/text.hpp"
#include "libacme/protocol/authorization.hpp"
#include "libacme/protocol/concurrently.hpp"
#include "libacme/protocol/refusal.hpp"

#include <algorithm>

namespace certd::acme {

namespace {

constexpr std::size_t concurrent_requests = 4;
constexpr std::size_t concurrent_waits = 16;
constexpr std::size_t concurrent_clean_ups = 16;  // one that hangs must not keep the others from theirs
constexpr int tolerated_poll_failures = 5;
constexpr Duration present_limit = minutes(5);
constexpr Duration visible_limit = minutes(30);
constexpr Duration clean_up_limit = seconds(30);
constexpr Duration others_limit = minutes(2);  // for what is still open when one has failed

std::string failed_type(const Authorization& authorization) {
    auto failed = std::ranges::find_if(authorization.challenges,
                                       [](const Challenge& challenge) { return challenge.error.has_value(); });
    return failed == authorization.challenges.end() ? std::string() : failed->type;
}

// One authorization that is not valid yet.
struct Item {
    Url url;
    Authorization authorization;
    Solver* solver = nullptr;
    ChallengeTask task;
    Url challenge_url;
    std::string challenge_status;
    bool presented = false;  // or at least begun
    bool respond_again = false;
};

class Validation {
   public:
    Validation(Session& session, std::vector<Identifier> names, Time deadline, const IssueHooks& hooks, bool& engaged)
        : session_(session), names_(std::move(names)), deadline_(deadline), hooks_(hooks), engaged_(engaged) {}

    Task<> run(std::vector<Url> urls);

   private:
    Task<> fetch_all(std::vector<Url> urls);
    Task<> fetch(Item& item);
    void sort_out();
    std::optional<Problem> choose(Item& item);
    Identifier name_of(const Item& item) const;
    void give_up(std::vector<RefusedName> dead) const;
    void number();
    Task<> answer_and_wait();
    Task<> present(Item& item);
    Task<> wait_visible(Item& item);
    Task<> blame_on_failure(const Item& item, Task<> step);
    void refused(const Item& item) const {
        if (hooks_.refused) hooks_.refused(item.task.type);
    }
    Task<> respond(Item& item);
    Task<bool> wait_for_attempts();
    Task<> poll_until_final(bool seen);
    Task<> poll(Item& item);
    void check_round();
    Task<> wait(PollPace& pace);
    Task<> clean_up();
    Task<> clean_up(const Item& item);

    bool all_final() const {
        return std::ranges::all_of(items_, [](const Item& item) { return is_final(item.authorization.status); });
    }
    void progress(IssueStep step, std::string detail) const {
        if (hooks_.progress) hooks_.progress(step, std::move(detail));
    }
    const std::string& ca() const { return session_.options().ca; }

    Session& session_;
    std::vector<Identifier> names_;
    Time deadline_;
    const IssueHooks& hooks_;
    bool& engaged_;
    std::vector<Item> items_;
    int poll_failures_ = 0;
    std::optional<Time> poll_again_;
    std::optional<Time> give_up_at_;  // set once one has failed
};

Task<> Validation::run(std::vector<Url> urls) {
    co_await fetch_all(std::move(urls));
    sort_out();
    // RFC 8555 §7.1.3: authorizations may be valid from the beginning; then there is nothing to present.
    if (items_.empty()) co_return;
    // All are chosen and their tokens checked before the first solver is called.
    std::vector<RefusedName> unprovable;
    for (Item& item : items_) {
        if (std::optional<Problem> problem = choose(item))
            unprovable.push_back({name_of(item), {}, *std::move(problem)});
    }
    give_up(std::move(unprovable));
    number();

    std::exception_ptr error;
    try {
        co_await answer_and_wait();
    } catch (...) {
        error = std::current_exception();
    }
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await shielded(session_.clock(), clean_up_limit, "Cannot clean up all challenges in time", clean_up());
    if (error) std::rethrow_exception(error);
}

Task<> Validation::fetch_all(std::vector<Url> urls) {
    items_.resize(urls.size());
    for (std::size_t i = 0; i < urls.size(); ++i)
        items_[i].url = std::move(urls[i]);
    co_await for_each_concurrently(items_.size(), concurrent_requests,
                                   [this](std::size_t i) { return fetch(items_[i]); });
}

Task<> Validation::fetch(Item& item) {
    try {
        item.authorization = co_await fetch_authorization(session_, item.url);
    } catch (const Failure& failure) {
        if (is_gone(failure)) throw DeadOrder(failure.problem());
        throw;
    }
}

// Leaves the authorizations that need work.
void Validation::sort_out() {
    std::erase_if(items_, [](const Item& item) { return item.authorization.status == AuthorizationStatus::valid; });
    std::vector<RefusedName> dead;
    for (const Item& item : items_) {
        if (is_final(item.authorization.status)) {
            dead.push_back(
                {name_of(item), failed_type(item.authorization), validation_problem(item.authorization, ca())});
        } else if (has_expired(item.authorization.expires, session_.clock().now())) {
            dead.push_back(
                {name_of(item), {}, problem("acme.orderExpired", "An authorization at " + ca() + " has expired")});
        }
    }
    give_up(std::move(dead));
}

// Of the order, when there is a reason to.
void Validation::give_up(std::vector<RefusedName> dead) const {
    if (dead.empty()) return;
    std::vector<Problem> problems;
    for (const RefusedName& each : dead)
        problems.push_back(each.problem);
    if (hooks_.names_refused && std::ranges::all_of(problems, is_about_name)) hooks_.names_refused(std::move(dead));
    throw DeadOrder(combine(std::move(problems), ca() + " could not validate all of " + names_text(names_)));
}

Identifier Validation::name_of(const Item& item) const {
    return ordered_name(item.authorization, names_).value_or(item.authorization.identifier);
}

// The problem of a name for which nothing can be done.
std::optional<Problem> Validation::choose(Item& item) {
    // RFC 8555 §7.1.3: authorizations come in any order; each says which name it is for.
    auto name = ordered_name(item.authorization, names_);
    if (!name) {
        throw DeadOrder(problem("acme.badResponse",
                                "An authorization of " + ca() + " is for a name that was not ordered",
                                item.authorization.identifier.value));
    }
    item.authorization.wildcard = name->is_wildcard();
    std::vector<Solver*> solvers = hooks_.solvers
                                       ? hooks_.solvers(item.authorization.identifier, item.authorization.wildcard)
                                       : std::vector<Solver*>();
    std::optional<Choice> choice = choose_challenge(item.authorization, solvers);
    if (!choice) return no_challenge(item.authorization, solvers, ca());
    item.solver = choice->solver;
    item.challenge_status = choice->challenge->status;
    try {
        item.task = make_challenge_task(item.authorization, *choice->challenge, session_);
        item.challenge_url = value_or_fail(session_.server_url(choice->challenge->url, "challenge URL"));
    } catch (const Failure& failure) {
        throw DeadOrder(failure.problem());
    }
    return std::nullopt;
}

// What hooks are told of the order as a whole.
void Validation::number() {
    std::size_t remaining = items_.size();
    for (Item& item : items_) {
        item.task.remaining = --remaining;
        for (const Identifier& name : names_)
            item.task.all_names.push_back(name.value);
    }
}

Task<> Validation::answer_and_wait() {
    for (Item& item : items_)
        co_await present(item);
    // All at once: where it takes minutes for a record to be everywhere, it takes them for all records alike.
    co_await for_each_concurrently(items_.size(), concurrent_waits,
                                   [this](std::size_t i) { return wait_visible(items_[i]); });
    progress(IssueStep::validating, "Asking " + ca() + " to validate " + names_text(names_));
    engaged_ = true;
    co_await for_each_concurrently(items_.size(), concurrent_requests,
                                   [this](std::size_t i) { return respond(items_[i]); });
    bool seen = co_await wait_for_attempts();
    co_await poll_until_final(seen);
}

// RFC 8555 §7.5.1: the response is in place, and seen to be, before the CA is told.
Task<> Validation::present(Item& item) {
    std::string label = item.task.type + " for " + item.task.identifier.value;
    progress(IssueStep::presenting, "Presenting " + label);
    item.presented = true;
    co_await blame_on_failure(item,
                              with_timeout(session_.clock(), present_limit, "challenge.timeout",
                                           "Presenting " + label + " took too long", item.solver->present(item.task)));
}

// A solver that cannot answer counts like one whose answer the CA refuses.
Task<> Validation::blame_on_failure(const Item& item, Task<> step) {
    std::exception_ptr error;
    try {
        co_await std::move(step);
    } catch (const Failure&) {
        error = std::current_exception();
    }
    if (!error) co_return;
    refused(item);
    std::rethrow_exception(error);
}

Task<> Validation::wait_visible(Item& item) {
    std::string label = item.task.type + " for " + item.task.identifier.value;
    co_await blame_on_failure(item, with_timeout(session_.clock(), visible_limit, "challenge.timeout",
                                                 "The answer to " + label + " did not become visible in time",
                                                 item.solver->wait_visible(item.task)));
}

// RFC 8555 §7.5.1: `{}`. A challenge the CA already works on, as after a restart, is not asked again.
Task<> Validation::respond(Item& item) {
    if (item.challenge_status == "processing" || item.challenge_status == "valid") co_return;
    try {
        co_await session_.post(RequestKind::challenge, item.challenge_url, Json::object(),
                               ca() + " refused to validate " + escape_untrusted(item.task.identifier.value, 260));
        item.respond_again = false;
    } catch (const Failure& failure) {
        // Lost, or refused because another order made it final: the authorization itself will tell, once.
        if (item.respond_again || !(is_lost(failure) || failure.problem().code == "acme.malformed")) throw;
        item.respond_again = true;
    }
}

// RFC 8555 §7.5.1: no polling before a validation request was seen, where that can be seen; but not for ever.
Task<bool> Validation::wait_for_attempts() {
    Duration limit = session_.attempts().limit(session_.round_trip());
    Duration end = session_.clock().monotonic() + limit;
    for (const Item& item : items_) {
        Duration left = end - session_.clock().monotonic();
        if (left <= Duration(0)) co_return false;
        try {
            co_await with_timeout(session_.clock(), left, "challenge.timeout", "No validation request was seen",
                                  item.solver->wait_attempted(item.task));
        } catch (const Failure&) {
            co_return false;
        }
    }
    co_return true;
}

Task<> Validation::poll_until_final(bool seen) {
    Duration waited = seen ? Duration(0) : session_.attempts().limit(session_.round_trip());
    PollPace pace(session_.round_trip(), waited);
    for (bool first = true;; first = false) {
        co_await wait(pace);
        poll_again_.reset();
        co_await for_each_concurrently(items_.size(), concurrent_requests,
                                       [this](std::size_t i) { return poll(items_[i]); });
        if (first) session_.attempts().observed(seen, all_final());
        check_round();
        if (all_final()) co_return;
    }
}

Task<> Validation::poll(Item& item) {
    if (is_final(item.authorization.status)) co_return;
    try {
        bool wildcard = item.authorization.wildcard;
        item.authorization = co_await fetch_authorization(session_, item.url);
        item.authorization.wildcard = wildcard;
        poll_failures_ = 0;
        if (item.authorization.poll_again)
            poll_again_ = std::max(poll_again_.value_or(Time::min()), *item.authorization.poll_again);
    } catch (const Failure& failure) {
        // The CA may be validating at this moment: a passing fault must not take the challenge away from it.
        if (!is_transient(failure) || ++poll_failures_ > tolerated_poll_failures) throw;
        if (auto asked = failure.problem().not_before)
            poll_again_ = std::max(poll_again_.value_or(Time::min()), *asked);
        co_return;
    }
    if (item.respond_again && !is_final(item.authorization.status)) co_await respond(item);
}

// All were asked at once, so with the first failure the others are decided as well; those still open matter only where
// the order is to be repeated without all that fail.
void Validation::check_round() {
    std::vector<RefusedName> failed;
    for (const Item& item : items_) {
        bool is_valid = item.authorization.status == AuthorizationStatus::valid;
        if (!is_final(item.authorization.status) || is_valid) continue;
        failed.push_back({name_of(item), item.task.type, validation_problem(item.authorization, ca())});
    }
    if (failed.empty()) return;
    Time now = session_.clock().now();
    if (!give_up_at_) give_up_at_ = saturating_add(now, others_limit);
    if (hooks_.names_refused && !all_final() && now < *give_up_at_) return;
    for (const RefusedName& each : failed)
        if (hooks_.refused) hooks_.refused(each.way);
    give_up(std::move(failed));
}

Task<> Validation::wait(PollPace& pace) {
    Time now = session_.clock().now();
    if (now >= deadline_) {
        throw DeadOrder(problem("acme.orderTimeout", ca() + " did not validate " + names_text(names_) + " in time"));
    }
    co_await session_.clock().sleep(pace.next(poll_again_, now));
}

Task<> Validation::clean_up() {
    co_await for_each_concurrently(items_.size(), concurrent_clean_ups,
                                   [this](std::size_t i) { return clean_up(items_[i]); });
}

Task<> Validation::clean_up(const Item& item) {
    if (!item.presented) co_return;
    std::exception_ptr error;
    try {
        co_await item.solver->clean_up(item.task);
    } catch (...) {
        error = std::current_exception();
    }
    if (error) {
        progress(IssueStep::validating, "Could not clean up " + item.task.type + " for " + item.task.identifier.value +
                                            ": " + describe(problem_of(error)));
    }
}

}  // namespace

Task<> validate_order(Session& session, const Order& order, std::vector<Identifier> names, Time deadline,
                      const IssueHooks& hooks, bool& engaged) {
    Validation validation(session, std::move(names), deadline, hooks, engaged);
    co_await validation.run(order.authorizations);
}

}  // namespace certd::acme
