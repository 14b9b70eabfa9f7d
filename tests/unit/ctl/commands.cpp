// Whole commands against a scripted server: what is printed and which exit code it means.
#include "ctl/command_line.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/unit/ctl/samples.hpp"
#include "tests/unit/ctl/scripted_server.hpp"

#include <fstream>

#include <fmt/format.h>
#include <poll.h>

using namespace certd;
using namespace certd::ctl;
using namespace certd::test;

namespace {

using Rows = std::vector<std::string>;

// Takes a key for each of the rows shown, and then has enough.
class ScriptedScreen final : public Screen {
   public:
    ScriptedScreen(std::vector<Key> keys, std::vector<Rows>& shown) : keys_(std::move(keys)), shown_(shown) {}
    void show(const Rows& rows) override { shown_.push_back(rows); }
    Key wait(int fd, Duration limit) override {
        if (next_ == keys_.size()) return Key::quit;
        // As long as a look lasts that is made because of an event.
        pollfd source{fd, POLLIN, 0};
        ::poll(&source, 1, static_cast<int>(limit.count()));
        return keys_[next_++];
    }

   private:
    std::vector<Key> keys_;
    std::vector<Rows>& shown_;
    std::size_t next_ = 0;
};

class StringConsole final : public Console {
   public:
    explicit StringConsole(bool terminal) : terminal_(terminal) {}
    Style style() const override {
        Style style = plain(terminal_ ? 80 : 0);
        style.height = terminal_ ? 12 : 0;
        return style;
    }
    bool is_terminal() const override { return terminal_; }
    void print(std::string_view text) override { out += text; }
    void complain(std::string_view text) override { err += text; }
    bool pause(Duration) override { return ++pauses < 3; }
    bool can_draw() const override { return keys.has_value(); }
    std::unique_ptr<Screen> open_screen() override { return std::make_unique<ScriptedScreen>(*keys, shown); }

    std::string out, err;
    int pauses = 0;
    std::optional<std::vector<Key>> keys;  // none: a terminal that cannot be drawn on
    std::vector<Rows> shown;

   private:
    bool terminal_;
};

struct Outcome {
    ExitCode code = ExitCode::ok;
    std::string out, err;
    std::vector<std::string> requests;
    std::vector<Rows> shown = {};
};

Outcome run_on(StringConsole& console, std::vector<std::string> answers, std::vector<std::string> arguments,
               bool hold_open = false, Duration silence = seconds(2)) {
    ScriptedServer server(std::move(answers), hold_open);
    CommandLine line = parse_command_line(std::move(arguments), server.path());
    REQUIRE(line.command != nullptr);
    ClientLimits limits;
    limits.answer = limits.silence = silence;
    Client client(line.options.socket, limits);
    ExitCode code = line.command->run({line.options, client, console});
    return {code, console.out, console.err, server.requests(), console.shown};
}

Outcome run(std::vector<std::string> answers, std::vector<std::string> arguments, bool terminal = false,
            bool hold_open = false) {
    StringConsole console(terminal);
    return run_on(console, std::move(answers), std::move(arguments), hold_open,
                  hold_open ? milliseconds(300) : seconds(2));
}

std::string json_response(const Json& json) {
    return response(200, "application/json", to_text(json) + "\n");
}

std::string status_response() {
    api::DaemonStatus status;
    status.now = sample_now();
    return json_response(api::to_json(status));
}

std::string list_response(const std::vector<api::Lineage>& lineages) {
    Json list = Json::array();
    for (const api::Lineage& lineage : lineages)
        list.push(api::to_json(lineage, true));
    return json_response(Json::object({{"now", format_rfc3339(sample_now())}, {"last_event", 7}, {"lineages", list}}));
}

std::string result_line(const std::string& lineage, const std::string& message) {
    return to_text(Json::object({{"result", api::to_json(api::JobResult{lineage, "issued", 5, message})}}));
}

std::string problem_text(const Problem& cause) {
    return to_text(Json::object({{"problem", to_json(cause)}}));
}

const std::string step_line =
    R"({"id":1,"at":"2026-11-23T10:04:00Z","type":"renewal.step","severity":"debug","lineage":"a","job":7,"message":"Placing an order","data":{"step":"ordering"}})";

}  // namespace

