// SIGKILL and power loss at every operation of a lineage's life (faults F31, F32): the next start finds every
// acknowledged step done, `live` naming a complete version, and goes on.
#include "tests/support/catch.hpp"
#include "tests/support/faulty_file_system.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/unit/store/store_builders.hpp"

#include <functional>

using namespace certd;
using namespace certd::test;

namespace {

constexpr std::size_t power_loss_limit = 24;

// What has returned success so far, and what the step then running may or may not have done.
struct Progress {
    int order = 0;  // serial of the order saved last, with its URL or without
    bool url = false;
    int version = 0;  // issued last; its serial is its number
    int live = 0;
    int state = 0;
    int running = 0;      // serial being worked at
    bool pruned = false;  // of all but the newest
};

// Two issuances, the second one replacing the first, with a retention of one version.
void live_through(Store& store, Progress& done) {
    for (int serial = 1; serial <= 2; ++serial) {
        done.running = serial;
        must(store.save_order(name_of(), order_of(serial)));
        done.order = serial;
        done.url = false;
        must(store.save_order(name_of(), order_of(serial, "https://ca.example/order")));
        done.url = true;
        must(store.add_version(name_of(), version_of(serial)));
        done.version = serial;
        must(store.drop_order(name_of()));
        must(store.set_live(name_of(), {static_cast<std::uint32_t>(serial)}));
        done.live = serial;
        must(store.save_state(name_of(), state_of(static_cast<std::uint32_t>(serial))));
        done.state = serial;
        must(store.prune(name_of(), 1, {}));
        done.pruned = serial == 2;
    }
}

void check_versions(Store& store, const Progress& done) {
    std::vector<VersionFacts> versions = store.versions(name_of()).value();
    for (const VersionFacts& facts : versions) {
        Result<VersionFiles> files = store.read_version(name_of(), facts.number);
        REQUIRE(files);
        CHECK(same(*files, version_of(static_cast<int>(facts.number.value)).files));
    }
    bool newest_there = done.version == 0 || std::ranges::any_of(versions, [&](const VersionFacts& facts) {
                            return facts.number.value == static_cast<std::uint32_t>(done.version);
                        });
    CHECK(newest_there);
    CHECK(versions.size() <= static_cast<std::size_t>(done.running));
}

void check_live(Store& store, const Progress& done) {
    int live = static_cast<int>(store.live(name_of()).value().value);
    CHECK(live >= done.live);
    CHECK(live <= done.running);
    if (live != 0) CHECK(store.read_version(name_of(), {static_cast<std::uint32_t>(live)}));
}

void check_state(Store& store, const Progress& done) {
    std::optional<LineageState> state = store.load_state(name_of()).value();
    CHECK((state || done.state == 0));
    if (!state) return;
    int recorded = static_cast<int>(state->live.value);
    CHECK(recorded >= done.state);
    CHECK(recorded <= done.running);
}

// The key of an order whose CA may have been asked is there until its version is.
void check_order(Store& store, const Progress& done) {
    std::optional<acme::OrderRecord> order = store.load_order(name_of()).value();
    bool stored = store.version(name_of(), {static_cast<std::uint32_t>(done.running)}).has_value();
    if (done.order > done.version && !stored) {
        REQUIRE(order);
        CHECK(order->key_pem == key_text(done.running));
        if (done.url) CHECK(order->order_url == "https://ca.example/order");
    } else if (order) {
        CHECK(order->key_pem == key_text(done.running));
        CHECK_FALSE(stored);
    }
}

void check_all(Store& store, const Progress& done) {
    check_versions(store, done);
    check_live(store, done);
    check_state(store, done);
    check_order(store, done);
}

void check_nothing_left_over(FileSystem& files) {
    for (const Path& path : all_paths(files, root)) {
        INFO(path.string());
        // An atomically replaced file's temp is overwritten by the next replacement.
        bool half_made = path.filename().string().starts_with(".tmp-") && path.extension() != ".json";
        CHECK_FALSE(half_made);
    }
}

void check_goes_on(Store& store) {
    VersionNumber number = store.add_version(name_of(), version_of(9)).value().number;
    must(store.set_live(name_of(), number));
    CHECK(same(store.read_version(name_of(), store.live(name_of()).value()).value(), version_of(9).files));
    must(store.prune(name_of(), 2, {}));
}

// A new start on what is left.
void check_next_start(FileSystem& files, const Progress& done) {
    Store store(files, root);
    REQUIRE(store.open());
    Recovery first = store.recover();
    CHECK(first.damaged.empty());
    check_all(store, done);
    Recovery second = store.recover();
    CHECK(second.notes.size() <= 1);  // that an order will be resumed
    check_all(store, done);
    check_goes_on(store);
    check_nothing_left_over(files);
}

struct CrashedWorld {
    MemoryFileSystem files;
    Progress done;
    bool finished = false;

