// http-01 (RFC 8555 §8.3) by commands that put the answer where it is served.
#pragma once

#include "config/challenge_commands.hpp"
#include "daemon/deploy/challenge_hook.hpp"
#include "libacme/protocol/solver.hpp"

#include <map>
#include <string>

namespace certd {

class Http01Exec final : public acme::Solver {
   public:
    Http01Exec(Host& host, config::ChallengeCommands commands);
    Http01Exec(const Http01Exec&) = delete;
    Http01Exec& operator=(const Http01Exec&) = delete;

    const config::ChallengeCommands& commands() const { return commands_; }

    bool can_solve(std::string_view type, const Identifier& identifier, bool wildcard) const override;
    // Problems hook.failed, acme.badToken. What fails is cleaned up as well: it may have done half of its work.
    Task<> present(acme::ChallengeTask task) override;
    // Runs `wait`, if there is one: what is served need not be within reach from here.
    Task<> wait_visible(acme::ChallengeTask task) override;
    Task<> wait_attempted(acme::ChallengeTask task) override;
    Task<> clean_up(acme::ChallengeTask task) override;

   private:
    config::ChallengeCommands commands_;
    ChallengeHook hook_;
    std::map<std::string, int> presented_;  // by key authorization: how often
};

}  // namespace certd