TEST_CASE("status of healthy lineages ends with 0, of others with 4") {
    Outcome good = run({list_response({ok_lineage()}), status_response()}, {"status"});
    CHECK(good.code == ExitCode::ok);
    CHECK(good.out.ends_with("1 lineage: 1 ok\n"));
    CHECK(good.requests[0].starts_with("GET /v1/lineages?view=table HTTP/1.1"));
    Outcome bad = run({list_response({ok_lineage(), failed_lineage()}), status_response()}, {"status", "a", "b"});
    CHECK(bad.code == ExitCode::unhealthy);
    CHECK(bad.requests[0].starts_with("GET /v1/lineages?view=table&name=a%2Cb HTTP/1.1"));
}

TEST_CASE("status of one lineage shows it in full") {
    Outcome outcome =
        run({json_response(api::to_json(failed_lineage())), status_response()}, {"status", "shop.example.net"});
    CHECK(outcome.code == ExitCode::unhealthy);
    CHECK(outcome.out.find("  Problem      The test command") != std::string::npos);
    CHECK(outcome.requests[0].starts_with("GET /v1/lineages/shop.example.net HTTP/1.1"));
}

TEST_CASE("status --json prints the daemon's own document and the same exit code") {
    Outcome outcome = run({list_response({failed_lineage()})}, {"status", "--json"});
    CHECK(outcome.code == ExitCode::unhealthy);
    CHECK(parse_json(outcome.out).value()["lineages"].if_array()->size() == 1);
    CHECK(outcome.requests.size() == 1);
    CHECK(outcome.requests[0].starts_with("GET /v1/lineages HTTP/1.1"));
}

TEST_CASE("status --watch shows it again and again where nothing can be drawn") {
    std::vector<std::string> answers;
    for (int i = 0; i < 3; ++i)
        answers.insert(answers.end(), {list_response({ok_lineage()}), status_response()});
    for (const bool terminal : {true, false}) {
        Outcome outcome = run(answers, {"status", "--watch"}, terminal);
        CHECK(outcome.code == ExitCode::ok);
        std::size_t times = 0;
        for (std::size_t at = outcome.out.find("1 ok"); at != std::string::npos; at = outcome.out.find("1 ok", at + 1))
            ++times;
        CHECK(times == 3);
        CHECK(outcome.out.find('\x1b') == std::string::npos);
    }
}

TEST_CASE("status --watch takes the whole screen until q, and looks again when an event tells of something") {
    StringConsole console(true);
    console.keys = {Key::none, Key::none, Key::none, Key::none};
    Outcome outcome = run_on(console,
                             {list_response({ok_lineage()}), status_response(), stream_of({step_line}, true),
                              list_response({failed_lineage()}), status_response(), stream_of({}, true)},
                             {"status", "--watch"}, true, seconds(30));
    CHECK(outcome.code == ExitCode::unhealthy);
    CHECK(outcome.out.empty());
    REQUIRE(outcome.requests.size() >= 5);
    CHECK(outcome.requests[2].starts_with("GET /v1/events?follow=1&after=7 HTTP/1.1"));
    CHECK(outcome.shown.front().at(1) == "1 lineage: 1 ok");
    CHECK(outcome.shown.back().at(1) == "1 lineage: 1 warning");
    for (const Rows& rows : outcome.shown) {
        CHECK(rows.size() == 12);
        CHECK(rows.back() == "q quit");
    }
}

