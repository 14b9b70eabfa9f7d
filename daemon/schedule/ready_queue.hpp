// Who goes first among the due, and who may go at all: most urgent first, within the limits of each CA and of the
// whole. Pure.
#pragma once

#include "libacme/base/ids.hpp"
#include "libacme/base/time.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace certd {

struct IssueLimits {
    std::size_t overall = 8;
    std::function<std::size_t(const CaName&)> of_ca;
};

class ReadyQueue {
   public:
    // Urgency: the end of the live certificate's validity; the earliest goes first.
    void add(const CaName& ca, Time urgency, std::string lineage);
    void remove(const std::string& lineage);
    bool contains(const std::string& lineage) const { return places_.contains(lineage); }
    std::size_t size() const { return places_.size(); }
    bool is_waited_for(const CaName& ca) const;

    struct Admitted {
        std::string lineage;
        CaName ca;
    };
    // Takes the most urgent lineage whose CA has a free place; the place is taken with it.
    std::optional<Admitted> admit(const IssueLimits& limits);
    // A job that was not admitted through the queue (asked for by an operator) counts all the same.
    void take_place(const CaName& ca);
    void give_place(const CaName& ca);
    std::size_t issuing() const { return issuing_; }

   private:
    using Queue = std::set<std::pair<Time, std::string>>;
    struct Waiting {
        Queue due;
        std::size_t issuing = 0;
    };
    std::map<CaName, Waiting> cas_;
    std::map<std::string, std::pair<CaName, Time>> places_;
    std::size_t issuing_ = 0;
};

}  // namespace certd
