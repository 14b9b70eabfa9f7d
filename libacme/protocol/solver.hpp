// The solver seam: makes a challenge answerable. present → wait_visible → (CA validates) → clean_up, which always runs.
#pragma once

#include "libacme/async/task.hpp"
#include "libacme/base/ids.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace certd::acme {

struct ChallengeTask {
    Identifier identifier;  // as authorised: without "*."
    bool wildcard = false;
    std::string type;                    // "http-01"
    std::string token;                   // checked: base64url alphabet, 1–256 characters
    std::string key_authorization;       // token "." thumbprint (RFC 8555 §8.1)
    std::vector<std::string> all_names;  // of the order, for hooks that want to know
    std::size_t remaining = 0;           // challenges of the order that are presented after this one
    std::string account_url;             // of the account that orders, byte-exact
    std::vector<std::string> issuers;    // dns-persist-01: the CA's issuer domain names, untrusted text
};

class Solver {
   public:
    virtual ~Solver() = default;
    virtual bool can_solve(std::string_view type, const Identifier& identifier, bool wildcard) const = 0;
    // Each throws Failure; present may be called again for the same task after a crash.
    virtual Task<> present(ChallengeTask task) = 0;
    virtual Task<> wait_visible(ChallengeTask task) = 0;
    // Returns once the CA's validation was seen, where that is observable, else at once (RFC 8555 §7.5.1: do not poll
    // before). The caller limits and cancels this wait.
    virtual Task<> wait_attempted(ChallengeTask task) = 0;
    // Leaves nothing behind; succeeds when nothing is there.
    virtual Task<> clean_up(ChallengeTask task) = 0;
};

}  // namespace certd::acme
