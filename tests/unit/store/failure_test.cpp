// Every operation of every method failing once, and a disk that stays full or read-only (faults F34–F36): no false
// success, the old state intact, and the same call works when the fault is gone.
#include "tests/support/catch.hpp"
#include "tests/unit/store/store_builders.hpp"

#include <functional>

using namespace certd;
using namespace certd::test;

namespace {

DeployJournal journal_of(int serial) {
    return {{"web"}, {2}, {1}, {{"/etc/a.pem", true, 0644, 0, 0, fmt::format("{}", serial)}}};
}

const CaName local{"local"};
const acme::Account account{"https://ca.example/account/1", "", {}};

std::string key_of(Store& store) {
    std::optional<StoredAccount> stored = store.load_account(local).value();
    return stored ? stored->key_pem : "";
}

struct Method {
    std::string name;
    std::function<void(World&)> prepare;
    std::function<Result<void>(Store&)> call;
    std::function<bool(Store&)> done;      // after the call
    std::function<bool(Store&)> not_done;  // as before the call
};

std::size_t count_versions(Store& store) {
    return store.versions(name_of()).value().size();
}

std::vector<Method> methods() {
    auto nothing = [](World&) {};
    auto issued = [](World& world) { world.issue(1); };
    auto without_value = [](auto result) { return result.map([](const auto&) {}); };
    return {
        {"save_order of a new lineage", nothing, [](Store& store) { return store.save_order(name_of(), order_of(1)); },
         [](Store& store) { return store.load_order(name_of()).value().has_value(); },
         [](Store& store) { return !store.load_order(name_of()).value(); }},
        {"save_order of the URL", [](World& world) { must(world.store.save_order(name_of(), order_of(1))); },
         [](Store& store) { return store.save_order(name_of(), order_of(1, "url")); },
         [](Store& store) { return store.load_order(name_of()).value().value().order_url == "url"; },
         [](Store& store) { return store.load_order(name_of()).value().value().order_url.empty(); }},
        {"add_version of a new lineage", nothing,
         [=](Store& store) { return without_value(store.add_version(name_of(), version_of(1))); },
         [](Store& store) { return count_versions(store) == 1; },
         [](Store& store) { return count_versions(store) == 0; }},
        {"add_version", issued,
         [=](Store& store) { return without_value(store.add_version(name_of(), version_of(2))); },
         [](Store& store) { return count_versions(store) == 2 && store.version(name_of(), {2}); },
         [](Store& store) { return count_versions(store) == 1; }},
        {"set_live", [](World& world) { world.issue(1), world.add(2); },
         [](Store& store) { return store.set_live(name_of(), {2}); },
         [](Store& store) { return store.live(name_of()).value() == VersionNumber{2}; },
         [](Store& store) { return store.live(name_of()).value() == VersionNumber{1}; }},
        {"save_state", issued, [](Store& store) { return store.save_state(name_of(), state_of(2)); },
         [](Store& store) { return store.load_state(name_of()).value() == state_of(2); },
         [](Store& store) { return store.load_state(name_of()).value() == state_of(1); }},
        {"prune", [](World& world) { world.issue(1), world.issue(2), world.issue(3); },
         [](Store& store) { return store.prune(name_of(), 2, {}); },
         [](Store& store) { return count_versions(store) == 2; },
         [](Store& store) { return count_versions(store) == 3; }},
        {"save_deploy_journal", issued,
         [](Store& store) { return store.save_deploy_journal(name_of(), journal_of(1)); },
         [](Store& store) { return store.deploy_journals(name_of()).value() == std::vector{journal_of(1)}; },
         [](Store& store) { return store.deploy_journals(name_of()).value().empty(); }},
        {"save_deploy_journal over another",
         [](World& world) { must(world.store.save_deploy_journal(name_of(), journal_of(1))); },
         [](Store& store) { return store.save_deploy_journal(name_of(), journal_of(2)); },
         [](Store& store) { return store.deploy_journals(name_of()).value() == std::vector{journal_of(2)}; },
         [](Store& store) { return store.deploy_journals(name_of()).value() == std::vector{journal_of(1)}; }},
        {"drop_deploy_journal", [](World& world) { must(world.store.save_deploy_journal(name_of(), journal_of(1))); },
         [](Store& store) { return store.drop_deploy_journal(name_of(), {{"web"}}); },
         [](Store& store) { return store.deploy_journals(name_of()).value().empty(); },
         [](Store& store) { return store.deploy_journals(name_of()).value() == std::vector{journal_of(1)}; }},
        {"save_account_key", nothing, [](Store& store) { return store.save_account_key(local, "url", key_text(1)); },
         [](Store& store) { return key_of(store) == key_text(1); }, [](Store& store) { return key_of(store).empty(); }},
        {"save_account", [](World& world) { must(world.store.save_account_key(local, "url", key_text(1))); },
         [](Store& store) { return store.save_account(local, account); },
         [](Store& store) { return key_of(store) == key_text(1) && store.load_account(local).value()->account; },
         [](Store& store) { return key_of(store) == key_text(1) && !store.load_account(local).value()->account; }},
        {"forget_account", [](World& world) { must(world.store.save_account_key(local, "url", key_text(1))); },
         [](Store& store) { return store.forget_account(local); }, [](Store& store) { return key_of(store).empty(); },
         [](Store& store) { return key_of(store) == key_text(1); }},
        {"open of a new directory", [](World& world) { must(remove_tree(world.files, root)); },
         [](Store& store) { return store.open(); }, [](Store&) { return true; }, [](Store&) { return true; }},
        {"probe", nothing, [](Store& store) { return store.probe(); }, [](Store&) { return true; },
         [](Store&) { return true; }},
    };
}

// Calls the method with each of its operations failing, until a call meets no fault.
void fail_each_operation(const Method& method, const std::string& code, bool lasting) {
    for (std::size_t operation = 0;; ++operation) {
        INFO(method.name << ", " << code << (lasting ? " from" : " at") << " operation " << operation);
        World world;
        method.prepare(world);
        FaultPlan plan;
        plan.fail_at = operation;
        plan.code = code;
        plan.lasting = lasting;
        world.files.plan(plan);
        Result<void> result = method.call(world.store);
        bool fired = world.files.fired();
        world.files.plan({});

        bool done = method.done(world.store);
        if (result) {
            CHECK(done);
            world.files.each_power_loss(32, [&](MemoryFileSystem& files) {
                Store store(files, root);
                CHECK(method.done(store));
            });
        } else {
            CHECK((done || method.not_done(world.store)));
            CHECK(result.error().kind == ProblemKind::storage);
            CHECK(method.call(world.store));
            CHECK(method.done(world.store));
        }
        CHECK(world.store.open());
        CHECK(world.store.recover().damaged.empty());
        if (!fired) {
            REQUIRE(result);
            return;
        }
    }
}

}  // namespace