TEST_CASE("status --watch keeps what was seen last, says why it gets old, and goes on when certd is back") {
    StringConsole console(true);
    console.keys = {Key::none, Key::none, Key::none, Key::none};
    const std::string stopping =
        response(503, "application/problem+json", to_text(to_json(problem("control.stopping", "certd is stopping"))));
    Outcome lost = run_on(console, {list_response({ok_lineage()}), status_response(), stopping}, {"status", "--watch"});
    CHECK(lost.code == ExitCode::unreachable);
    CHECK(lost.shown.back().at(4).starts_with("example.com"));
    CHECK(lost.shown.back().at(10).starts_with("certd does not answer since 2026-11-23 10:04:0"));
    CHECK(lost.shown.back().at(10).ends_with("certd is stopping"));

    StringConsole again(true);
    again.keys = {Key::none, Key::none, Key::none, Key::none};
    Outcome back = run_on(again,
                          {list_response({ok_lineage()}), status_response(), stopping, list_response({ok_lineage()}),
                           status_response(), stream_of({}, true)},
                          {"status", "--watch"}, true, seconds(30));
    CHECK(back.code == ExitCode::ok);
    CHECK(back.shown.back().at(10).empty());
}

TEST_CASE("status --watch does not take the screen when certd cannot be asked") {
    StringConsole console(true);
    console.keys = {Key::none};
    Outcome outcome = run_on(console, {response(500, "text/plain", "")}, {"status", "--watch"});
    CHECK(outcome.shown.empty());
    CHECK(outcome.err.starts_with("certctl: "));
}

namespace {

// web1 failed, and web2 waits for it.
api::Lineage stopped_fleet() {
    api::Lineage lineage = failed_lineage("shop");
    api::Rollout rollout;
    rollout.target = "fleet";
    rollout.version = 5;
    rollout.phase = "stopped";
    rollout.total = 2;
    rollout.failed = rollout.pending = 1;
    rollout.hosts = {"web1", "web2"};
    rollout.failed_hosts = {"web1"};
    lineage.rollouts = {rollout};
    lineage.targets.push_back({"fleet", "web1", "failed", 4, std::string(64, '4'), std::nullopt, nginx_problem(), {}});
    lineage.targets.push_back({"fleet", "web2", "pending", 4, std::string(64, '4'), std::nullopt, std::nullopt, {}});
    return lineage;
}

}  // namespace

TEST_CASE("rollout shows phase and hosts, and ends with 1 when it was stopped") {
    Outcome outcome = run({json_response(api::to_json(stopped_fleet())), status_response()}, {"rollout", "shop"});
    CHECK(outcome.code == ExitCode::failed);
    CHECK(outcome.out.starts_with("shop: version 5 to fleet: stopped after web1: The test command"));
    CHECK(outcome.out.find("\n  web2  pending") != std::string::npos);
    CHECK(outcome.requests[0].starts_with("GET /v1/lineages/shop HTTP/1.1"));
}

TEST_CASE("rollout --json has the rollouts and targets of the daemon's document, or those of one target") {
    const std::vector<std::string> answers = {json_response(api::to_json(stopped_fleet())), status_response()};
    Json all = parse_json(run(answers, {"rollout", "shop", "--json"}).out).value();
    CHECK(all["targets"].if_array()->size() == 3);
    CHECK(all["rollouts"].if_array()->front().string_or("phase") == "stopped");
    Json web = parse_json(run(answers, {"rollout", "shop", "--target", "web", "--json"}).out).value();
    CHECK(web["targets"].if_array()->size() == 1);
    CHECK(web["rollouts"].if_array()->empty());
}

TEST_CASE("rollout knows targets that are not there, and lineages without hosts") {
    Outcome unknown =
        run({json_response(api::to_json(stopped_fleet())), status_response()}, {"rollout", "shop", "--target", "x"});
    CHECK(unknown.code == ExitCode::failed);
    CHECK(unknown.err.starts_with("certctl: shop has no target 'x'\n"));
    Outcome none = run({json_response(api::to_json(ok_lineage())), status_response()}, {"rollout", "example.com"});
    CHECK(none.code == ExitCode::ok);
    CHECK(none.out == "example.com is deployed to no other hosts: nothing is rolled out\n");
}

TEST_CASE("rollout --watch ends at once when nothing is rolled out") {
    Outcome outcome =
        run({json_response(api::to_json(stopped_fleet())), status_response()}, {"rollout", "shop", "--watch"});
    CHECK(outcome.code == ExitCode::failed);
    CHECK(outcome.requests.size() == 2);
    CHECK(outcome.out.find(" fleet: version 5: stopped after web1: ") != std::string::npos);
}

