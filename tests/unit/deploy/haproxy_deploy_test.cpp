// Deployments to a haproxy that takes up certificates over its runtime API, and the reload that follows when it does
// not (faults F53). At the end of each, what is in memory is what is on disk.
#include "tests/support/fake_haproxy.hpp"
#include "tests/unit/deploy/world.hpp"

#include "daemon/deploy/parts.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>

using namespace certd;
using namespace certd::test;

namespace {

const std::string path = "/etc/haproxy/certs/shop.pem";
const std::string socket_path = "/run/haproxy/admin.sock";

enum class Fallback { reload, none };

// Version 1 is live, installed with empty lines between its blocks, and in haproxy's memory.
class Balanced : public World {
   public:
    explicit Balanced(Fallback fallback = Fallback::reload) {
        config::Target target;
        target.name = {"web"};
        target.install = {{config::Part::combined, path, 0600, std::nullopt, std::nullopt}};
        if (fallback == Fallback::reload) target.reload.command = {{"haproxy", "reload"}};
        target.reload.haproxy = socket_path;
        target.verify.addresses = {{StartTls::none, "127.0.0.1:443"}};
        configure({target});
        REQUIRE(store.set_live(name, {1}));
        const auto& old = material(1).files;
        host.put(path, "# by hand\n\n" + old.privkey + "\n\n" + old.fullchain + "\n", 0640);
        haproxy.load();
    }
    // Whether version `number` is on disk, in memory and live, and nothing is left open.
    void check_whole(unsigned number) {
        CHECK(haproxy.serves(path) == fingerprint(number));
        CHECK(first_certificate(host.content(path))->fingerprint_sha256() == fingerprint(number));
        CHECK(haproxy.agrees_with_disk());
        CHECK(live() == VersionNumber{number});
        CHECK_FALSE(has_journal());
    }
    const Event* fallback_event() const {
        for (const auto& event : events) {
            if (event.data.string_or("step") == "haproxy-fallback") return &event;
        }
        return nullptr;
    }

    FakeHaproxy haproxy{host, {path}};
};

void deploys_by_reload(Balanced& world, const std::string& code) {
    const auto outcome = world.deploy(world.order(2));
    CHECK(outcome.complete);
    world.check_whole(2);
    CHECK(world.haproxy.reloads == 1);
    REQUIRE(world.fallback_event() != nullptr);
    CHECK(world.fallback_event()->severity == Severity::warning);
    CHECK(world.fallback_event()->message ==
          "haproxy did not take up the files of web by its runtime API and is reloaded");
    REQUIRE(world.fallback_event()->problem);
    CHECK(world.fallback_event()->problem->code == code);
}

}  // namespace

TEST_CASE("haproxy takes up a new certificate without a reload, and the file is replaced too") {
    Balanced world;
    const auto outcome = world.deploy(world.order(2));
    CHECK(outcome.complete);
    world.check_whole(2);
    CHECK(world.haproxy.reloads == 0);
    CHECK(world.host.steps() == "install " + path + "; ask " + socket_path + " show ssl cert; ask " + socket_path +
                                    " set ssl cert " + path + " <<; ask " + socket_path + " commit ssl cert " + path +
                                    "; ask " + socket_path + " show ssl cert " + path);
    CHECK(world.fallback_event() == nullptr);
    bool told = false;
    for (const auto& event : world.events)
        told |= event.message == "haproxy took up the files of web without a reload";
    CHECK(told);
}

TEST_CASE("what is not served after all is put back over the runtime API, empty lines in the old file or not") {
    Balanced world(Fallback::none);
    const std::string old = world.host.content(path);
    // Somebody else answers at the address once the new certificate is in memory.
    const auto shown = world.host.on_probe;
    world.host.on_probe = [&, shown](const ProbeRequest& request) -> Result<Served> {
        if (world.haproxy.serves(path) == world.fingerprint(2))
            return failure("tls.handshake", "TLS handshake with " + request.address + " failed");
        return shown(request);
    };
    const auto outcome = world.deploy(world.order(2));
    CHECK_FALSE(outcome.complete);
    CHECK(outcome.rolled_back_after_verify);
    world.check_whole(1);
    CHECK(world.host.content(path) == old);
    CHECK(world.haproxy.reloads == 0);
    CHECK(world.haproxy.count("commit ") == 2);
    REQUIRE(outcome.problem);
    CHECK(outcome.problem->code == "tls.notServed");
}

TEST_CASE("a rollback by hand goes the same way back") {
    Balanced world;
    REQUIRE(world.deploy(world.order(2)).complete);
    auto back = world.order(1);
    back.manual_rollback = true;
    CHECK(world.deploy(back).complete);
    world.check_whole(1);
    CHECK(world.haproxy.reloads == 0);
}