    CrashedWorld(std::size_t operation, bool torn) {
        make_parents(files);
        FaultPlan plan;
        plan.crash_at = operation;
        plan.torn = torn;
        files.plan(plan);
        try {
            Store store(files, root);
            must(store.open());
            live_through(store, done);
            finished = true;
        } catch (const SimulatedCrash&) {}
        files.plan({});
    }
};

// Runs `look` on the world crashed at each operation of a whole life, until one is not crashed any more.
void for_each_crash(bool torn, const std::function<void(CrashedWorld&)>& look) {
    for (std::size_t operation = 0;; ++operation) {
        INFO("crash at operation " << operation);
        CrashedWorld world(operation, torn);
        look(world);
        if (world.finished) {
            CHECK(operation > 80);
            return;
        }
        REQUIRE(operation < 1000);
    }
}

}  // namespace

TEST_CASE("a process killed at any operation of a lineage's life leaves a state that the next start goes on from") {
    bool torn = GENERATE(false, true);
    for_each_crash(torn, [](CrashedWorld& world) { check_next_start(world.files, world.done); });
}

TEST_CASE("a power loss at any operation of a lineage's life leaves a state that the next start goes on from") {
    bool torn = GENERATE(false, true);
    for_each_crash(torn, [](CrashedWorld& world) {
        world.files.each_power_loss(power_loss_limit, [&](MemoryFileSystem& files) {
            // Before the state directory itself was durable nothing was acknowledged.
            if (files.inspect(root).value().kind == FileStatus::Kind::missing) {
                CHECK(world.done.order == 0);
            } else {
                check_next_start(files, world.done);
            }
        });
    });
}

TEST_CASE("a power loss some time after a process was killed and started again loses nothing acknowledged") {
    for_each_crash(false, [](CrashedWorld& world) {
        Store store(world.files, root);
        REQUIRE(store.open());
        store.recover();
        Progress seen = world.done;
        seen.version =
            std::max(seen.version, static_cast<int>(store.versions(name_of()).value().size() == 0
                                                        ? 0U
                                                        : store.versions(name_of()).value().back().number.value));
        if (seen.version > seen.live) {
            must(store.set_live(name_of(), {static_cast<std::uint32_t>(seen.version)}));
            seen.live = seen.version;
        }
        world.files.each_power_loss(8, [&](MemoryFileSystem& files) {
            Store next(files, root);
            REQUIRE(next.open());
            CHECK(next.recover().damaged.empty());
            check_versions(next, seen);
            check_live(next, seen);
        });
    });
}

TEST_CASE("a start killed at any operation of its recovery is repeated by the next") {
    for (std::size_t life = 0; life < 130; life += 12) {
        for (std::size_t operation = 0;; ++operation) {
            INFO("crash at operation " << life << ", then at operation " << operation << " of the recovery");
            CrashedWorld world(life, true);
            FaultPlan plan;
            plan.crash_at = operation;
            world.files.plan(plan);
            bool finished = false;
            try {
                Store store(world.files, root);
                must(store.open());
                store.recover();
                finished = true;
            } catch (const SimulatedCrash&) {}
            world.files.plan({});
            check_next_start(world.files, world.done);
            if (finished) break;
        }
    }
}

TEST_CASE("on the real file system, too, a process may be killed at any operation") {
    RealFileSystem real;
    bool finished = false;
    for (std::size_t operation = 0; !finished; ++operation) {
        INFO("crash at operation " << operation);
        TempDirectory directory;
        FaultyFileSystem files(real);
        FaultPlan plan;
        plan.crash_at = operation;
        plan.torn = true;
        files.plan(plan);
        Progress done;
        try {
            Store store(files, directory.path() / "state");
            must(store.open());
            live_through(store, done);
            finished = true;
        } catch (const SimulatedCrash&) {}
        Store next(real, directory.path() / "state");
        REQUIRE(next.open());
        CHECK(next.recover().damaged.empty());
        check_all(next, done);
        check_goes_on(next);
    }
}
