// A host that runs real programs on this machine, for tests of what is run.
#pragma once

#include "daemon/deploy/host.hpp"
#include "libacme/async/process.hpp"
#include "libacme/base/problem.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace certd::test {

// Runs programs and can do nothing else.
class ProgramHost final : public Host {
   public:
    explicit ProgramHost(Clock& clock) : runner_(clock) {}
    Task<Result<std::optional<InstalledFile>>> read(std::string) override { co_return failure(unused()); }
    Task<Result<void>> install(std::vector<InstalledFile>) override { co_return failure(unused()); }
    Task<Result<void>> remove(std::string) override { co_return failure(unused()); }
    Task<Result<ProcessResult>> run(Command command) override {
        try {
            co_return co_await runner_.run(std::move(command));
        } catch (const Failure& failed) {
            co_return failure(failed.problem());
        }
    }
    Task<Result<Served>> probe(ProbeRequest) override { co_return failure(unused()); }

   private:
    static Problem unused() { return problem("internal.unexpected", "not this host"); }
    RealProcessRunner runner_;
};

}  // namespace certd::test
