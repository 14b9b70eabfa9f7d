// SIGKILL and power loss at every operation on deploy journals and accounts.
#include "tests/support/catch.hpp"
#include "tests/unit/store/store_builders.hpp"

using namespace certd;
using namespace certd::test;

namespace {

constexpr std::size_t power_loss_limit = 24;

// What stood in a journal's life: never, whole, or dropped.
DeployJournal small_journal(int serial) {
    DeployJournal journal{{"web"}, {2}, {1}, {}};
    journal.backups = {{"/etc/a.pem", true, 0644, 0, 0, fmt::format("a {}", serial)},
                       {"/etc/b.pem", true, 0600, 0, 0, "b"}};
    return journal;
}

void check_journal(FileSystem& files, int saved, int running) {
    Store store(files, root);
    REQUIRE(store.open());
    CHECK(store.recover().damaged.empty());
    std::vector<DeployJournal> journals = store.deploy_journals(name_of()).value();
    REQUIRE(journals.size() <= 1);
    if (journals.empty()) {
        CHECK((saved == 0 || running == 3));
        return;
    }
    bool old_one = saved != 0 && journals[0] == small_journal(saved);
    CHECK((old_one || journals[0] == small_journal(running)));
}

}  // namespace

TEST_CASE("a deploy journal is whole or not there, at whichever operation the process or the power fails") {
    bool finished = false;
    for (std::size_t operation = 0; !finished; ++operation) {
        INFO("crash at operation " << operation);
        World world;
        world.issue(1);
        FaultPlan plan;
        plan.crash_at = operation;
        plan.torn = true;
        world.files.plan(plan);
        int saved = 0, running = 0;
        try {
            for (int serial = 1; serial <= 2; ++serial) {
                running = serial;
                must(world.store.save_deploy_journal(name_of(), small_journal(serial)));
                saved = serial;
            }
            running = 3;
            must(world.store.drop_deploy_journal(name_of(), {{"web"}}));
            finished = true;
        } catch (const SimulatedCrash&) {}
        world.files.plan({});
        world.files.each_power_loss(power_loss_limit, [&](MemoryFileSystem& files) {
            check_journal(files, saved, running);
            if (finished) CHECK(Store(files, root).deploy_journals(name_of()).value().empty());
        });
        check_journal(world.files, saved, running);
    }
}

TEST_CASE("an account key is never lost, at whichever operation the process or the power fails") {
    const CaName ca{"local"};
    const std::string url = "https://ca.example/directory";
    bool finished = false;
    for (std::size_t operation = 0; !finished; ++operation) {
        INFO("crash at operation " << operation);
        World world;
        FaultPlan plan;
        plan.crash_at = operation;
        plan.torn = true;
        world.files.plan(plan);
        int step = 0;
        try {
            must(world.store.save_account_key(ca, url, key_text(1)));
            step = 1;
            must(world.store.save_account(ca, {"https://ca.example/account/1", "", {}}));
            step = 2;
            must(world.store.forget_account(ca));
            step = 3;
            finished = true;
        } catch (const SimulatedCrash&) {}
        world.files.plan({});
        auto check = [&](MemoryFileSystem& files) {
            Store store(files, root);
            REQUIRE(store.open());
            store.recover();
            std::optional<StoredAccount> account = store.load_account(ca).value();
            if (step == 1 || (account && step < 3)) CHECK(account.value().key_pem == key_text(1));
            if (account && step == 2) CHECK(account->account.has_value());
            if (step == 3) CHECK_FALSE(account);
            if (step == 0 || account) return;
            if (step < 2) return;
            // Forgotten: kept aside, or still under its name without the record that made it count.
            Path directory = root / "accounts/local";
            bool kept = files.read(directory / "key.pem.old-1", 1000).value_or("") == key_text(1) ||
                        files.read(directory / "key.pem", 1000).value_or("") == key_text(1);
            CHECK(kept);
        };
        world.files.each_power_loss(power_loss_limit, check);
        check(world.files);
    }
}
