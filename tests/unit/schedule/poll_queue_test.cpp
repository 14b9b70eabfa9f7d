#include "daemon/schedule/poll_queue.hpp"
#include "tests/support/catch.hpp"

using namespace certd;

namespace {

const std::string first = "first";
const std::string second = "second";
Time at(int minute) {
    return Time{minutes(minute)};
}

}  // namespace

TEST_CASE("questions are admitted when their time has come, the earliest first") {
    PollQueue queue(2);
    CHECK_FALSE(queue.next());
    queue.place(first, at(9), "c");
    queue.place(second, at(5), "b");
    queue.place(first, at(3), "a");
    CHECK(queue.next() == at(3));
    CHECK_FALSE(queue.admit(at(2)));
    CHECK(queue.admit(at(5))->lineage == "a");
    CHECK(queue.admit(at(5))->lineage == "b");
    CHECK_FALSE(queue.admit(at(5)));
    CHECK(queue.next() == at(9));
}

TEST_CASE("a CA that does not answer holds up its own lineages only") {
    PollQueue queue(2);
    for (const char* name : {"a", "b", "c"})
        queue.place(first, at(1), name);
    queue.place(second, at(2), "d");
    auto asking = queue.admit(at(3));
    REQUIRE(asking);
    REQUIRE(queue.admit(at(3)));
    CHECK(queue.admit(at(3))->lineage == "d");
    CHECK_FALSE(queue.admit(at(3)));
    CHECK_FALSE(queue.next());
    queue.done(*asking);
    CHECK(queue.next() == at(1));
    CHECK(queue.admit(at(3))->lineage == "c");
}

TEST_CASE("placing again moves a question, removing takes it out, and one under way is not asked twice") {
    PollQueue queue(2);
    queue.place(first, at(1), "a");
    queue.place(second, at(7), "a");
    CHECK(queue.size() == 1);
    CHECK(queue.next() == at(7));
    queue.remove("a");
    queue.remove("a");
    CHECK(queue.size() == 0);
    CHECK_FALSE(queue.next());

    queue.place(first, at(1), "a");
    auto asking = queue.admit(at(1));
    queue.place(first, at(1), "a");
    CHECK(queue.size() == 0);
    queue.done(*asking);
    queue.place(first, at(2), "a");
    CHECK(queue.admit(at(2))->lineage == "a");
}

TEST_CASE("a CA in trouble rests for all its lineages, and others do not wait for it") {
    PollQueue queue(2);
    queue.place(first, at(1), "a");
    queue.place(first, at(9), "b");
    queue.place(second, at(3), "c");
    queue.rest(first, at(5));
    CHECK(queue.next() == at(3));
    CHECK(queue.admit(at(4))->lineage == "c");
    CHECK_FALSE(queue.admit(at(4)));
    CHECK(queue.next() == at(5));
    CHECK(queue.admit(at(5))->lineage == "a");
    CHECK(queue.next() == at(9));
}