TEST_CASE("rollout --watch goes on from the event of its first look, and says when certd has gone") {
    api::Lineage running = stopped_fleet();
    running.state = "deploying";
    running.last_event = 41;
    const std::string event =
        R"({"id":42,"at":"2026-11-23T10:04:00Z","type":"deploy.verified","severity":"info","lineage":"shop","target":"fleet","host":"web1","message":"fleet on web1 serves version 5"})";
    Outcome outcome = run({json_response(api::to_json(running)), status_response(), stream_of({event})},
                          {"rollout", "shop", "--watch"});
    CHECK(outcome.code == ExitCode::unreachable);
    CHECK(outcome.requests[2].starts_with("GET /v1/events?follow=1&after=41&lineage=shop HTTP/1.1"));
    CHECK(outcome.out.find(" fleet on web1 serves version 5\n") != std::string::npos);
    CHECK(outcome.err.find("certd ended the stream of events") != std::string::npos);
}

TEST_CASE("a refused call says why and ends with 5") {
    Outcome outcome = run({response(403, "application/problem+json",
                                    to_text(to_json(problem("control.forbidden", "uid 7 has the role viewer"))))},
                          {"reload"});
    CHECK(outcome.code == ExitCode::not_permitted);
    CHECK(outcome.err.starts_with("certctl: uid 7 has the role viewer\n"));
    CHECK(outcome.err.find("Remedy: ") != std::string::npos);
}

TEST_CASE("renew follows the stream to its result") {
    Outcome outcome =
        run({stream_of({R"({"started":{"lineage":"a","job":7,"joined":true}})", step_line,
                        R"({"heartbeat":"2026-11-23T10:04:00Z"})", result_line("a", "Issued version 5")})},
            {"renew", "a", "--force"});
    CHECK(outcome.code == ExitCode::ok);
    CHECK(outcome.out.starts_with(
        "a: joined the operation already running (job 7)\n· a: Placing an order\n✓ a: Issued version 5 ("));
    CHECK(outcome.requests[0].starts_with("POST /v1/lineages/a/renew HTTP/1.1"));
}

TEST_CASE("renew of several lineages tells of each and fails when one has failed") {
    Outcome outcome =
        run({stream_of({result_line("a", "Issued version 5")}), stream_of({problem_text(nginx_problem())})},
            {"renew", "a", "b"});
    CHECK(outcome.code == ExitCode::failed);
    CHECK(outcome.out.find("✓ a: Issued version 5") != std::string::npos);
    CHECK(outcome.err.starts_with("✗ b: The test command of target web failed"));
}

TEST_CASE("renew on a terminal keeps a live line and erases it") {
    Outcome outcome = run({stream_of({step_line, result_line("a", "Issued version 5")})}, {"renew", "a"}, true);
    CHECK(outcome.code == ExitCode::ok);
    CHECK(outcome.out.find("✓ a: Placing an order (") != std::string::npos);
    CHECK(outcome.out.ends_with(")\n"));
}

TEST_CASE("renew --json passes the lines on, without heartbeats") {
    Outcome outcome =
        run({stream_of({step_line, R"({"heartbeat":"x"})", result_line("a", "done")})}, {"renew", "a", "--json"});
    CHECK(outcome.out == step_line + "\n" + result_line("a", "done") + "\n");
}

TEST_CASE("a daemon that goes away amid a renewal is not reachable, and nothing is claimed") {
    CHECK(run({stream_of({step_line}, true)}, {"renew", "a"}).code == ExitCode::unreachable);
    CHECK(run({stream_of({step_line})}, {"renew", "a"}).code == ExitCode::unreachable);
    CHECK(run({stream_of({"not json"})}, {"renew", "a"}).code == ExitCode::unreachable);
    CHECK(run({stream_of({"[]"})}, {"check", "a"}).code == ExitCode::unreachable);
}

TEST_CASE("renew --no-wait says which job it is") {
    Outcome outcome = run({response(202, "application/json", R"({"result":{"lineage":"a","job":12,"joined":false}})")},
                          {"renew", "a", "--no-wait"});
    CHECK(outcome.code == ExitCode::ok);
    CHECK(outcome.out == "a: has started (job 12)\n");
}

