// Traces: read, rendered, checked.
#include "tests/flow/decision_trace.hpp"

#include "daemon/lineage/decide.hpp"
#include "tests/support/catch.hpp"

#include <fmt/format.h>

namespace certd::test {

std::vector<Decision> trace_of(World& world, const std::string& name) {
    return world.drive(world.engine->records.decisions(name_of(name)));
}

std::vector<Decision> trace_on_disk(World& world, const std::string& name) {
    const std::optional<LineageState> state = value_or_fail(world.engine->store.load_state(name_of(name)));
    return state ? state->decisions : std::vector<Decision>();
}

std::string text_of(const std::vector<Decision>& trace) {
    std::string text;
    for (const Decision& decision : trace)
        text += fmt::format("{} {} {}\n", format_rfc3339(decision.at), to_string(decision.kind), describe(decision));
    return text;
}

Decision decision_with(const std::vector<Decision>& trace, const std::string& words, std::size_t from) {
    INFO(text_of(trace));
    INFO("Missing: " << words);
    for (std::size_t i = from; i < trace.size(); ++i) {
        if (describe(trace[i]).find(words) != std::string::npos) return trace[i];
    }
    FAIL();
    return trace.front();
}

void check_trace(World& world, const std::string& name) {
    const std::vector<Decision> trace = trace_of(world, name);
    INFO(text_of(trace));
    REQUIRE_FALSE(trace.empty());
    DecisionMark standing;
    for (const Decision& decision : trace) {
        if (!is_standing(decision.kind)) continue;
        CHECK((!decision.by.empty() || is_new(standing, decision)));
        standing = mark_of(decision);
    }
    const Plan plan = world.plan(name);
    Decision now;
    now.at = world.clock.now();
    now.kind = plan.action == Action::deploy ? DecisionKind::deploy : DecisionKind::issue;
    now.what = plan.action == Action::deploy ? fmt::format("Deploy version {} to web", plan.version.value)
                                             : "Order a certificate from " + plan.ca->text;
    now.reasons = plan.reasons;
    if (plan.at > now.at) now.due = plan.at;
    INFO("The plan: " << describe(now));
    CHECK_FALSE(is_new(standing, now));
}

}  // namespace certd::test
