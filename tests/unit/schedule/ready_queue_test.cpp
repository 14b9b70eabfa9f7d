#include "daemon/schedule/ready_queue.hpp"
#include "tests/support/catch.hpp"

using namespace certd;

namespace {

const CaName first{"first"};
const CaName second{"second"};
Time at(int day) {
    return Time{days(day)};
}

IssueLimits limits(std::size_t overall, std::size_t each) {
    return {overall, [each](const CaName&) { return each; }};
}

}  // namespace

TEST_CASE("the lineage that expires first is admitted first, whatever the order of arrival") {
    ReadyQueue queue;
    queue.add(first, at(30), "late");
    queue.add(second, at(10), "soon");
    queue.add(first, Time::min(), "never issued");
    CHECK(queue.admit(limits(9, 9))->lineage == "never issued");
    CHECK(queue.admit(limits(9, 9))->lineage == "soon");
    CHECK(queue.admit(limits(9, 9))->lineage == "late");
    CHECK_FALSE(queue.admit(limits(9, 9)));
    CHECK(queue.issuing() == 3);
}

TEST_CASE("a CA without a free place is passed over, not waited for") {
    ReadyQueue queue;
    queue.add(first, at(1), "a");
    queue.add(first, at(2), "b");
    queue.add(second, at(9), "c");
    CHECK(queue.admit(limits(9, 1))->lineage == "a");
    auto other = queue.admit(limits(9, 1));
    CHECK(other->lineage == "c");
    CHECK(other->ca == second);
    CHECK_FALSE(queue.admit(limits(9, 1)));
    queue.give_place(first);
    CHECK(queue.admit(limits(9, 1))->lineage == "b");
}

TEST_CASE("the limit over all CAs holds, and jobs started by operators count") {
    ReadyQueue queue;
    queue.take_place(first);
    queue.add(second, at(1), "a");
    CHECK_FALSE(queue.admit(limits(1, 9)));
    queue.give_place(first);
    CHECK(queue.admit(limits(1, 9)));
}

TEST_CASE("a lineage stands in the queue once and can be taken out") {
    ReadyQueue queue;
    queue.add(first, at(1), "a");
    queue.add(second, at(2), "a");
    CHECK(queue.size() == 1);
    CHECK(queue.admit(limits(9, 9))->ca == second);
    queue.add(first, at(1), "b");
    queue.remove("b");
    queue.remove("unknown");
    CHECK_FALSE(queue.contains("b"));
    CHECK_FALSE(queue.admit(limits(9, 9)));
}