TEST_CASE("check fails when a finding has failed") {
    std::string good =
        R"({"result":{"lineage":"a","findings":[{"check":"ca.reachable","result":"ok","text":"answers"}]}})";
    std::string bad =
        R"({"result":{"lineage":"a","findings":[{"check":"ca.reachable","result":"blocked","text":"does not answer"}]}})";
    CHECK(run({stream_of({good})}, {"check", "a"}).code == ExitCode::ok);
    CHECK(run({stream_of({bad})}, {"check", "a"}).code == ExitCode::failed);
}

TEST_CASE("doctor ends with 0, 4 or 1: all ok, warnings, something blocked") {
    const auto found = [](const std::string& results) {
        return R"({"result":{"groups":[{"group":"state","lineage":"","findings":[)" + results + "]}]}}";
    };
    const std::string ok = R"({"check":"a","result":"ok","text":"fine"})";
    const std::string warning = R"({"check":"b","result":"warning","text":"hm"})";
    const std::string blocked = R"({"check":"c","result":"blocked","text":"no"})";
    CHECK(run({stream_of({R"({"heartbeat":"x"})", found(ok)})}, {"doctor"}).code == ExitCode::ok);
    CHECK(run({stream_of({found(ok + "," + warning)})}, {"doctor"}).code == ExitCode::unhealthy);
    CHECK(run({stream_of({found(warning + "," + blocked)})}, {"doctor"}).code == ExitCode::failed);
    CHECK(run({stream_of({found(R"({"check":"d","result":"unheard-of"})")})}, {"doctor"}).code == ExitCode::failed);
    CHECK(run({stream_of({found(ok)})}, {"doctor", "--json"}).out ==
          R"({"groups":[{"group":"state","lineage":"","findings":[)" + ok + "]}]}\n");
}

TEST_CASE("doctor and check claim nothing when certd goes away, falls silent or refuses") {
    const std::string heartbeat = R"({"heartbeat":"x"})";
    for (const std::vector<std::string>& words : {std::vector<std::string>{"doctor"}, {"check", "a"}}) {
        CAPTURE(words.front());
        Outcome gone = run({stream_of({heartbeat})}, words);
        CHECK(gone.code == ExitCode::unreachable);
        CHECK(gone.err.find("certd ended its answer without a result") != std::string::npos);
        CHECK(run({stream_of({heartbeat}, true)}, words).code == ExitCode::unreachable);
        CHECK(run({stream_of({"not json"})}, words).err.find("is not JSON") != std::string::npos);
        Outcome silent = run({stream_of({heartbeat}, true)}, words, false, true);
        CHECK(silent.code == ExitCode::unreachable);
        CHECK(silent.err.find("certd has fallen silent") != std::string::npos);
        Outcome refused = run({stream_of({problem_text(problem("control.stopping", "certd is stopping"))})}, words);
        CHECK(refused.err.starts_with("certctl: certd is stopping\n"));
        for (const Outcome& outcome : {gone, silent, refused})
            CHECK(outcome.out.empty());
    }
}

TEST_CASE("notify test fails when one receiver has not got its message, and tells of all") {
    Json delivered = Json::object({{"notifier", "chat"}, {"delivered", true}, {"answer", "status 200: ok"}});
    Json refused = Json::object({{"notifier", "ops"},
                                 {"delivered", false},
                                 {"problem", to_json(problem("notify.refused", "The receiver answered", "no team"))}});
    const auto answer = [](const std::vector<Json>& results) {
        Json list = Json::array();
        for (const Json& result : results)
            list.push(result);
        return json_response(Json::object({{"results", list}}));
    };
    CHECK(run({answer({delivered})}, {"notify", "test", "chat"}).code == ExitCode::ok);
    Outcome both = run({answer({delivered, refused})}, {"notify", "test"});
    CHECK(both.code == ExitCode::failed);
    CHECK(both.out.starts_with("chat: delivered; the receiver said: status 200: ok\n"));
    CHECK(both.out.find("ops: The receiver answered") != std::string::npos);
    CHECK(run({answer({delivered, refused})}, {"notify", "test", "--json"}).code == ExitCode::failed);
}

