// Which operation of a file system fails, or is the last before the process dies; shared by the memory and the
// decorating one.
#pragma once

#include "libacme/base/problem.hpp"

#include <cstddef>
#include <limits>
#include <string>

namespace certd::test {

// Thrown in place of the operation at which the process "dies". No code under test may catch it.
struct SimulatedCrash {
    std::size_t operation = 0;
};

struct FaultPlan {
    static constexpr std::size_t never = std::numeric_limits<std::size_t>::max();

    std::size_t fail_at = never;      // the operation that fails, counted from 0
    std::string code = "storage.io";  // with this problem
    bool lasting = false;             // and every change after it (a full disk stays full); reading goes on
    std::size_t crash_at = never;     // the operation that is not carried out any more
    bool torn = false;                // but a `create` there leaves its first half behind
};

// Counts operations and says what becomes of each.
class FaultCounter {
   public:
    enum class Verdict { go_on, fail, crash };

    void plan(FaultPlan plan) {
        plan_ = std::move(plan);
        count_ = 0;
    }
    const FaultPlan& plan() const { return plan_; }
    std::size_t count() const { return count_; }
    bool fired() const { return count_ > std::min(plan_.fail_at, plan_.crash_at); }

    Verdict next(bool changes) {
        std::size_t operation = count_++;
        if (operation >= plan_.crash_at) return Verdict::crash;
        bool failing = operation == plan_.fail_at || (plan_.lasting && changes && operation > plan_.fail_at);
        return failing ? Verdict::fail : Verdict::go_on;
    }
    Problem injected(const std::string& what) const { return problem(plan_.code, "Injected failure: " + what); }

   private:
    FaultPlan plan_;
    std::size_t count_ = 0;
};

}  // namespace certd::test
