// AriPolls: questions, answers and what is told of them.
#include "daemon/schedule/ari_polls.hpp"

#include "daemon/renew/new_version.hpp"

#include <fmt/format.h>

namespace certd {

namespace {

constexpr std::size_t questions_per_ca = 4;
constexpr Duration rest_after_trouble = minutes(1);

// Not about one certificate: the next question would fare no better.
bool is_trouble(const acme::RenewalInfoAnswer& answer) {
    using Kind = acme::RenewalInfoAnswer::Kind;
    if (answer.kind == Kind::temporary) return true;
    bool unreachable = answer.problem.kind == ProblemKind::network || answer.problem.kind == ProblemKind::tls;
    return answer.kind == Kind::lasting && unreachable;
}

std::string date(Time time) {
    return format_rfc3339(std::chrono::floor<seconds>(time));
}

void forget(LineageRecord& record, const AriState& state) {
    if (record.state.ari && &*record.state.ari == &state) record.state.ari.reset();
    std::erase_if(record.state.further_ari, [&](const auto& entry) { return &entry.second == &state; });
}

AriSuggestion suggestion_of(const acme::RenewalInfo& info) {
    return {info.start, info.end, info.explanation_url, info.poll_again};
}

}  // namespace

AriPolls::AriPolls(asio::any_io_executor executor, Parts parts)
    : parts_(std::move(parts)),
      queue_(questions_per_ca),
      tasks_(std::move(executor), [this](const std::string& name, std::exception_ptr error) {
          tell_problem(name, "A question for renewal information ended unexpectedly", problem_of(error));
      }) {}

// Only the CA that issued a version knows it: not one of the same name that has moved, nor the one that is asked next.
std::optional<AriPolls::Question> AriPolls::question_about(const LineageRecord& record) const {
    if (!record.newest) return std::nullopt;
    config::ConfigPtr config = parts_.config();
    auto ca = config->cas.find(record.newest->ca);
    if (ca == config->cas.end() || ca->second.directory != record.newest->directory_url) return std::nullopt;
    std::optional<CertificateFacts> asked = next_ari_certificate(record.state, *record.newest, parts_.clock.now());
    std::optional<std::string> id = asked ? certificate_id(*asked) : std::nullopt;
    if (!id) return std::nullopt;
    return Question{ca->second, record.newest->number, std::move(asked->fingerprint), *std::move(id)};
}

void AriPolls::place(const LineageRecord& record) {
    remove(record.spec->name);
    if (!record.newest) return;
    std::optional<Time> at = next_ari_poll(record.state, *record.newest, parts_.clock.now());
    if (at) queue_.place(record.newest->ca.text, *at, record.spec->name);
}

void AriPolls::start_due() {
    while (auto admitted = queue_.admit(parts_.clock.now())) {
        const LineageRecord* record = parts_.find(admitted->lineage);
        std::optional<Question> question = record ? question_about(*record) : std::nullopt;
        if (!question) {
            queue_.done(*admitted);
            continue;
        }
        std::string name = admitted->lineage;
        tasks_.spawn(std::move(name), ask(*std::move(admitted), *std::move(question)));
    }
}

Task<> AriPolls::ask(PollQueue::Admitted admitted, Question question) {
    std::exception_ptr error;
    try {
        co_await ask_and_save(admitted.lineage, std::move(question));
    } catch (...) {
        error = std::current_exception();
    }
    queue_.done(admitted);
    parts_.ended(admitted.lineage);
    if (error) std::rethrow_exception(error);
}

// If the process dies before the answer is stored, the next one asks again.
Task<> AriPolls::ask_and_save(std::string lineage, Question question) {
    acme::RenewalInfoAnswer answer = co_await parts_.clients.renewal_info(question.ca, question.id);
    // A thousand lineages must not find out one by one.
    if (is_trouble(answer)) queue_.rest(question.ca.name.text, saturating_add(parts_.clock.now(), rest_after_trouble));
    LineageRecord* record = parts_.find(lineage);
    bool is_current = record != nullptr && record->newest && record->newest->number == question.version;
    AriState* state = is_current ? ari_of(record->state, *record->newest, question.fingerprint) : nullptr;
    if (state == nullptr) co_return;
    take(*record, *state, answer);
    parts_.learned(lineage);
    Result<void> saved = co_await parts_.records.save(*record);
    if (!saved) tell_problem(lineage, "The CA's renewal information could not be stored", saved.error());
}

void AriPolls::take(LineageRecord& record, AriState& state, const acme::RenewalInfoAnswer& answer) {
    using Kind = acme::RenewalInfoAnswer::Kind;
    Time now = parts_.clock.now();
    switch (answer.kind) {
        case Kind::suggestion:
            take_suggestion(record, state, answer.info);
            return;
        case Kind::not_offered:
            // Asking costs at most one look at the directory a day, and nothing where there never was an answer.
            if (!state.window) {
                forget(record, state);
            } else {
                state.next_poll = saturating_add(now, days(1));
            }
            return;
        case Kind::temporary:
        case Kind::lasting:
            record_ari_failure(state, answer.problem, answer.kind == Kind::temporary, now);
            // Once for each row of failures; plan and `explain` go on telling.
            if (state.failures == 1) {
                tell_problem(
                    record.spec->name,
                    fmt::format("{} did not say when to renew; the plan goes by what is known", record.newest->ca.text),
                    answer.problem);
            }
    }
}

void AriPolls::take_suggestion(const LineageRecord& record, AriState& state, const acme::RenewalInfo& info) {
    double draw = ari_draw(record.spec->name, record.newest->number);
    AriChange change = record_ari_suggestion(state, suggestion_of(info), parts_.clock.now(), draw);
    if (change != AriChange::none) tell_window(record, *state.window, change);
}

void AriPolls::tell_window(const LineageRecord& record, const AriWindow& window, AriChange change) {
    bool earlier = change == AriChange::moved_earlier;
    std::string_view what = change == AriChange::first ? "suggests to renew"
                            : earlier                  ? "moved its window earlier,"
                                                       : "moved its window later,";
    Event event;
    event.type = EventType::ari_window;
    event.severity = earlier ? Severity::warning : Severity::info;
    event.lineage = record.spec->name;
    event.message = fmt::format("{} {} between {} and {}; chosen: {}", record.newest->ca.text, what, date(window.start),
                                date(window.end), date(suggested_time(window, *record.newest)));
    if (!window.explanation_url.empty()) event.message += "; see " + window.explanation_url;
    event.data = Json::object({{"ca", record.newest->ca.text},
                               {"version", record.newest->number.value},
                               {"start", format_rfc3339(window.start)},
                               {"end", format_rfc3339(window.end)},
                               {"selected", format_rfc3339(window.selected)},
                               {"explanation_url", window.explanation_url}});
    parts_.bus.publish(std::move(event));
}

void AriPolls::tell_problem(const std::string& lineage, std::string message, const Problem& problem) {
    Event event;
    event.type = EventType::ari_failed;
    event.severity = problem.kind == ProblemKind::storage ? Severity::error : Severity::info;
    event.lineage = lineage;
    event.message = std::move(message);
    event.problem = problem;
    parts_.bus.publish(std::move(event));
}

}  // namespace certd
