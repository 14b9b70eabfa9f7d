// Pipeline: what one attempt asks of a CA and of its staging, and with which of the lineage's names.
#include "daemon/lineage/backoff.hpp"
#include "daemon/lineage/subset.hpp"
#include "daemon/renew/pipeline.hpp"
#include "libacme/base/text.hpp"

#include <utility>

#include <fmt/format.h>

namespace certd {

namespace {

SubsetInput subset_input(const LineageRecord& record, Time now) {
    return {*record.spec, record.state, record.live.get(), record.newest.get(), now};
}

std::shared_ptr<const config::Lineage> with_names(const std::shared_ptr<const config::Lineage>& spec,
                                                  std::vector<Identifier> names) {
    if (spec->names == names) return spec;
    auto narrowed = std::make_shared<config::Lineage>(*spec);
    narrowed->names = std::move(names);
    return narrowed;
}

Decision narrowing_decision(Time now, bool goes_on, const std::vector<Identifier>& refused, std::string reason,
                            const Problem& problem) {
    std::vector<std::string> names;
    for (const Identifier& name : refused)
        names.push_back(name.value);
    Decision decision;
    decision.at = now;
    decision.kind = goes_on ? DecisionKind::narrow : DecisionKind::give_up;
    decision.what = goes_on ? "Order again without the names that were refused" : "Place no other order for now";
    decision.reasons = {escape_untrusted(std::move(reason), 300)};
    decision.facts = {{"refused", escape_untrusted(join(names, " "), 300)}, {"problem", problem.code}};
    return decision;
}

}  // namespace

// `attempt` outlives the order.
IssueOrder Pipeline::issue_order(const Order& order, const LineageRecord& record, const CaName& ca,
                                 Attempt& attempt) const {
    IssueOrder issue{order.config, attempt.spec, ca, record.newest, order.job, false};
    if (auto known = record.state.attempts.find(order.request.ca); known != record.state.attempts.end())
        issue.refused = known->second.refused;
    issue.refused.insert(issue.refused.end(), attempt.refused.begin(), attempt.refused.end());
    issue.on_refused = [&attempt](const std::string& type) { attempt.refused.push_back(type); };
    if (attempt.spec->allow_subset_of_names) {
        issue.on_names_refused = [&attempt](std::vector<acme::RefusedName> names) { attempt.names = std::move(names); };
    }
    issue.on_ordering = order.ordering;
    return issue;
}

// Several orders only where the lineage may go on without names that the CA refuses; each but the first follows what
// is on disk of the refusals before it, and a restart goes on with it.
Task<Result<NewCertificate>> Pipeline::ask(const Order& order, LineageRecord& record, Attempt& attempt) {
    attempt.spec = with_names(record.spec, names_to_order(subset_input(record, attempt.begun)));
    for (std::uint32_t orders = 1;; ++orders) {
        attempt.names.clear();
        Result<NewCertificate> made = co_await ask_once(order, record, attempt, orders == 1);
        if (made || attempt.names.empty()) co_return made;
        bool last = orders == orders_per_attempt;
        std::optional<Problem> end = co_await go_on_without(order, record, attempt, made.error(), last);
        if (end) co_return failure(*std::move(end));
    }
}

Task<Result<NewCertificate>> Pipeline::ask_once(const Order& order, LineageRecord& record, Attempt& attempt,
                                                bool first) {
    attempt.at_staging = false;
    if (first && order.request.staging) {
        std::optional<Problem> problem = co_await try_at_staging(order, record, attempt);
        attempt.at_staging = problem.has_value();
        if (problem) co_return failure(*std::move(problem));
    }
    co_return co_await renewal_.issue(issue_order(order, record, order.request.ca, attempt));
}

// Records which names were refused and decides about the next order; the Problem with which the attempt ends when there
// is none.
Task<std::optional<Problem>> Pipeline::go_on_without(const Order& order, LineageRecord& record, Attempt& attempt,
                                                     const Problem& problem, bool last) {
    Time now = clock_.now();
    Duration lifetime = record.live ? record.live->lifetime() : Duration::zero();
    note_policy(record.state, policy_digest(*record.spec));
    std::vector<MetRefusal> met;
    std::vector<Identifier> refused;
    for (const acme::RefusedName& name : attempt.names) {
        met.push_back({name.name, name.way, name.problem});
        refused.push_back(name.name);
    }
    note_refused_names(record.state, *record.spec, met, attempt.begun, now, lifetime);
    if (last) co_return problem;
    Narrowing next = narrowed(subset_input(record, now), attempt.spec->names, attempt.begun, order.request.names_only);
    std::string waits;
    if (!next.names.empty() && order.narrowing) waits = order.narrowing(problem, refused, next.names);
    bool goes_on = !next.names.empty() && waits.empty();
    std::string told = goes_on || next.names.empty() ? next.reason : waits;
    emit(EventType::names_refused, Severity::warning, order, record,
         fmt::format("{} refused {} of the names: {}",
                     attempt.at_staging ? order.request.staging->text : order.request.ca.text, refused.size(), told),
         problem, Json::object({{"ca", order.request.ca.text}, {"goes_on", goes_on}}));
    decide(record, narrowing_decision(now, goes_on, refused, std::move(told), problem));
    if (!goes_on) co_return problem;
    Result<void> saved = co_await records_.save(record);
    if (!saved) co_return saved.error();
    attempt.spec = with_names(record.spec, std::move(next.names));
    co_return std::nullopt;
}

// nullopt: it passed, or could not tell, and the CA itself is asked.
Task<std::optional<Problem>> Pipeline::try_at_staging(const Order& order, LineageRecord& record, Attempt& attempt) {
    const CaName &ca = order.request.ca, &staging = *order.request.staging;
    Result<void> proved = co_await renewal_.prove(issue_order(order, record, staging, attempt));
    std::optional<Problem> problem;
    if (!proved) problem = proved.error();
    // A CAA record may name the account of the CA itself (RFC 8657), which is not the one at its staging.
    bool conclusive = problem && shows_at_staging(*problem) && problem->code != "acme.caa";
    if (conclusive) {
        problem->what = fmt::format("Seen at {}, the staging of {}: {}", staging.text, ca.text, problem->what);
        co_return problem;
    }
    attempt.refused.clear();
    attempt.names.clear();
    std::string text =
        problem ? fmt::format("{}, the staging of {}, could not tell; {} is asked all the same", staging.text, ca.text,
                              ca.text)
                : fmt::format("Passed at {}, the staging of {}; {} is asked now", staging.text, ca.text, ca.text);
    emit(EventType::renewal_staging, problem ? Severity::warning : Severity::info, order, record, std::move(text),
         problem, Json::object({{"ca", ca.text}, {"staging", staging.text}, {"passed", !problem}}));
    if (!problem) {
        // After a crash from here on the order at the CA is gone on with.
        if (auto known = record.state.attempts.find(ca); known != record.state.attempts.end())
            known->second.staging_first = false;
        decide(record, {clock_.now(),
                        DecisionKind::proceed,
                        fmt::format("Ask {} now", ca.text),
                        std::nullopt,
                        {fmt::format("what had failed there passed at {}, its staging", staging.text)},
                        {{"ca", ca.text}, {"staging", staging.text}},
                        {}});
        (void)co_await records_.save(record);  // unsaved, it would pass there again
    }
    co_return std::nullopt;
}

}  // namespace certd
