// Lives with certificates that name a CRL: looked up, found revoked, replaced; and lists that do not come.
#include "tests/flow/explain.hpp"
#include "tests/flow/world.hpp"

#include "libacme/crypto/digest.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/crl_maker.hpp"

#include <algorithm>

#include <fmt/format.h>

using namespace certd;
using namespace certd::test;

namespace {

const std::string url = "http://crl.test/7.crl";

// Who publishes the list. By default a good one of the moment, valid for nine days, under an ETag of its entries.
class CrlServer final : public Transport {
   public:
    explicit CrlServer(Clock& clock) : clock_(clock) {}

    Task<HttpResponse> send(HttpRequest request) override {
        asked.push_back(clock_.now());
        urls.push_back(request.url.text);
        if (down) fail("net.connect", "Cannot connect to crl.test:80");
        HttpResponse response;
        response.status = status;
        std::string etag = fmt::format("\"{}\"", entries.size());
        if (validators) response.headers.add("ETag", etag);
        if (validators && request.headers.find("If-None-Match") == etag) {
            ++unchanged;
            response.status = 304;
            co_return response;
        }
        response.body = body.empty() ? list() : body;
        co_return response;
    }

    std::string list() const {
        CrlSpec spec;
        spec.this_update = clock_.now() - age;
        spec.next_update = spec.this_update + validity;
        spec.entries = entries;
        return std::string(as_text(make_crl(fake_intermediate(), fake_intermediate_key(), spec)));
    }

    std::vector<CrlSpec::Entry> entries;
    std::vector<Time> asked;
    std::vector<std::string> urls;
    std::string body;  // in place of the list
    int status = 200;
    bool down = false, validators = false;
    std::size_t unchanged = 0;
    Duration validity = days(9), age{};

   private:
    Clock& clock_;
};

struct CrlWorld : World {
    CrlWorld() {
        crl_server = server;
        ca.knobs.crl_url = url;
    }
    std::shared_ptr<CrlServer> server = std::make_shared<CrlServer>(clock);

    void revoke(std::optional<int> reason, const std::string& name = "example.com") {
        server->entries.push_back({lineage(name).live->serial, std::chrono::floor<seconds>(clock.now()), reason});
    }
    VersionNumber live(const std::string& name = "example.com") { return lineage(name).state.live; }
    CrlSight sight(const std::string& name = "example.com") {
        std::optional<CrlSight> found = scheduler().crl_sight(*scheduler().find(test::name_of(name)));
        REQUIRE(found);
        return *found;
    }
    std::string key(std::uint32_t version) {
        VersionFiles version_files =
            value_or_fail(engine->store.read_version(test::name_of("example.com"), VersionNumber{version}));
        return sha256_hex(value_or_fail(parse_chain(version_files.cert)).front().public_key_der());
    }
    std::size_t cached() {
        auto names = files.list("/state/crls");
        return names ? names->size() : 0;
    }
};

bool says(const std::string& page, const std::string& words) {
    INFO(page);
    return page.find(words) != std::string::npos;
}

// Lineages l0, l1 … that share what the usual one has.
std::string many(int count) {
    std::string lineages = "lineages:\n";
    for (int i = 0; i < count; ++i)
        lineages += fmt::format("  l{0}: {{ names: [l{0}.example.com] }}\n", i);
    std::string text = usual_config();
    return text.substr(0, text.find("lineages:")) + lineages;
}

}  // namespace

TEST_CASE("a certificate is looked up in its CRL once it is there, then every few hours, and said to be good") {
    CrlWorld world;
    world.start();
    world.run_for(minutes(1));
    REQUIRE(world.server->asked.size() == 1);
    CHECK(world.server->urls.front() == url);
    CHECK(world.sight().status == CrlSight::Status::good);
    CHECK(says(explained(world), "The live certificate is not revoked, says " + url));
    CHECK(world.cached() == 2);

    world.run_for(days(1));
    CHECK(world.server->asked.size() >= 4);
    CHECK(world.server->asked.size() <= 6);
    CHECK(world.live() == VersionNumber{1});
    CHECK(world.plan().health == Health::ok);
    CHECK(says(world.engine->metrics_page(), "certd_lineage_revoked{lineage=\"example.com\"} 0"));
}

