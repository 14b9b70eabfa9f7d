// Which lineages ask somebody for news, and when: earliest first, a few at a time in each lane (a CA's name, say), so
// that one that does not answer holds up nobody else's. Pure.
#pragma once

#include "libacme/base/time.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>

namespace certd {

class PollQueue {
   public:
    explicit PollQueue(std::size_t limit_per_lane) : limit_(limit_per_lane) {}

    // In place of an earlier time for the same lineage. One that is being asked for is not placed.
    void place(const std::string& lane, Time at, const std::string& lineage);
    void remove(const std::string& lineage);

    struct Admitted {
        std::string lineage;
        std::string lane;
    };
    // The earliest whose time has come and whose lane has a free place, which is taken until done().
    std::optional<Admitted> admit(Time now);
    void done(const Admitted& admitted);
    // What is in trouble is left alone until then, by all lineages together.
    void rest(const std::string& lane, Time until);

    // When admit() has something next; nullopt: not before a done() or place().
    std::optional<Time> next() const;
    std::size_t size() const { return places_.size(); }

   private:
    struct Waiting {
        std::set<std::pair<Time, std::string>> due;
        std::size_t asking = 0;
        Time resting_until = Time::min();
    };
    // When the lane can be asked something next; nullopt: nothing is due, or all its places are taken.
    std::optional<Time> next_of(const Waiting& waiting) const;

    std::size_t limit_;
    std::map<std::string, Waiting> lanes_;
    std::map<std::string, std::pair<std::string, Time>> places_;
    std::set<std::string> asking_;
};

}  // namespace certd