TEST_CASE("with the socket gone haproxy is reloaded") {
    Balanced world;
    world.host.on_ask = [](const LocalQuestion& question) -> Result<std::string> {
        return failure("net.connect", "Cannot connect to the socket " + question.socket + " (No such file)");
    };
    deploys_by_reload(world, "haproxy.unreachable");
    CHECK(world.fallback_event()->problem->what ==
          "Cannot connect to the socket /run/haproxy/admin.sock (No such file)");
}

TEST_CASE("with a socket of too low a level haproxy is reloaded") {
    for (const char* level : {"operator", "user"}) {
        Balanced world;
        world.haproxy.level = level;
        deploys_by_reload(world, "haproxy.denied");
    }
}

TEST_CASE("while another program has its transaction open haproxy is reloaded, once that has had its time") {
    Balanced world;
    world.haproxy.pending = {path, world.material(1).files.privkey};
    deploys_by_reload(world, "haproxy.busy");
    CHECK(world.haproxy.count("set ") == 0);
    CHECK(world.haproxy.count("abort ") == 0);
}

TEST_CASE("a transaction of another program that ends in time is no obstacle") {
    Balanced world;
    world.haproxy.pending = {path, world.material(1).files.privkey};
    std::size_t looks = 0;
    world.haproxy.instead = [&](const std::string&) -> std::optional<Result<std::string>> {
        if (++looks == 5) world.haproxy.pending.reset();
        return std::nullopt;
    };
    CHECK(world.deploy(world.order(2)).complete);
    world.check_whole(2);
    CHECK(world.haproxy.reloads == 0);
}

TEST_CASE("a certificate larger than tune.bufsize is taken up by a reload") {
    Balanced world;
    world.haproxy.bufsize = 400;
    deploys_by_reload(world, "haproxy.tooLarge");
}

TEST_CASE("a path that haproxy does not know yet is taken up by a reload") {
    Balanced world;
    world.haproxy.instead = [](const std::string& command) -> std::optional<Result<std::string>> {
        if (command == "show ssl cert\n") return "# filename\n/other.pem\n\n";
        return std::nullopt;
    };
    deploys_by_reload(world, "haproxy.unknown");
}

TEST_CASE("a commit that is refused is aborted, and haproxy reloaded") {
    Balanced world;
    world.haproxy.instead = [](const std::string& command) -> std::optional<Result<std::string>> {
        if (command.starts_with("commit")) return "no memory\nCan't commit " + path + "!\n\n";
        return std::nullopt;
    };
    deploys_by_reload(world, "haproxy.refused");
    CHECK(world.haproxy.count("abort ") == 1);
    CHECK(world.fallback_event()->problem->remote == "no memory\nCan't commit " + path + "!");
}

TEST_CASE("a reload between set and commit only delays it") {
    Balanced world;
    bool once = false;
    world.haproxy.instead = [&](const std::string& command) -> std::optional<Result<std::string>> {
        if (command.starts_with("commit") && !std::exchange(once, true)) world.haproxy.load();
        return std::nullopt;
    };
    CHECK(world.deploy(world.order(2)).complete);
    world.check_whole(2);
    CHECK(world.haproxy.reloads == 0);
    CHECK(world.haproxy.count("set ") == 2);
}

TEST_CASE("workers that go on serving the old certificate are reloaded") {
    Balanced world;
    world.haproxy.serves_old = true;  // what was asked was about to end
    deploys_by_reload(world, "haproxy.notTaken");
    CHECK(world.fallback_event()->problem->what.starts_with(
        "127.0.0.1:443 for certd-check.example.com does not serve the certificate that haproxy took up after 2s"));
}

TEST_CASE("what an interrupted deployment left open is taken on by the next one") {
    Balanced world;
    const auto& files = world.material(2).files;
    world.haproxy.pending = {path, files.privkey + files.fullchain};
    CHECK(world.deploy(world.order(2)).complete);
    world.check_whole(2);
    CHECK(world.haproxy.reloads == 0);
}

TEST_CASE("without a unit or command beside the socket, a failure of the runtime API is one of the reload") {
    Balanced world(Fallback::none);
    world.haproxy.level = "operator";
    const auto outcome = world.deploy(world.order(2));
    CHECK_FALSE(outcome.complete);
    world.check_whole(1);
    REQUIRE(outcome.problem);
    CHECK(outcome.problem->code == "deploy.reload");
    CHECK(outcome.problem->what ==
          "haproxy did not take up the files of web: The level of haproxy's socket is too low");
    CHECK(outcome.problem->hint == problem("haproxy.denied", "").hint);
    CHECK(outcome.problem->remote == "Permission denied");
    REQUIRE(outcome.problem->parts.size() == 1);
    CHECK(outcome.problem->parts[0].code == "haproxy.denied");
}

