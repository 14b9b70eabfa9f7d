// A Solver that records its calls and can be told to fail or to hang.
#pragma once

#include "libacme/async/clock.hpp"
#include "libacme/base/problem.hpp"
#include "libacme/protocol/solver.hpp"

#include <map>
#include <string>
#include <vector>

namespace certd::test {

class RecordingSolver final : public acme::Solver {
   public:
    explicit RecordingSolver(Clock& clock, std::string type = "http-01") : clock_(clock), type_(std::move(type)) {}

    struct Call {
        std::string operation;  // "present", "wait_visible", "wait_attempted", "clean_up"
        acme::ChallengeTask task;
    };
    std::vector<Call> calls;
    std::map<std::string, std::string> presented;  // token → key authorization: what is in place now

    // The first so many calls of an operation fail with challenge.timeout.
    std::map<std::string, int> failures;
    // An operation that never returns unless cancelled.
    std::string hanging;
    // false: wait_attempted never returns by itself, as when the CA asks somebody else.
    bool sees_attempts = true;
    // How long each presenting and cleaning up takes.
    Duration delay{};

    int count(std::string_view operation) const {
        int number = 0;
        for (const Call& call : calls)
            number += call.operation == operation ? 1 : 0;
        return number;
    }

    bool can_solve(std::string_view type, const Identifier&, bool wildcard) const override {
        return type == type_ && !(wildcard && type_ == "http-01");
    }
    Task<> present(acme::ChallengeTask task) override {
        presented[task.token] = task.key_authorization;
        co_await record("present", task);
        if (delay > Duration(0)) co_await clock_.sleep(delay);
    }
    Task<> wait_visible(acme::ChallengeTask task) override { co_await record("wait_visible", task); }
    Task<> wait_attempted(acme::ChallengeTask task) override {
        co_await record("wait_attempted", task);
        if (!sees_attempts) co_await clock_.sleep(days(3650));
    }
    Task<> clean_up(acme::ChallengeTask task) override {
        co_await record("clean_up", task);
        if (delay > Duration(0)) co_await clock_.sleep(delay);
        presented.erase(task.token);
    }

   private:
    Task<> record(std::string operation, acme::ChallengeTask task) {
        calls.push_back({operation, std::move(task)});
        if (hanging == operation) co_await clock_.sleep(days(3650));
        if (auto found = failures.find(operation); found != failures.end() && found->second > 0) {
            --found->second;
            fail("challenge.timeout", "The test's solver fails at " + operation);
        }
    }

    Clock& clock_;
    std::string type_;
};

}  // namespace certd::test
