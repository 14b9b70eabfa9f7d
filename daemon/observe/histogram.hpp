// Durations counted in buckets, from five milliseconds to five minutes.
#pragma once

#include "libacme/base/time.hpp"

#include <array>
#include <cstdint>

namespace certd {

struct Histogram {
    static constexpr std::array<double, 10> bounds = {0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300};  // seconds

    std::array<std::uint64_t, bounds.size()> buckets{};  // cumulative: at most the bound
    std::uint64_t count = 0;
    double sum = 0;  // seconds

    void observe(Duration took) {
        double value = static_cast<double>(took.count()) / 1000;
        ++count;
        sum += value;
        for (std::size_t i = 0; i < bounds.size(); ++i) {
            if (value <= bounds[i]) ++buckets[i];
        }
    }
};

}  // namespace certd
