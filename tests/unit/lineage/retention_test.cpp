// Which versions may go.
#include "tests/support/catch.hpp"

#include "daemon/lineage/retention.hpp"

using namespace certd;

namespace {

using Numbers = std::vector<VersionNumber>;

const Numbers seven{{1}, {2}, {3}, {4}, {5}, {6}, {7}};

}  // namespace

TEST_CASE("retention keeps the newest versions") {
    CHECK(versions_to_remove(seven, 5, {7}, {}) == Numbers{{1}, {2}});
    CHECK(versions_to_remove(seven, 7, {7}, {}).empty());
    CHECK(versions_to_remove(seven, 100, {7}, {}).empty());
    CHECK(versions_to_remove({}, 5, {}, {}).empty());
}

TEST_CASE("retention keeps the live version and the wanted ones whatever their age") {
    CHECK(versions_to_remove(seven, 2, {2}, Numbers{{1}, {99}}) == Numbers{{3}, {4}, {5}});
}

TEST_CASE("retention never removes the newest version") {
    CHECK(versions_to_remove(seven, 0, {}, {}) == Numbers{{1}, {2}, {3}, {4}, {5}, {6}});
}
