// Accounts and their keys: nothing counts before both files are there, and no key is ever lost.
#include "tests/support/catch.hpp"
#include "tests/unit/store/store_builders.hpp"

using namespace certd;
using namespace certd::test;

namespace {

const CaName local{"local"};
const std::string directory_url = "https://ca.example/directory";
const acme::Account account{"https://ca.example/account/1", "https://ca.example/terms", {"mailto:ops@example.com"}};
const Path account_path = root / "accounts/local";

}  // namespace

TEST_CASE("an account is there in two steps: the key before the CA is asked, the account after its answer") {
    World world;
    CHECK_FALSE(world.store.load_account(local).value());
    CHECK(world.store.save_account(local, account).error().code == "storage.missing");
    must(world.store.save_account_key(local, directory_url, key_text(1)));
    StoredAccount stored = world.store.load_account(local).value().value();
    CHECK(stored.key_pem == key_text(1));
    CHECK(stored.directory_url == directory_url);
    CHECK_FALSE(stored.account);

    must(world.store.save_account(local, account));
    stored = world.store.load_account(local).value().value();
    CHECK(stored.key_pem == key_text(1));
    REQUIRE(stored.account);
    CHECK(stored.account->url == account.url);
    CHECK(stored.account->terms_of_service == account.terms_of_service);
    CHECK(stored.account->contact == account.contact);
}

TEST_CASE("an account key is never replaced") {
    World world;
    must(world.store.save_account_key(local, directory_url, key_text(1)));
    CHECK(world.store.save_account_key(local, directory_url, key_text(1)));
    CHECK(world.store.save_account_key(local, directory_url, key_text(2)).error().code == "storage.exists");
    must(world.store.save_account(local, account));
    CHECK(world.store.save_account_key(local, directory_url, key_text(1)).error().code == "storage.exists");
    CHECK(world.store.load_account(local).value()->key_pem == key_text(1));
}

TEST_CASE("a forgotten account's key is kept aside, each under a name of its own") {
    World world;
    CHECK(world.store.forget_account(local));
    for (int serial = 1; serial <= 3; ++serial) {
        must(world.store.save_account_key(local, directory_url, key_text(serial)));
        must(world.store.forget_account(local));
        CHECK_FALSE(world.store.load_account(local).value());
        CHECK(world.files.read(account_path / fmt::format("key.pem.old-{}", serial), 1000).value() == key_text(serial));
    }
}

TEST_CASE("a key without its record counts for nothing and is kept aside when another is made") {
    World world;
    must(world.store.save_account_key(local, directory_url, key_text(1)));
    must(world.files.change(change::Remove{account_path / "account.json"}));
    CHECK_FALSE(world.store.load_account(local).value());
    must(world.store.save_account_key(local, directory_url, key_text(2)));
    CHECK(world.store.load_account(local).value()->key_pem == key_text(2));
    CHECK(world.files.read(account_path / "key.pem.old-1", 1000).value() == key_text(1));
}

TEST_CASE("a damaged account is told, not replaced") {
    World world;
    must(world.store.save_account_key(local, directory_url, key_text(1)));
    SECTION("the key is another one") {
        world.files.overwrite(account_path / "key.pem", key_text(2));
    }
    SECTION("the record is cut short") {
        world.files.overwrite(account_path / "account.json", "{");
    }
    SECTION("the record is another CA's") {
        must(world.store.save_account_key({"other"}, directory_url, key_text(1)));
        world.files.overwrite(account_path / "account.json",
                              world.files.read(root / "accounts/other/account.json", 9999).value());
    }
    CHECK(world.store.load_account(local).error().code == "storage.corrupt");
}

TEST_CASE("a new account key is beside the old one until one of them is chosen, and none is lost (B9)") {
    World world;
    must(world.store.save_account_key(local, directory_url, key_text(1)));
    must(world.store.save_account(local, account));
    must(world.store.save_next_key(local, key_text(2)));
    StoredAccount stored = world.store.load_account(local).value().value();
    CHECK(stored.key_pem == key_text(1));
    CHECK(stored.next_key_pem == key_text(2));
    SECTION("the new one") {
        must(world.store.adopt_next_key(local));
        stored = world.store.load_account(local).value().value();
        CHECK(stored.key_pem == key_text(2));
        CHECK(world.files.read(account_path / "key.pem.old-1", 1000).value() == key_text(1));
    }
    SECTION("the old one") {
        must(world.store.drop_next_key(local));
        stored = world.store.load_account(local).value().value();
        CHECK(stored.key_pem == key_text(1));
        CHECK(world.files.read(account_path / "next-key.pem.old-1", 1000).value() == key_text(2));
        CHECK(world.store.adopt_next_key(local).error().code == "storage.missing");
    }
    CHECK_FALSE(stored.next_key_pem);
    CHECK(stored.account->url == account.url);
}

TEST_CASE("the choice of the new account key is one write: what a crash left of it is finished by the next start") {
    World world;
    must(world.store.save_account_key(local, directory_url, key_text(1)));
    must(world.store.save_account(local, account));
    must(world.store.save_next_key(local, key_text(2)));
    std::string record = world.files.read(account_path / "account.json", 9999).value();
    must(world.store.adopt_next_key(local));
    std::string after = world.files.read(account_path / "account.json", 9999).value();
    CHECK(record != after);
    // As it stood after that write, and after the first of the renames.
    must(world.files.change(change::Rename{account_path / "key.pem", account_path / "next-key.pem"}));
    bool renamed = GENERATE(false, true);
    if (!renamed) must(world.files.change(change::Rename{account_path / "key.pem.old-1", account_path / "key.pem"}));
    StoredAccount stored = world.store.load_account(local).value().value();
    CHECK(stored.key_pem == key_text(2));
    CHECK_FALSE(stored.next_key_pem);
    CHECK(world.files.read(account_path / "key.pem.old-1", 1000).value() == key_text(1));
    CHECK(world.store.load_account(local).value()->key_pem == key_text(2));
}

TEST_CASE("a forgotten account takes its new key along") {
    World world;
    must(world.store.save_account_key(local, directory_url, key_text(1)));
    must(world.store.save_next_key(local, key_text(2)));
    must(world.store.forget_account(local));
    must(world.store.save_account_key(local, directory_url, key_text(3)));
    CHECK_FALSE(world.store.load_account(local).value()->next_key_pem);
    CHECK(world.files.read(account_path / "next-key.pem.old-1", 1000).value() == key_text(2));
}

TEST_CASE("a burned key stays burned") {
    World world;
    CHECK_FALSE(world.store.is_burned("aa").value());
    must(world.store.burn_key("aa"));
    must(world.store.burn_key("bb"));
    must(world.store.burn_key("aa"));
    CHECK(world.store.is_burned("aa").value());
    CHECK(world.store.is_burned("bb").value());
    CHECK_FALSE(world.store.is_burned("cc").value());
    world.files.overwrite(root / "burned-keys.json", "{");
    CHECK(world.store.is_burned("cc").error().code == "storage.corrupt");
    CHECK(world.store.burn_key("cc").error().code == "storage.corrupt");
}