TEST_CASE("a failing operation is never a false success and leaves the state before") {
    for (const Method& method : methods()) {
        for (const char* code : {"storage.io", "storage.full"})
            fail_each_operation(method, code, false);
    }
}

TEST_CASE("a disk that stays full or read-only is told and leaves the state before") {
    for (const Method& method : methods()) {
        for (const char* code : {"storage.full", "storage.readOnly"})
            fail_each_operation(method, code, true);
    }
}

TEST_CASE("a full disk is told by the probe, which leaves nothing behind") {
    World world;
    world.files.plan({0, "storage.full"});
    CHECK(world.store.probe().error().code == "storage.full");
    world.files.plan({});
    CHECK(count_temps(world.files) == 0);
}

TEST_CASE("a version that could not be stored leaves no half of it behind") {
    for (std::size_t operation = 1; operation < 11; ++operation) {
        World world;
        world.issue(1);
        world.files.plan({operation, "storage.full"});
        if (world.store.add_version(name_of(), version_of(2))) continue;
        world.files.plan({});
        INFO("operation " << operation);
        CHECK(count_temps(world.files) == 0);
        CHECK(world.add(2) == VersionNumber{2});
    }
}

TEST_CASE("reading fails with the cause, not with emptiness") {
    World world;
    world.issue(1);
    must(world.store.save_order(name_of(), order_of(2)));
    auto failing = [&](auto call) {
        world.files.plan({0, "storage.io"});
        auto result = call();
        world.files.plan({});
        return !result && result.error().code == "storage.io";
    };
    CHECK(failing([&] { return world.store.lineages(); }));
    CHECK(failing([&] { return world.store.load_state(name_of()); }));
    CHECK(failing([&] { return world.store.load_order(name_of()); }));
    CHECK(failing([&] { return world.store.load_account(local); }));
    CHECK(failing([&] { return world.store.versions(name_of()); }));
    CHECK(failing([&] { return world.store.version(name_of(), {1}); }));
    CHECK(failing([&] { return world.store.read_version(name_of(), {1}); }));
    CHECK(failing([&] { return world.store.live(name_of()); }));
    CHECK(failing([&] { return world.store.deploy_journals(name_of()); }));
}

TEST_CASE("a start with an operation failing tells it and neither loses nor moves anything") {
    for (std::size_t operation = 0; operation < 60; ++operation) {
        INFO("operation " << operation);
        World world;
        world.issue(1);
        world.issue(2);
        must(world.store.save_order(name_of(), order_of(3, "url")));
        world.files.plan({operation, "storage.io"});
        (void)world.store.recover();
        world.files.plan({});
        CHECK(world.store.live(name_of()).value() == VersionNumber{2});
        CHECK(count_versions(world.store) == 2);
        CHECK(world.store.load_order(name_of()).value());
    }
}