TEST_CASE("events are lines of text or of JSON") {
    Outcome text = run({stream_of({step_line, R"({"dropped":3})"})}, {"events"});
    CHECK(text.out == "2026-11-23 10:04:00Z debug    a: Placing an order\n");
    CHECK(text.err.find("3 events were lost") != std::string::npos);
    Outcome json = run({stream_of({step_line})}, {"events", "--json", "--follow", "--lineage", "a"});
    CHECK(json.out == step_line + "\n");
    CHECK(json.requests[0].starts_with("GET /v1/events?follow=1&lineage=a HTTP/1.1"));
}

TEST_CASE("pause takes several names and reports each") {
    Outcome outcome =
        run({json_response(Json::object({{"result", api::to_json(api::JobResult{"a", "paused", 0, ""})}})),
             response(404, "application/problem+json",
                      to_text(to_json(problem("control.noSuchLineage", "There is no lineage b"))))},
            {"pause", "a", "b"});
    CHECK(outcome.code == ExitCode::failed);
    CHECK(outcome.out == "a: paused\n");
    CHECK(outcome.err.starts_with("certctl: There is no lineage b\n"));
}

TEST_CASE("exit codes follow the problem") {
    CHECK(exit_code_for(problem("control.forbidden", "x")) == ExitCode::not_permitted);
    CHECK(exit_code_for(problem("control.socketPermission", "x")) == ExitCode::not_permitted);
    CHECK(exit_code_for(problem("control.unreachable", "x")) == ExitCode::unreachable);
    CHECK(exit_code_for(problem("control.timeout", "x")) == ExitCode::unreachable);
    CHECK(exit_code_for(problem("acme.rateLimited", "x")) == ExitCode::failed);
    CHECK(worse(ExitCode::failed, ExitCode::unhealthy) == ExitCode::failed);
    CHECK(worse(ExitCode::failed, ExitCode::not_permitted) == ExitCode::not_permitted);
    CHECK(worse(ExitCode::ok, ExitCode::ok) == ExitCode::ok);
}

TEST_CASE("account list shows each account with what suspends it, and rollover and deactivate say what was done") {
    api::Account account;
    account.ca = "main";
    account.url = "https://ca.example/account/1";
    account.directory = "https://ca.example/dir";
    account.key_type = "ecdsa-p256";
    account.thumbprint = "abc";
    account.problem =
        problem("acme.userActionRequired", "The CA wants its user to act", "see https://ca.example/\x1b[2Jagree");
    Json list = Json::object({{"accounts", Json::array({api::to_json(account)})}});
    Outcome shown = run({json_response(list)}, {"account", "list"});
    CHECK(shown.code == ExitCode::ok);
    CHECK(shown.out.find("https://ca.example/account/1") != std::string::npos);
    CHECK(shown.out.find("contact:    none") != std::string::npos);
    CHECK(shown.out.find("see https://ca.example/") != std::string::npos);
    CHECK(shown.out.find('\x1b') == std::string::npos);
    CHECK(run({json_response(Json::object({{"accounts", Json::array()}}))}, {"account", "list"})
              .out.find("no account yet") != std::string::npos);

    Json done =
        Json::object({{"result", api::to_json(api::JobResult{"", "key-changed", 0, "The account has a new key"})}});
    Outcome changed = run({json_response(done)}, {"account", "rollover", "main"});
    CHECK(changed.out == "main: The account has a new key\n");
    REQUIRE(changed.requests.size() == 1);
    CHECK(changed.requests[0].find("POST /v1/accounts/main/rollover ") == 0);
    CHECK(run({json_response(done)}, {"account", "rollover", "main", "--json"}).out == to_text(done) + "\n");
}

