// Taking over and giving back, killed at any step.
#include "tests/support/faulty_file_system.hpp"
#include "tests/unit/import/tree_builder.hpp"

#include "daemon/import/certbot_lock.hpp"
#include "daemon/import/read_versions.hpp"
#include "daemon/store/store.hpp"

#include <map>

#include <fcntl.h>
#include <unistd.h>

using namespace certd;
using namespace certd::certbot;
using namespace certd::certbot::test;
using certd::test::FaultyFileSystem;
using certd::test::SimulatedCrash;

namespace {

using Snapshot = std::map<std::string, std::string>;

// Every name with its content. Names that an interrupted update may leave, a key that was put aside because its account
// was not there yet, and locks mean nothing.
Snapshot snapshot_of(const fs::path& root) {
    Snapshot found;
    for (auto entry = fs::recursive_directory_iterator(root); entry != fs::recursive_directory_iterator(); ++entry) {
        std::string name = entry->path().filename();
        if (name.starts_with(".tmp-") || name.find(".old-") != std::string::npos || name == "lock" ||
            name == ".certbot.lock") {
            entry.disable_recursion_pending();
            continue;
        }
        std::string content = "directory";
        if (entry->is_symlink()) {
            content = "link " + fs::read_symlink(entry->path()).string();
        } else if (entry->is_regular_file()) {
            content = get(entry->path());
        }
        found[entry->path().lexically_relative(root)] = content;
    }
    return found;
}

std::string difference(const Snapshot& left, const Snapshot& right) {
    for (const auto& [name, content] : left) {
        auto other = right.find(name);
        if (other == right.end()) return name + " is missing";
        if (other->second != content) return name + " differs";
    }
    for (const auto& [name, content] : right) {
        if (!left.contains(name)) return name + " is new";
    }
    return {};
}

class World {
   public:
    World() {
        tree.add("a.example", {"a.example"}, webroot);
        tree.add_version("a.example", 2, {"a.example"});
        tree.add("B", {"b.example"}, std::string(webroot) + "installer = nginx\n");
        // Others than root read B's key, through directories that let them.
        for (const fs::path& path : {tree.root() / "live", tree.root() / "archive", tree.archive("B")})
            fs::permissions(path, fs::perms(0755));
        fs::permissions(tree.archive("B") / "privkey1.pem", fs::perms(0640));
        fs::copy(tree.base(), saved_.path() / "start", fs::copy_options::recursive | fs::copy_options::copy_symlinks);
    }