TEST_CASE("a revoked certificate is replaced at the next look, loudly") {
    CrlWorld world;
    world.start();
    world.run_for(hours(1));
    world.revoke(4);
    const Time revoked_at = world.clock.now();
    while (world.live() == VersionNumber{1} && world.clock.now() < revoked_at + days(1))
        world.run_for(minutes(10));
    CHECK(world.live() == VersionNumber{2});
    CHECK(world.clock.now() <= revoked_at + hours(6) + minutes(10));
    CHECK(world.service.serves() == world.live_fingerprint());

    auto told = std::ranges::find(world.events, EventType::version_revoked, &Event::type);
    REQUIRE(told != world.events.end());
    CHECK(told->severity == Severity::error);
    CHECK(told->message == fmt::format("Version 1 was revoked at {} (superseded); a new one is due now",
                                       format_rfc3339(std::chrono::floor<seconds>(revoked_at))));
    CHECK(world.count(EventType::version_revoked) == 1);
    bool reasoned = std::ranges::any_of(world.events, [](const Event& event) {
        return event.message.find("A renewal is due: version 1 was revoked at") != std::string::npos;
    });
    CHECK(reasoned);
    CHECK(std::ranges::find(world.lineage().state.rejected, VersionNumber{1}) != world.lineage().state.rejected.end());

    world.run_for(days(2));
    CHECK(world.live() == VersionNumber{2});
    CHECK(world.count(EventType::version_revoked) == 1);
    CHECK(world.sight().status == CrlSight::Status::good);
    CHECK(world.plan().health == Health::ok);
}

TEST_CASE("a key that is revoked as compromised is not used again, whatever reuse_key says") {
    for (std::optional<int> reason : {std::optional<int>(1), std::optional<int>(4)}) {
        CrlWorld world;
        world.start(with(usual_config(), "targets: [web] }", "targets: [web], reuse_key: { max_age: 365d } }"));
        world.run_for(hours(1));
        world.revoke(reason);
        world.run_for(hours(7));
        REQUIRE(world.live() == VersionNumber{2});
        CHECK((world.key(1) == world.key(2)) == (reason != 1));
        CHECK(world.engine->store.is_burned(world.key(1)).value() == (reason == 1));
    }
}

TEST_CASE("while the CA refuses, a revoked certificate stays critical and is tried again until it is replaced") {
    CrlWorld world;
    world.start();
    world.run_for(hours(1));
    world.revoke(1);
    world.ca.knobs.unavailable = true;
    world.run_for(days(3));
    REQUIRE(world.live() == VersionNumber{1});
    CHECK(world.plan().health == Health::critical);
    CHECK(world.plan().action == Action::issue);
    CHECK(world.sight().status == CrlSight::Status::revoked);
    CHECK(says(explained(world), "The live certificate was revoked at"));
    CHECK(says(explained(world), "Because: version 1 was revoked at"));
    CHECK(says(world.engine->metrics_page(), "certd_lineage_revoked{lineage=\"example.com\"} 1"));

    world.restart();
    world.run_for(minutes(1));
    CHECK(world.sight().status == CrlSight::Status::revoked);
    world.ca.knobs.unavailable = false;
    world.run_for(days(2));
    CHECK(world.live() == VersionNumber{2});
    CHECK(world.plan().health == Health::ok);
}