TEST_CASE("when neither the runtime API nor the reload works, both are told and the old file is back") {
    Balanced world;
    world.haproxy.level = "operator";
    world.host.on_run = [](const Command&) -> Result<ProcessResult> { return exited(1, "no such unit"); };
    const auto outcome = world.deploy(world.order(2));
    CHECK_FALSE(outcome.complete);
    world.check_whole(1);
    REQUIRE(outcome.problem);
    CHECK(outcome.problem->what == "The reload command of web (haproxy reload) exited with status 1");
    REQUIRE(outcome.problem->parts.size() == 1);
    CHECK(outcome.problem->parts[0].code == "haproxy.denied");
}

TEST_CASE("each question that fails once, or whose answer is lost or cut short, leaves memory and disk in agreement") {
    enum class Fault { unsent, lost, cut, nonsense };
    const auto fault = GENERATE(Fault::unsent, Fault::lost, Fault::cut, Fault::nonsense);
    const auto fallback = GENERATE(Fallback::reload, Fallback::none);
    for (std::size_t at = 0; at < 4; ++at) {
        CAPTURE(at, static_cast<int>(fault), static_cast<int>(fallback));
        Balanced world(fallback);
        std::size_t asked = 0;
        world.haproxy.instead = [&](const std::string& command) -> std::optional<Result<std::string>> {
            if (asked++ != at) return std::nullopt;
            if (fault == Fault::unsent) return failure("net.connect", "Cannot connect");
            const std::string said = world.haproxy.ask(command);
            if (fault == Fault::lost) return failure("net.timeout", "No answer");
            if (fault == Fault::cut) return said.substr(0, said.size() - 1);
            return "\x1b[2J Success!\n\n";
        };
        const auto outcome = world.deploy(world.order(2));
        CHECK(outcome.complete == (fallback == Fallback::reload));
        world.check_whole(outcome.complete ? 2 : 1);
    }
}

TEST_CASE("a deployment cancelled in the midst of its questions leaves no transaction open and goes back") {
    for (const char* verb : {"set ", "commit "}) {
        CAPTURE(verb);
        Balanced world;
        asio::cancellation_signal cancel;
        world.host.on_operation = [&](std::size_t number) {
            if (world.host.hang_at || !world.host.log.back().starts_with("ask " + socket_path + " " + verb)) return;
            world.host.hang_at = number;
            asio::post(world.io, [&] { cancel.emit(asio::cancellation_type::all); });
        };
        bool done = false;
        asio::co_spawn(
            world.io, world.deployer.deploy(world.order(2)),
            asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr, DeployOutcome) { done = true; }));
        for (;;) {
            world.clock.run_until_idle(world.io);
            if (done) break;
            REQUIRE(world.clock.advance_to_next_timer());
        }
        CHECK(world.haproxy.agrees_with_disk());
        CHECK(world.haproxy.serves(path) == world.fingerprint(1));
        CHECK(world.haproxy.reloads == 0);
        CHECK(world.live() == VersionNumber{1});
    }
}

TEST_CASE("a haproxy that does not come to an end has the time of a command, then its transaction is aborted") {
    for (const std::string verb : {"show", "set", "commit"}) {
        CAPTURE(verb);
        Balanced world;
        world.host.on_operation = [&](std::size_t number) {
            if (!world.host.hang_at && world.host.log.back().starts_with("ask " + socket_path + " " + verb))
                world.host.hang_at = number;
        };
        const Time begun = world.clock.now();
        deploys_by_reload(world, "haproxy.unreachable");
        CHECK(world.fallback_event()->problem->what == "haproxy did not take up the files of web within 1m");
        CHECK(world.clock.now() - begun < minutes(2));
        CHECK(world.haproxy.count("abort ") == (verb == "show" ? 0 : 1));
    }
}

TEST_CASE("a rehearsal asks for the level and the paths and changes nothing") {
    const auto rehearse = [](Balanced& world) {
        const auto& material = world.material(2);
        return run(world.io, world.clock, world.deployer.rehearse(world.order(2), material.files, material.facts));
    };
    Balanced fine(Fallback::none);
    CHECK(rehearse(fine));
    CHECK(fine.haproxy.count("show ") == 2);
    CHECK(fine.haproxy.count("set ") == 0);
    Balanced denied(Fallback::none);
    denied.haproxy.level = "operator";
    const auto refused = rehearse(denied);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "haproxy.denied");
    // With a reload to fall back to it is a warning.
    Balanced warned;
    warned.haproxy.level = "operator";
    CHECK(rehearse(warned));
    REQUIRE(warned.event(EventType::deploy_step) != nullptr);
    CHECK(warned.event(EventType::deploy_step)->message ==
          "haproxy of web would be reloaded: its runtime API cannot be used");
}