    void reset() { restore("start"); }
    void save(const std::string& name) {
        fs::copy(tree.base(), saved_.path() / name, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
    }
    void restore(const std::string& name) {
        for (const auto& entry : fs::directory_iterator(tree.base()))
            fs::remove_all(entry.path());
        fs::copy(saved_.path() / name, tree.base(), fs::copy_options::recursive | fs::copy_options::copy_symlinks);
        // Copies are made with the umask of the test.
        for (const auto& entry : fs::recursive_directory_iterator(tree.base())) {
            bool certbots = entry.path().native().starts_with(tree.root().native());
            if (entry.is_directory() && !entry.is_symlink())
                fs::permissions(entry.path(), fs::perms(certbots ? 0755 : 0700));
        }
    }

    // Certificate and key are there together under certbot's path, whatever happens.
    bool is_served(const std::string& name) const {
        Result<Chain> chain = parse_chain(get(tree.live(name) / "fullchain.pem"));
        Result<PrivateKey> key = PrivateKey::from_pem(get(tree.live(name) / "privkey.pem"));
        return chain && key && chain->front().public_key_der() == key->public_key_der();
    }

    // As certd would issue it, for a key of its own or for somebody's request.
    void issue_next(const std::string& name, bool for_request = false) {
        RealFileSystem files;
        Store store(files, tree.state());
        CertbotTree other;
        other.add_version("x", 1, {name});
        ArchivedVersion made = read_archived(files, other.archive("x"), 1).value();
        LineageName lineage = LineageName::parse(name).value();
        NewVersion version;
        version.facts = store.versions(lineage).value().back();
        version.facts.fingerprint = made.chain.front().fingerprint_sha256();
        version.facts.serial = made.chain.front().serial();
        if (for_request) {
            version.facts.csr_key_sha256 = std::string(64, 'a');
        } else {
            version.files.privkey = made.key_pem;
        }
        version.files.cert = made.chain.front().pem();
        version.files.chain = chain_pem(std::span(made.chain).subspan(1));
        version.files.fullchain = chain_pem(made.chain);
        VersionFacts added = store.add_version(lineage, version).value();
        REQUIRE(store.set_live(lineage, added.number));
    }

    CertbotTree tree;

   private:
    certd::test::TempDirectory saved_;
};

using Run = Result<Outcome> (*)(const Context&);

// An exchange counts as an operation too.
Context faulty(const World& world, FaultyFileSystem& files) {
    Context context = world.tree.context(files);
    context.seams.exchange = [&files](const Path& one, const Path& other) -> Result<void> {
        if (Result<FileStatus> seen = files.inspect(one); !seen) return failure(seen.error());
        return exchange_names(one, other);
    };
    return context;
}

void must(const Result<Outcome>& outcome) {
    INFO((outcome ? std::string() : describe(outcome.error())));
    REQUIRE(outcome);
}

void keep_certbots(Snapshot& snapshot) {
    std::erase_if(snapshot, [](const auto& entry) { return !entry.first.starts_with("letsencrypt/"); });
}

// Runs from `start`, dying or failing at every operation, and again to the end: always the same end. What cannot be
// read in a run is left out of it and taken over by the next, so that after a failure the result may be spread over two
// files.
void interrupt_everywhere(World& world, const std::string& start, Run run, bool crash) {
    RealFileSystem real;
    FaultyFileSystem files(real);
    world.restore(start);
    files.plan({});
    must(run(faulty(world, files)));
    const Snapshot end = snapshot_of(world.tree.base());
    const std::size_t operations = files.operations();
    // All of them in three runs of the suite's length would take minutes: each third one, from another one on.
    for (std::size_t at = crash ? 0 : 1; at < operations; at += 3) {
        world.restore(start);
        certd::test::FaultPlan plan;
        (crash ? plan.crash_at : plan.fail_at) = at;
        files.plan(plan);
        INFO((crash ? "killed" : "failed") << " at operation " << at << " of " << operations);
        try {
            (void)run(faulty(world, files));
        } catch (const SimulatedCrash&) {}
        CHECK(world.is_served("a.example"));
        CHECK(world.is_served("B"));
        files.plan({});
        must(run(faulty(world, files)));
        Snapshot reached = snapshot_of(world.tree.base());
        if (!crash) keep_certbots(reached);
        Snapshot wanted = end;
        if (!crash) keep_certbots(wanted);
        CHECK(difference(wanted, reached) == "");
    }
}

}  // namespace

TEST_CASE("a take-over puts versions, account and configuration in place and leaves certbot's paths working") {
    World world;
    RealFileSystem files;
    const Snapshot archive = snapshot_of(world.tree.root() / "archive");
    must(take_over(world.tree.context(files)));
    CHECK(fs::read_symlink(world.tree.live("a.example")) == world.tree.state() / "live" / "a.example");
    const fs::path copies = world.tree.root() / "certd-live" / "B";
    CHECK(fs::read_symlink(world.tree.live("B")) == copies);
    for (const char* kind : {"cert", "chain", "fullchain", "privkey"}) {
        const fs::path file = copies / fmt::format("{}.pem", kind);
        CHECK(get(file) == get(world.tree.state() / "live" / "b" / file.filename()));
        CHECK(fs::status(file).permissions() == fs::perms(kind == std::string("privkey") ? 0640 : 0644));
    }
    CHECK(get(world.tree.live("a.example") / "privkey.pem") == get(world.tree.archive("a.example") / "privkey2.pem"));
    CHECK(snapshot_of(world.tree.root() / "archive") == archive);
    CHECK(!fs::exists(world.tree.conf("a.example")));

    Store store(files, world.tree.state());
    REQUIRE(store.open());
    CHECK(store.recover().damaged.empty());
    LineageName name = LineageName::parse("a.example").value();
    CHECK(store.versions(name).value().size() == 2);
    CHECK(store.read_version(name, {2}));
    std::optional<StoredAccount> stored = store.load_account({"ca.example"}).value();
    REQUIRE(stored);
    REQUIRE(stored->account);
    CHECK(stored->account->url == "https://ca.example/acct/7");
    auto mode = [&](const fs::path& path) { return static_cast<unsigned>(fs::status(path).permissions()); };
    CHECK(mode(world.tree.base() / "conf.d" / "certbot.yaml") == 0600);
}

TEST_CASE("a take-over that is killed or fails at any step is finished by the next") {
    World world;
    interrupt_everywhere(world, "start", take_over, true);
    interrupt_everywhere(world, "start", take_over, false);
}

TEST_CASE("giving back restores certbot's directory, with what was issued meanwhile as further versions") {
    World world;
    RealFileSystem files;
    const Snapshot before = snapshot_of(world.tree.root());
    must(take_over(world.tree.context(files)));
    world.issue_next("a.example");
    must(give_back(world.tree.context(files)));
    Snapshot after = snapshot_of(world.tree.root());
    CAPTURE(difference(before, after));
    for (const char* kind : {"cert", "chain", "fullchain", "privkey"}) {
        CHECK(after.erase(fmt::format("archive/a.example/{}3.pem", kind)) == 1);
        std::string& link = after.at(fmt::format("live/a.example/{}.pem", kind));
        CHECK(link == fmt::format("link ../../archive/a.example/{}3.pem", kind));
        link = fmt::format("link ../../archive/a.example/{}2.pem", kind);
    }
    CHECK(difference(before, after) == "");
    CHECK(static_cast<unsigned>(fs::status(world.tree.archive("a.example") / "privkey3.pem").permissions()) == 0600);

    // And once more there and back.
    must(give_back(world.tree.context(files)));
    must(take_over(world.tree.context(files)));
    Store store(files, world.tree.state());
    CHECK(store.versions(LineageName::parse("a.example").value()).value().size() == 3);
    must(give_back(world.tree.context(files)));
    CHECK(world.is_served("a.example"));
    CHECK_FALSE(fs::exists(world.tree.root() / "certd-live"));
}

TEST_CASE("copies that a killed take-over has left are not taken for those of a key that only root reads by now") {
    World world;
    RealFileSystem files;
    put(world.tree.root() / "certd-live" / "a.example" / "privkey.pem", "old");
    must(take_over(world.tree.context(files)));
    CHECK(fs::read_symlink(world.tree.live("a.example")) == world.tree.state() / "live" / "a.example");
    CHECK_FALSE(fs::exists(world.tree.root() / "certd-live" / "a.example"));
}

TEST_CASE("giving back that is killed or fails at any step is finished by the next") {
    World world;
    RealFileSystem files;
    must(take_over(world.tree.context(files)));
    world.issue_next("a.example");
    world.save("taken");
    interrupt_everywhere(world, "taken", give_back, true);
    interrupt_everywhere(world, "taken", give_back, false);
}

TEST_CASE("a take-over that was begun is given back from any step") {
    World world;
    const Snapshot before = snapshot_of(world.tree.root());
    RealFileSystem real;
    FaultyFileSystem files(real);
    files.plan({});
    must(take_over(faulty(world, files)));
    const std::size_t operations = files.operations();
    for (std::size_t at = 0; at < operations; at += 7) {
        world.restore("start");
        certd::test::FaultPlan plan;
        plan.crash_at = at;
        files.plan(plan);
        try {
            (void)take_over(faulty(world, files));
        } catch (const SimulatedCrash&) {}
        files.plan({});
        Result<Outcome> back = give_back(faulty(world, files));
        INFO("killed at operation " << at << " of " << operations << ": " << (back ? "" : describe(back.error())));
        CHECK((back || back.error().code == "import.nothing"));
        CHECK(difference(before, snapshot_of(world.tree.root())) == "");
    }
}

TEST_CASE("nothing is done while a certbot or a certd is at work, nor over a lineage of certd's") {
    World world;
    RealFileSystem files;
    Context context = world.tree.context(files);
    {
        CertbotLock held = CertbotLock::acquire(world.tree.root()).value();
        for (Run run : {Run(shadow), Run(take_over)}) {
            Result<Outcome> outcome = run(context);
            REQUIRE(!outcome);
            CHECK(outcome.error().code == "import.certbotRunning");
        }
    }
    CHECK(!fs::exists(world.tree.root() / ".certbot.lock"));
    fs::create_directories(world.tree.state());
    {
        StateLock held = StateLock::acquire(world.tree.state()).value();
        Result<Outcome> outcome = take_over(context);
        REQUIRE(!outcome);
        CHECK(outcome.error().code == "storage.locked");
        CHECK(outcome.error().hint.find("systemctl stop certd") != std::string::npos);
        CHECK(shadow(context));  // reads only
    }
    fs::create_directories(world.tree.state() / "lineages" / "b");
    const Snapshot before = snapshot_of(world.tree.root());
    Result<Outcome> outcome = take_over(context);
    REQUIRE(!outcome);
    CHECK(outcome.error().code == "import.clash");
    CHECK(outcome.error().what == "B: certd has a lineage b already, in its state directory");
    CHECK(snapshot_of(world.tree.root()) == before);
}

TEST_CASE("shadow changes nothing") {
    World world;
    RealFileSystem files;
    const Snapshot before = snapshot_of(world.tree.base());
    Result<Outcome> outcome = shadow(world.tree.context(files));
    must(outcome);
    CHECK(snapshot_of(world.tree.base()) == before);
    std::string text = text_of(*outcome);
    CHECK(text.find("B → b\n") != std::string::npos);
    CHECK(text.find("2 of 2 lineages can be taken over") != std::string::npos);
    CHECK(text.find("2/3 of the lifetime") != std::string::npos);
    CHECK(json_of(*outcome)["lineages"].if_array()->size() == 2);
    CHECK(json_of(*outcome).string_or("from") == world.tree.root().string());
}

TEST_CASE("shadow tells of a run that was interrupted") {
    World world;
    RealFileSystem files;
    Context context = world.tree.context(files);
    context.seams.exchange = [](const Path& one, const Path& other) {
        bool is_probe = one.filename().native().starts_with(".certd-probe");
        return is_probe ? exchange_names(one, other) : Result<void>(failure("storage.io", "Injected failure"));
    };
    REQUIRE(!take_over(context));
    Result<Outcome> outcome = shadow(context);
    must(outcome);
    CHECK(text_of(*outcome).find("the take-over of 2 lineages was interrupted: run it again to finish") !=
          std::string::npos);
    CHECK(outcome->preparation.translation.clashes.empty());
    context.seams.exchange = [](const Path&, const Path&) -> Result<void> { return failure("import.exchange", "No"); };
    world.reset();
    Result<Outcome> refused = take_over(context);
    REQUIRE(!refused);
    CHECK(refused.error().code == "import.exchange");
    CHECK(world.is_served("B"));
    CHECK(fs::exists(world.tree.conf("B")));
}

TEST_CASE("what is taken over later gets a file of its own") {
    World world;
    RealFileSystem files;
    Context context = world.tree.context(files);
    must(take_over(context));
    world.tree.add("c.example", {"c.example"}, webroot);
    must(take_over(context));
    CHECK(fs::exists(world.tree.base() / "conf.d" / "certbot-2.yaml"));
    CHECK(get(world.tree.base() / "conf.d" / "certbot-2.yaml").find("cas:\n") == std::string::npos);
    must(give_back(context));
    for (const char* name : {"a.example", "B", "c.example"})
        CHECK(fs::exists(world.tree.conf(name)));
}

TEST_CASE("a file that holds somebody's own lineage is not taken away") {
    World world;
    RealFileSystem files;
    Context context = world.tree.context(files);
    must(take_over(context));
    fs::path file = world.tree.base() / "conf.d" / "certbot.yaml";
    put(file, get(file) + "  own.example:\n    cas: [\"ca.example\"]\n    challenge: { http-01: { webroot: /srv } }\n");
    Result<Outcome> outcome = give_back(context);
    REQUIRE(!outcome);
    CHECK(outcome.error().what.find("holds the lineage own.example, which did not come from certbot") !=
          std::string::npos);
    CHECK(fs::is_symlink(world.tree.live("a.example")));
}

TEST_CASE("giving back is refused while another file uses what is in certbot.yaml") {
    World world;
    RealFileSystem files;
    Context context = world.tree.context(files);
    must(take_over(context));
    put(world.tree.base() / "conf.d" / "own.yaml",
        "lineages:\n  own.example:\n    cas: [letsencrypt]\n    targets: [certbot-nginx]\n"
        "    challenge: { http-01: { webroot: /srv } }\n"
        "cas: { letsencrypt: { directory: \"https://le.example/dir\", agree_tos: true } }\n");
    const Snapshot before = snapshot_of(world.tree.base());
    Result<Outcome> outcome = give_back(context);
    REQUIRE(!outcome);
    INFO(describe(outcome.error()));
    CHECK(outcome.error().code == "config.invalid");
    CHECK(describe(outcome.error()).find("certbot-nginx") != std::string::npos);
    CHECK(difference(before, snapshot_of(world.tree.base())) == "");
}

TEST_CASE("giving back tells of a version without a key, and of an account's key that certbot does not have") {
    World world;
    RealFileSystem files;
    must(take_over(world.tree.context(files)));
    world.issue_next("a.example", true);
    Store store(files, world.tree.state());
    REQUIRE(store.save_next_key({"ca.example"}, PrivateKey::generate(KeyType::ecdsa_p256).pem()));
    REQUIRE(store.adopt_next_key({"ca.example"}));
    Result<Outcome> outcome = give_back(world.tree.context(files));
    must(outcome);
    const std::string text = text_of(*outcome);
    CHECK(text.find("a.example: version 3 has no key at certd and is not given back") != std::string::npos);
    CHECK(text.find("a.example: the account at ca.example has another key now, which certbot does not have") !=
          std::string::npos);
    // What certbot had is shown again, certificate and key together.
    CHECK(fs::read_symlink(world.tree.live("a.example") / "cert.pem") == "../../archive/a.example/cert2.pem");
    CHECK(world.is_served("a.example"));
}

TEST_CASE("nothing is done where it is not known what was taken over, or when that came from elsewhere") {
    World world;
    RealFileSystem files;
    Context context = world.tree.context(files);
    must(take_over(context));
    Context elsewhere = context;
    elsewhere.options.from = world.tree.base() / "elsewhere";
    fs::create_directories(elsewhere.options.from / "renewal");
    Result<Outcome> outcome = take_over(elsewhere);
    REQUIRE(!outcome);
    CHECK(outcome.error().code == "import.clash");
    CHECK(outcome.error().what == fmt::format("Lineages of {} were taken over; give them back before those of {}",
                                              context.options.from.string(), elsewhere.options.from.string()));
    CHECK(outcome.error().hint == "certctl import certbot --give-back --from " + context.options.from.string());
    outcome = give_back(elsewhere);
    REQUIRE(!outcome);
    CHECK(outcome.error().code == "import.nothing");
    CHECK(outcome.error().what == fmt::format("Nothing was taken over from {}, but from {}",
                                              elsewhere.options.from.string(), context.options.from.string()));

    put(world.tree.state() / "certbot.json", "{}");
    const Snapshot before = snapshot_of(world.tree.base());
    for (Run run : {Run(shadow), Run(take_over), Run(give_back)}) {
        outcome = run(context);
        REQUIRE(!outcome);
        CHECK(outcome.error().code == "storage.corrupt");
    }
    CHECK(difference(before, snapshot_of(world.tree.base())) == "");
}