TEST_CASE("a CRL that does not come for a week is told of once, and changes nothing else") {
    CrlWorld world;
    world.start();
    world.run_for(hours(1));
    world.server->down = true;
    world.run_for(hours(20));
    CHECK(world.count(EventType::daemon_problem) == 0);
    world.run_for(days(7));
    REQUIRE(world.count(EventType::daemon_problem) == 1);
    auto told = std::ranges::find(world.events, EventType::daemon_problem, &Event::type);
    CHECK(told->severity == Severity::warning);
    CHECK(told->lineage == "example.com");
    CHECK(told->message.starts_with("Whether the certificate was revoked is not known: the CRL is missing since "));
    CHECK(told->problem->code == "crl.fetch");
    CHECK(told->problem->what == "Cannot fetch the CRL " + url + ": Cannot connect to crl.test:80");

    CHECK(world.live() == VersionNumber{1});
    CHECK(world.plan().health == Health::ok);
    CHECK(world.count(EventType::version_revoked) == 0);
    // What was known holds until it runs out.
    CHECK(world.sight().status == CrlSight::Status::good);
    world.run_for(days(2));
    CHECK(world.sight().status == CrlSight::Status::unknown);
    const std::string page = explained(world);
    CHECK(says(page, "Whether the live certificate was revoked is not known since"));
    CHECK(says(page, "The last look at its CRL brought nothing: Cannot fetch the CRL"));

    world.server->down = false;
    world.run_for(hours(7));
    CHECK(world.sight().status == CrlSight::Status::good);
}

TEST_CASE("no answer but a good list is believed, and none is asked for more than once an hour") {
    struct Bad {
        std::string what;
        std::function<void(CrlServer&)> happens;
        std::string code;
    };
    const std::vector<Bad> bad = {
        {"a page in its place", [](CrlServer& server) { server.body = "<html>blocked</html>"; }, "crl.invalid"},
        {"an error", [](CrlServer& server) { server.status = 503; }, "crl.fetch"},
        {"a redirect", [](CrlServer& server) { server.status = 302; }, "crl.fetch"},
        {"an old one", [](CrlServer& server) { server.age = days(10); }, "crl.stale"},
        {"one from before", [](CrlServer& server) { server.age = days(1); }, "crl.stale"},
        {"nothing", [](CrlServer& server) { server.down = true; }, "crl.fetch"},
    };
    for (const Bad& each : bad) {
        DYNAMIC_SECTION(each.what) {
            CrlWorld world;
            world.start();
            world.run_for(hours(1));
            world.revoke(1);
            each.happens(*world.server);
            world.run_for(hours(12));
            CHECK(world.live() == VersionNumber{1});
            CHECK(world.count(EventType::version_revoked) == 0);
            CHECK(world.plan().health == Health::ok);
            REQUIRE(world.sight().crl.problem);
            CHECK(world.sight().crl.problem->code == each.code);
            for (std::size_t i = 1; i < world.server->asked.size(); ++i)
                CHECK(world.server->asked[i] - world.server->asked[i - 1] >= hours(1));
        }
    }
}

TEST_CASE("a restart asks nobody: the list on disk says what is to be said") {
    CrlWorld world;
    world.start();
    world.run_for(hours(1));
    const std::size_t asked = world.server->asked.size();
    for (int i = 0; i < 5; ++i) {
        world.restart();
        world.run_for(minutes(5));
    }
    world.kill();
    world.start();
    world.run_for(minutes(5));
    CHECK(world.server->asked.size() == asked);
    CHECK(world.sight().status == CrlSight::Status::good);
    CHECK(world.sight().crl.checked_at);

    // One that was damaged is fetched again.
    world.stop();
    for (const std::string& name : value_or_fail(world.files.list("/state/crls"))) {
        if (!name.ends_with(".crl")) continue;
        REQUIRE(durable_write(world.files, Path("/state/crls") / name, "rubbish"));
    }
    world.start();
    world.run_for(minutes(5));
    CHECK(world.server->asked.size() == asked + 1);
    CHECK(world.sight().status == CrlSight::Status::good);
}

