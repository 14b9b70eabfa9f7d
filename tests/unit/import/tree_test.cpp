// What is read of a certbot directory, and what of it cannot be used.
#include "tests/unit/import/tree_builder.hpp"

using namespace certd;
using namespace certd::certbot;
using namespace certd::certbot::test;

TEST_CASE("versions of the archive come over up to the live one, at most five of them") {
    CertbotTree tree;
    for (int number = 1; number <= 7; ++number)
        tree.add_version("a.example", number, {"a.example"});
    tree.configure("a.example", webroot);
    put(tree.archive("a.example") / "cert4.pem", "damaged");
    Preparation made = tree.prepared();
    const ImportedLineage& a = lineage(made, "a.example");
    std::vector<std::uint32_t> numbers;
    for (const ArchivedVersion& version : a.versions)
        numbers.push_back(version.number);
    CHECK(numbers == std::vector<std::uint32_t>{3, 5, 6, 7});
    REQUIRE(!a.notes.empty());
    CHECK(a.notes.front().starts_with("version 4 is left out: cert4.pem:"));
}

TEST_CASE("a lineage whose files do not serve is left to certbot, with the reason") {
    CertbotTree tree;
    for (const char* name :
         {"key-missing", "mismatch", "mixed", "elsewhere", "unreadable", "no-account", "readable", "fine"})
        tree.add(name, {"a.example"}, webroot);
    fs::remove(tree.archive("key-missing") / "privkey1.pem");
    put(tree.archive("mismatch") / "privkey1.pem", PrivateKey::generate(KeyType::ecdsa_p256).pem());
    tree.add_version("mixed", 2, {"a.example"});
    fs::remove(tree.live("mixed") / "privkey.pem");
    fs::create_symlink("../../archive/mixed/privkey1.pem", tree.live("mixed") / "privkey.pem");
    put(tree.conf("unreadable"), "[renewalparams\n");
    std::string text = get(tree.conf("elsewhere"));
    text.replace(text.find("live/elsewhere/cert.pem"), 4, "else");
    put(tree.conf("elsewhere"), text);
    text = get(tree.conf("no-account"));
    text.replace(text.find(account), 4, "ffff");
    put(tree.conf("no-account"), text);
    for (const fs::path& path : {tree.root() / "live", tree.root() / "archive"})
        fs::permissions(path, fs::perms(0755));
    // A user's key behind a directory that lets a group through.
    fs::permissions(tree.archive("readable"), fs::perms(0710));
    REQUIRE(::chown(tree.archive("readable").c_str(), ::geteuid(), ::getegid() == 0 ? 1 : ::getegid()) == 0);
    fs::permissions(tree.archive("readable") / "privkey1.pem", fs::perms(::geteuid() == 0 ? 0640 : 0600));

    Preparation made = tree.prepared();
    REQUIRE(made.translation.lineages.size() == (::geteuid() == 0 ? 1 : 2));
    CHECK(lineage(made, "fine").name->text() == "fine");
    auto says = [&](const std::string& name, const std::string& part) {
        INFO(name << ": " << reason(made, name));
        CHECK(reason(made, name).find(part) != std::string::npos);
    };
    says("key-missing", "privkey1.pem");
    says("mismatch", "privkey1.pem is not the key of cert1.pem");
    says("mixed", "files of different versions");
    says("unreadable", "unreadable.conf:1: the brackets around the section's name do not match");
    says("elsewhere", "its cert is");
    says("no-account", "its account:");
    if (::geteuid() == 0) says("readable", "depends on the modes of several directories");
}

TEST_CASE("a directory that is not certbot's is refused") {
    CertbotTree tree;
    RealFileSystem files;
    Context context = tree.context(files);
    context.options.from = tree.base() / "nowhere";
    Result<Outcome> outcome = shadow(context);
    REQUIRE(!outcome);
    CHECK(outcome.error().code == "import.noCertbot");
}

TEST_CASE("cli.ini goes before what lineages say") {
    CertbotTree tree;
    tree.add("a.example", {"a.example"}, webroot);
    put(tree.root() / "cli.ini",
        "# all of them\ndeploy-hook = systemctl reload exim4\nreuse-key\nmax-log-backups = 0\n");
    Preparation made = tree.prepared();
    CHECK(lineage(made, "a.example").reuse_key);
    REQUIRE(made.translation.targets.size() == 1);
    CHECK(made.translation.targets.front().hook == "systemctl reload exim4");
}
