// What the audit journal keeps of events, and that nothing waits for a disk that is full.
#include "daemon/app/audit_writer.hpp"
#include "libacme/async/task_group.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/memory_appender.hpp"
#include "tests/support/memory_file_system.hpp"
#include "tests/support/virtual_clock.hpp"

#include <fmt/format.h>

using namespace certd;
using namespace certd::test;

namespace {

const Path directory = "/state/audit";

Event issued(const std::string& message) {
    Event event;
    event.type = EventType::renewal_issued;
    event.lineage = "shop";
    event.message = message;
    return event;
}

struct Bed {
    asio::io_context io{1};
    VirtualClock clock;
    Workers workers{0};
    MemoryFileSystem files;
    MemoryAppender appender{files};
    EventBus bus{clock};
    AuditWriter writer{clock, workers, files, appender, bus, directory};
    TaskGroup agents{io.get_executor(), nullptr};

    Bed() {
        REQUIRE(make_directories(files, "/state"));
        agents.spawn("audit journal", writer.run());
        settle();
    }
    ~Bed() {
        agents.cancel();
        settle();
    }
    void settle() { clock.run_until_idle(io); }
    std::vector<std::string> messages() {
        const std::vector<Json> lines = audit_history(files, directory, "shop", 100'000).value();
        std::vector<std::string> texts;
        for (const Json& line : lines)
            texts.push_back(line.string_or("message"));
        return texts;
    }
    // What was told of the journal itself.
    std::vector<std::string> told() {
        std::vector<std::string> texts;
        for (const Event& event : bus.recent()) {
            if (event.type == EventType::daemon_problem) texts.push_back(event.message);
        }
        return texts;
    }
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a line has who asked, and nothing of what a command printed") {
    Event event;
    event.type = EventType::control_call;
    event.lineage = "shop";
    event.message = "uid 7 (pid 9) called renew";
    event.data = Json::object({{"verb", "renew"}, {"uid", 7}, {"pid", 9}, {"output", "SECRET"}});
    const Json record = audit_record(event).value();
    CHECK(record.int_or("uid") == 7);
    CHECK(record.int_or("pid") == 9);
    CHECK(record["data"] == Json::object({{"verb", "renew"}}));
    CHECK(to_text(record).find("SECRET") == std::string::npos);
    event.type = EventType::hook_finished;
    CHECK_FALSE(audit_record(event));
}

TEST_CASE("events of one turn are appended together, and what came last is written at the stop") {
    Bed bed;
    bed.bus.publish(issued("one"));
    bed.bus.publish(issued("two"));
    bed.settle();
    CHECK(bed.messages() == Texts{"one", "two"});
    bed.agents.cancel();
    bed.settle();
    bed.bus.publish(issued("three"));
    bed.settle();
    CHECK(bed.messages() == Texts{"one", "two"});
    StartedTask<void> finished(bed.io, bed.writer.finish());
    bed.settle();
    REQUIRE(finished.done());
    CHECK(bed.messages() == Texts{"one", "two", "three"});
}

TEST_CASE("a full disk is told once, certd goes on, and everything is written when there is room again") {
    Bed bed;
    bed.bus.publish(issued("one"));
    bed.settle();
    bed.files.plan({.fail_at = 0, .code = "storage.full", .lasting = true});
    bed.bus.publish(issued("two"));
    bed.settle();
    for (int i = 0; i < 3; ++i) {
        bed.clock.run_until(bed.io, bed.clock.now() + minutes(1));
        bed.bus.publish(issued(fmt::format("later {}", i)));
    }
    CHECK(bed.told() == Texts{"The audit journal cannot be written; certd goes on, and tries again every minute"});
    bed.files.plan({});
    bed.clock.run_until(bed.io, bed.clock.now() + minutes(1));
    CHECK(bed.messages() == Texts{"one", "two", "later 0", "later 1", "later 2"});
    CHECK(bed.told().back() == "The audit journal is written again");
    CHECK(verify_audit(bed.files, directory)->holds());
}

TEST_CASE("what memory could not hold is counted, and the gap stands in the journal") {
    Bed bed;
    bed.files.plan({.fail_at = 0, .code = "storage.full", .lasting = true});
    for (int i = 0; i < 10'003; ++i)
        bed.bus.publish(issued("x"));
    bed.settle();
    bed.files.plan({});
    bed.clock.run_until(bed.io, bed.clock.now() + minutes(2));
    CHECK(bed.messages().size() == 10'000);
    std::string text = bed.files.read(directory / "000001.jsonl", 100'000'000).value();
    CHECK(text.find(R"("type":"journal.gap","message":"3 lines are lacking from before this one)") !=
          std::string::npos);
    CHECK(verify_audit(bed.files, directory)->holds());
}
