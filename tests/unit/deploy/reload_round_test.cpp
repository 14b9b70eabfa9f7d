// Lineages that come to one place together, and the one reload for all of them.
#include "daemon/deploy/reload_round.hpp"
#include "libacme/async/task_group.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/virtual_clock.hpp"

#include <boost/asio/io_context.hpp>

#include <string>
#include <vector>

using namespace certd;
using namespace certd::test;

namespace {

class Bench {
   public:
    // One lineage: installs for `work`, asks for the reload, verifies for a second, and leaves.
    Task<> deploy(std::string name, Duration work = seconds(1)) {
        ReloadRound::Member member = co_await round.enter();
        log.push_back(name + " installs");
        co_await clock.sleep(work);
        Result<void> reloaded = co_await round.reload(clock, member, [this, name] { return reload(name); });
        log.push_back(name + (reloaded ? " verifies" : " goes back"));
        co_await clock.sleep(seconds(1));
        log.push_back(name + " leaves");
    }
    Task<Result<void>> reload(std::string name) {
        ++reloads;
        log.push_back(name + " reloads");
        co_await clock.sleep(seconds(1));
        if (broken) co_return failure("deploy.reload", "The service did not reload");
        co_return Result<void>{};
    }
    void pass(Duration time) { clock.run_until(io, clock.now() + time); }
    void run() { clock.run_until_idle(io); }
    void run_all() {
        do
            clock.run_until_idle(io);
        while (clock.advance_to_next_timer());
    }

    VirtualClock clock;
    asio::io_context io{1};
    ReloadRound round;
    TaskGroup group{io.get_executor(), [](const std::string&, std::exception_ptr) { FAIL("unexpected"); }};
    std::vector<std::string> log;
    std::size_t reloads = 0;
    bool broken = false;
};

using Log = std::vector<std::string>;

}  // namespace

TEST_CASE("a lineage that comes alone is not kept waiting") {
    Bench bench;
    const Duration begin = bench.clock.monotonic();
    bench.group.spawn("a", bench.deploy("a"));
    bench.run_all();
    CHECK(bench.log == Log{"a installs", "a reloads", "a verifies", "a leaves"});
    CHECK(bench.clock.monotonic() - begin == seconds(3));
}

TEST_CASE("ten lineages are served by one reload") {
    Bench bench;
    for (int number = 0; number < 10; ++number)
        bench.group.spawn("one", bench.deploy(std::to_string(number)));
    bench.run_all();
    CHECK(bench.reloads == 1);
    CHECK(bench.log.size() == 10 + 1 + 10 + 10);
    CHECK(bench.log[9] == "9 installs");
    CHECK(bench.log[10].ends_with(" reloads"));
}

TEST_CASE("one is waited for that is still at its CA, but not for long") {
    Bench bench;
    SECTION("it comes") {
        auto expected = std::make_unique<ReloadRound::Expected>(bench.round.expect());
        bench.group.spawn("a", bench.deploy("a"));
        bench.pass(seconds(10));
        CHECK(bench.log == Log{"a installs"});
        bench.group.spawn("b", bench.deploy("b"));
        bench.run();
        expected.reset();
        bench.run_all();
        CHECK(bench.reloads == 1);
    }
    SECTION("it fails there") {
        auto expected = std::make_unique<ReloadRound::Expected>(bench.round.expect());
        bench.group.spawn("a", bench.deploy("a"));
        bench.pass(seconds(10));
        expected.reset();
        bench.run();
        CHECK(bench.log == Log{"a installs", "a reloads"});
    }
    SECTION("it takes its time") {
        ReloadRound::Expected expected = bench.round.expect();
        bench.group.spawn("a", bench.deploy("a"));
        bench.pass(seconds(1) + ReloadRound::patience - milliseconds(1));
        CHECK(bench.log == Log{"a installs"});
        bench.pass(milliseconds(2));
        CHECK(bench.log == Log{"a installs", "a reloads"});
    }
}

TEST_CASE("who comes after the reload has begun waits until the round is over") {
    Bench bench;
    bench.group.spawn("a", bench.deploy("a"));
    bench.pass(milliseconds(1500));
    REQUIRE(bench.log.back() == "a reloads");
    bench.group.spawn("b", bench.deploy("b"));
    bench.run_all();
    CHECK(bench.log == Log{"a installs", "a reloads", "a verifies", "a leaves", "b installs", "b reloads", "b verifies",
                           "b leaves"});
}

TEST_CASE("a reload that fails fails for all") {
    Bench bench;
    bench.broken = true;
    bench.group.spawn("a", bench.deploy("a"));
    bench.group.spawn("b", bench.deploy("b"));
    bench.run_all();
    CHECK(bench.reloads == 1);
    CHECK(std::ranges::count(bench.log, "a goes back") == 1);
    CHECK(std::ranges::count(bench.log, "b goes back") == 1);
}

TEST_CASE("one that leaves without a reload keeps nobody waiting") {
    Bench bench;
    auto refused = [](Bench& at) -> Task<> {
        ReloadRound::Member member = co_await at.round.enter();
        co_await at.clock.sleep(seconds(5));
        at.log.push_back("refused");
    };
    bench.group.spawn("a", bench.deploy("a"));
    bench.group.spawn("refused", refused(bench));
    bench.run_all();
    CHECK(bench.log == Log{"a installs", "refused", "a reloads", "a verifies", "a leaves"});
}

TEST_CASE("another takes over when the one that reloads is cancelled") {
    Bench bench;
    TaskGroup first(bench.io.get_executor(), [](const std::string&, std::exception_ptr) { FAIL("unexpected"); });
    first.spawn("a", bench.deploy("a"));
    bench.group.spawn("b", bench.deploy("b"));
    for (bench.run(); bench.reloads == 0; bench.run())
        REQUIRE(bench.clock.advance_to_next_timer());
    const std::string runner = bench.log.back().substr(0, 1);
    (runner == "a" ? first : bench.group).cancel();
    bench.run_all();
    CHECK(bench.reloads == 2);
    CHECK(bench.log.back() == (runner == "a" ? "b leaves" : "a leaves"));
}

TEST_CASE("steps of the way back follow one another in the order they were asked for") {
    Bench bench;
    auto go_back = [](Bench& at, std::string name) -> Task<> {
        for (const std::string step : {" restores", " reloads"}) {
            (void)co_await at.round.alone([&at, text = name + step] {
                return [](Bench& on, std::string line) -> Task<Result<void>> {
                    co_await on.clock.sleep(seconds(1));
                    on.log.push_back(std::move(line));
                    co_return Result<void>{};
                }(at, text);
            });
        }
    };
    bench.group.spawn("a", go_back(bench, "a"));
    bench.group.spawn("b", go_back(bench, "b"));
    bench.run_all();
    CHECK(bench.log == Log{"a restores", "b restores", "a reloads", "b reloads"});
}
