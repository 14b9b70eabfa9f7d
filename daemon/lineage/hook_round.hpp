// One use of certbot's hook directories, shared by the renewals that go on at the same time: the scripts in `pre` run
// when the first begins, those in `post` when the last is through. certbot has one run for all of its lineages; here a
// round takes its place. A value and its rules; it is on disk while `post` is owed.
#pragma once

#include "config/model.hpp"
#include "libacme/base/ids.hpp"
#include "libacme/base/json.hpp"
#include "libacme/base/problem.hpp"

#include <string>
#include <vector>

namespace certd {

// A renewal that takes part.
struct HookUser {
    enum class Outcome { running, renewed, failed };
    std::string lineage;
    std::vector<Identifier> names;  // wanted; once renewed those of the certificate
    Outcome outcome = Outcome::running;
    bool operator==(const HookUser&) const = default;
};

struct HookRound {
    config::RenewalHooks hooks;
    Time began;
    std::vector<HookUser> users;

    // Whether another renewal may still join. Not for ever: what `pre` has stopped must come back.
    bool takes(Time now) const;
    std::size_t join(const std::string& lineage, std::vector<Identifier> names);
    void leave(std::size_t user, HookUser::Outcome outcome, std::vector<Identifier> names = {});
    bool is_over() const;  // nobody is left in it

    // What certbot's scripts are told; a renewal that was cut off has failed.
    std::vector<std::string> renewed_domains() const;
    std::vector<std::string> failed_domains() const;
    std::vector<std::string> lineages() const;  // each once
    bool operator==(const HookRound&) const = default;
};

constexpr Duration hook_round_takes_for = minutes(5);

Json to_json(const std::vector<HookRound>& rounds);
Result<std::vector<HookRound>> hook_rounds_from_json(const Json& json);  // problem storage.corrupt

}  // namespace certd
