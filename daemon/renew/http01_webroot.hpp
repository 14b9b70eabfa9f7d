// http-01 (RFC 8555 §8.3) through a directory that a web server serves.
#pragma once

#include "libacme/async/offload.hpp"
#include "libacme/base/problem.hpp"
#include "libacme/protocol/solver.hpp"

#include <map>
#include <mutex>
#include <set>
#include <string>

namespace certd {

// Writes WEBROOT/.well-known/acme-challenge/TOKEN. No symbolic link below the webroot is followed, whoever plants it
// and whenever (faults S17, F63); the webroot itself may be one. Directories made here go again when they are empty.
class Http01Webroot final : public acme::Solver {
   public:
    Http01Webroot(Workers& workers, std::string webroot);

    bool can_solve(std::string_view type, const Identifier& identifier, bool wildcard) const override;
    // Problems challenge.webroot, storage.*, acme.badToken. A file left by a crash is replaced.
    Task<> present(acme::ChallengeTask task) override;
    // Reads the file back: challenge.notServed when it holds something else.
    Task<> wait_visible(acme::ChallengeTask task) override;
    Task<> wait_attempted(acme::ChallengeTask task) override;
    Task<> clean_up(acme::ChallengeTask task) override;

   private:
    Result<void> write(const acme::ChallengeTask& task);
    Result<void> check(const acme::ChallengeTask& task);
    Result<void> remove(const acme::ChallengeTask& task);

    Workers& workers_;
    std::string webroot_;
    std::mutex mutex_;                      // the rest is used on worker threads, one at a time
    std::map<std::string, int> presented_;  // by token: how often
    std::set<std::string> created_;         // directories made here
};

}  // namespace certd
