// Deploy journals: the old contents are there until the deployment is committed.
#include "tests/support/catch.hpp"
#include "tests/unit/store/store_builders.hpp"

using namespace certd;
using namespace certd::test;

namespace {

DeployJournal journal_of(int serial, const std::string& target = "web") {
    DeployJournal journal;
    journal.target = {target};
    journal.version = {2};
    journal.previous_live = {1};
    journal.backups = {{"/etc/ssl/web/fullchain.pem", true, 0644, 0, 33, fmt::format("old chain {}\n", serial)},
                       {"/etc/ssl/web/new.pem", false, 0, 0, 0, ""},
                       {"/etc/ssl/web/privkey.pem", true, 0640, 0, 33, std::string("key\0with nul", 12)}};
    return journal;
}

const Path web = root / "lineages/example.com/deploy/web";

}  // namespace

TEST_CASE("a journal is read back with every old content, owner and mode") {
    World world;
    must(world.store.save_deploy_journal(name_of(), journal_of(1)));
    must(world.store.save_deploy_journal(name_of(), journal_of(2, "mail")));
    CHECK(world.store.deploy_journals(name_of()).value() ==
          std::vector<DeployJournal>{journal_of(2, "mail"), journal_of(1)});
}

TEST_CASE("a dropped journal is gone with its backups") {
    World world;
    must(world.store.save_deploy_journal(name_of(), journal_of(1)));
    must(world.store.drop_deploy_journal(name_of(), {{"web"}}));
    CHECK(world.store.deploy_journals(name_of()).value().empty());
    CHECK(world.files.list(root / "lineages/example.com/deploy").value().empty());
    CHECK(world.store.drop_deploy_journal(name_of(), {{"web"}}));
}

TEST_CASE("a journal replaces the one before it whole") {
    World world;
    must(world.store.save_deploy_journal(name_of(), journal_of(1)));
    must(world.store.save_deploy_journal(name_of(), journal_of(2)));
    CHECK(world.store.deploy_journals(name_of()).value() == std::vector<DeployJournal>{journal_of(2)});
    CHECK(world.files.list(web).value().size() == 3);
}

TEST_CASE("backups without a journal are not a deployment in progress") {
    World world;
    must(world.store.save_deploy_journal(name_of(), journal_of(1)));
    must(world.files.change(change::Remove{web / "journal.json"}));
    CHECK(world.store.deploy_journals(name_of()).value().empty());
    must(world.store.save_deploy_journal(name_of(), journal_of(2)));
    CHECK(world.store.deploy_journals(name_of()).value() == std::vector<DeployJournal>{journal_of(2)});
}

TEST_CASE("rounds of hooks are on disk until their post scripts have run") {
    World world;
    CHECK(world.store.load_hook_rounds().value().empty());
    HookRound round;
    round.hooks.directory = "/etc/letsencrypt/renewal-hooks";
    round.join("example.com", {{Identifier::Type::dns, "example.com"}});
    must(world.store.save_hook_rounds({round}));
    CHECK(world.store.load_hook_rounds().value() == std::vector<HookRound>{round});
    must(world.store.save_hook_rounds({}));
    CHECK(world.store.load_hook_rounds().value().empty());
    world.files.overwrite(root / "hook-rounds.json", "{}");
    CHECK(world.store.load_hook_rounds().error().code == "storage.corrupt");
}

TEST_CASE("the place of a rehearsal is for nobody else, and is gone with whatever is in it after the next start") {
    World world;
    const Path place = must(world.store.rehearsal_directory());
    CHECK((world.files.inspect(place).value().mode & 0777) == 0700);
    CHECK(must(world.store.rehearsal_directory()) == place);  // of the next one
    must(world.files.create(place / "left", "key", {}));
    CHECK(world.store.recover().notes.empty());
    CHECK_FALSE(must(exists(world.files, place)));
}

TEST_CASE("a damaged journal or backup is told instead of restored") {
    World world;
    must(world.store.save_deploy_journal(name_of(), journal_of(1)));
    Path file = web / GENERATE("journal.json", "backup-1", "backup-2");
    std::string text = world.files.read(file, 10'000).value();
    SECTION("cut short") {
        world.files.overwrite(file, text.substr(0, text.size() / 2));
    }
    SECTION("a bit flipped") {
        text[text.size() / 2] ^= 0x10;
        world.files.overwrite(file, text);
    }
    SECTION("another target's") {
        must(world.store.save_deploy_journal(name_of(), journal_of(2, "mail")));
        world.files.overwrite(file,
                              world.files.read(web.parent_path() / "mail" / file.filename(), 10'000).value() + " ");
    }
    CHECK(world.store.deploy_journals(name_of()).error().code == "storage.corrupt");
}