TEST_CASE("revoke asks with version and reason and says what was done") {
    Json done =
        Json::object({{"result", api::to_json(api::JobResult{"a", "revoked", 3, "Version 3 is revoked at main"})}});
    Outcome revoked = run({json_response(done)}, {"revoke", "a", "--version", "3", "--reason", "superseded"});
    CHECK(revoked.code == ExitCode::ok);
    CHECK(revoked.out == "a: Version 3 is revoked at main\n");
    REQUIRE(revoked.requests.size() == 1);
    CHECK(revoked.requests[0].find("POST /v1/lineages/a/revoke ") == 0);
    CHECK(revoked.requests[0].find(R"({"version":3,"reason":"superseded","with":""})") != std::string::npos);
    Outcome own = run({json_response(done)}, {"revoke", "a", "--with", "certificate-key"});
    CHECK(own.requests[0].find(R"("with":"certificate-key"})") != std::string::npos);
}

TEST_CASE("account import sends the key's file and never shows it, and a file that is not there is told") {
    TempDirectory directory;
    auto file = directory.path() / "key.pem";
    std::ofstream(file) << "SECRET KEY\n";
    Json done = Json::object({{"result", api::to_json(api::JobResult{"", "imported", 0, "The account in use is x"})}});
    Outcome imported = run({json_response(done)}, {"account", "import", "main", "--key", file.string()});
    CHECK(imported.code == ExitCode::ok);
    CHECK(imported.out == "main: The account in use is x\n");
    REQUIRE(imported.requests.size() == 1);
    CHECK(imported.requests[0].find("POST /v1/accounts/main/import ") == 0);
    CHECK(imported.requests[0].find(R"({"key":"SECRET KEY\n"})") != std::string::npos);
    Outcome missing = run({}, {"account", "import", "main", "--key", (directory.path() / "nosuch").string()});
    CHECK(missing.code == ExitCode::failed);
    CHECK(missing.err.find("nosuch") != std::string::npos);
}

TEST_CASE("account orders shows what the CA lists") {
    auto shown = [](api::OrderList list) {
        Json answer = Json::object({{"orders", api::to_json(list)}});
        return run({json_response(answer)}, {"account", "orders", "main"}).out;
    };
    CHECK(shown({true, false, {"https://ca.example/order/1"}}) ==
          "https://ca.example/order/1\nThere is more than is shown here\n");
    CHECK(shown({true, true, {}}) == "main lists no orders\n");
    CHECK(shown({}) == "main does not list the orders of an account\n");
}

TEST_CASE("completion prints what certd knows word by word, and nothing that could mean something to a shell") {
    auto document = [](std::string_view text) { return json_response(*parse_json(text)); };
    std::string list = document(
        R"json({"lineages":[{"name":"shop"},{"name":"a_b.c-d"},{"name":"$(evil)"},{"name":"a b"},{"name":"-x"}]})json");
    Outcome names = run({list}, {"completion", "names"});
    CHECK(names.code == ExitCode::ok);
    CHECK(names.out == "shop\na_b.c-d\n");
    std::string lineage =
        document(R"json({"targets":[{"target":"web","host":"a.test:22"},{"target":"web","host":"[::1]:22"}],
                                           "versions":[{"version":2},{"version":1}]})json");
    CHECK(run({lineage}, {"completion", "targets", "shop"}).out == "web\n");
    CHECK(run({lineage}, {"completion", "hosts", "shop"}).out == "a.test:22\n[::1]:22\n");
    Outcome versions = run({lineage}, {"completion", "versions", "shop"});
    CHECK(versions.out == "2\n1\n");
    REQUIRE(versions.requests.size() == 1);
    CHECK(versions.requests[0].starts_with("GET /v1/lineages/shop HTTP/1.1\r\n"));
}

TEST_CASE("completion is silent when certd does not answer, and prints the scripts without asking it") {
    TempDirectory directory;
    std::string socket = (directory.path() / "none.sock").string();
    Client client(socket);
    for (std::string what : {"names", "bash", "zsh", "fish"}) {
        CommandLine line = parse_command_line({"completion", what}, socket);
        REQUIRE(line.command != nullptr);
        StringConsole console(false);
        ExitCode code = line.command->run({line.options, client, console});
        CHECK(code == (what == "names" ? ExitCode::unreachable : ExitCode::ok));
        CHECK(console.out.empty() == (what == "names"));
        CHECK(console.err == "");
    }
}
