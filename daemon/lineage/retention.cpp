// The retention rule.
#include "daemon/lineage/retention.hpp"

#include <algorithm>

namespace certd {

std::vector<VersionNumber> versions_to_remove(std::span<const VersionNumber> complete, std::uint32_t keep,
                                              VersionNumber live, std::span<const VersionNumber> wanted) {
    std::size_t kept = std::clamp<std::size_t>(keep, 1, std::max<std::size_t>(complete.size(), 1));
    std::vector<VersionNumber> doomed;
    for (VersionNumber number : complete.first(complete.size() - std::min(kept, complete.size()))) {
        bool needed = number == live || std::ranges::find(wanted, number) != wanted.end();
        if (!needed) doomed.push_back(number);
    }
    return doomed;
}

}  // namespace certd