TEST_CASE("a list that has not changed is not sent again") {
    CrlWorld world;
    world.server->validators = true;
    world.start();
    world.run_for(days(1));
    CHECK(world.server->asked.size() >= 4);
    CHECK(world.server->unchanged == world.server->asked.size() - 1);
    CHECK(world.sight().status == CrlSight::Status::good);
    world.revoke(4);
    world.run_for(hours(7));
    CHECK(world.live() == VersionNumber{2});
}

TEST_CASE("many lineages with one list cost one question, and each is found in it") {
    CrlWorld world;
    world.start(many(60));
    world.run_for(hours(1));
    CHECK(world.ca.certificates() == 60);
    CHECK(world.server->asked.size() == 1);
    for (int i = 0; i < 60; ++i)
        CHECK(world.sight(fmt::format("l{}", i)).status == CrlSight::Status::good);
    world.revoke(4, "l7");
    world.revoke(1, "l59");
    world.run_for(hours(7));
    CHECK(world.server->asked.size() == 2);
    CHECK(world.count(EventType::version_revoked) == 2);
    CHECK(world.live("l7") == VersionNumber{2});
    CHECK(world.live("l59") == VersionNumber{2});
    CHECK(world.live("l8") == VersionNumber{1});

    world.stop();
    world.start(many(60));
    world.run_for(minutes(10));
    CHECK(world.server->asked.size() == 2);
    CHECK(world.sight("l33").status == CrlSight::Status::good);
}

TEST_CASE("a certificate that names no CRL is not looked up, and explain says so") {
    CrlWorld world;
    world.ca.knobs.crl_url.clear();
    world.start();
    world.run_for(days(1));
    CHECK(world.server->asked.empty());
    CHECK(world.sight().status == CrlSight::Status::not_checked);
    CHECK(says(explained(world), "Whether the certificate was revoked is not looked at: it names no CRL"));
    CHECK(world.cached() == 0);
}

TEST_CASE("a list that nobody needs any more goes from the disk, and nothing is asked once it is switched off") {
    CrlWorld world;
    world.start();
    world.run_for(hours(1));
    CHECK(world.cached() == 2);
    world.ca.knobs.crl_url = "http://crl.test/8.crl";
    REQUIRE(world.renew({.force = true}));
    world.run_for(hours(1));
    CHECK(world.server->urls.back() == "http://crl.test/8.crl");
    CHECK(world.cached() == 2);

    const std::size_t asked = world.server->asked.size();
    world.reload(usual_config() + "revocation: { crl: false }\n");
    world.run_for(days(2));
    CHECK(world.server->asked.size() == asked);
    CHECK(world.cached() == 0);
    CHECK_FALSE(world.scheduler().crl_sight(*world.scheduler().find(test::name_of("example.com"))));
    world.reload(usual_config());
    world.run_for(hours(1));
    CHECK(world.server->asked.size() == asked + 1);
    CHECK(world.sight().status == CrlSight::Status::good);
}

TEST_CASE("a revocation of the operator's own is not found a second time, and names given up are not ordered again") {
    CrlWorld world;
    world.start();
    world.run_for(hours(1));
    REQUIRE(world.drive(world.scheduler().note_revoked(test::name_of("example.com"), VersionNumber{1}, {}, false)));
    world.revoke(5);
    world.run_for(days(1));
    CHECK(world.live() == VersionNumber{1});
    CHECK(world.count(EventType::version_revoked) == 1);
    CHECK(world.sight().status == CrlSight::Status::revoked);
    CHECK(world.plan().health == Health::critical);
}

TEST_CASE("each operation on the disk may fail once: the revoked certificate is replaced all the same") {
    for (std::size_t fault = 0; fault < 24; ++fault) {
        CrlWorld world;
        world.start();
        world.run_for(hours(1));
        world.revoke(1);
        world.files.plan({.fail_at = fault});
        world.run_for(days(2));
        INFO("Operation " << fault);
        CHECK(world.live() >= VersionNumber{2});
        CHECK(world.engine->store.is_burned(world.key(1)).value());
    }
}
