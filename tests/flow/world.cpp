// World: start, stop, kill and time.
#include "tests/flow/world.hpp"

#include "config/load.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>

namespace certd::test {

namespace {

// The engine owns its transports; what is behind this one belongs to the world.
class Wire final : public Transport {
   public:
    explicit Wire(Transport& other_end) : other_end_(other_end) {}
    Task<HttpResponse> send(HttpRequest request) override { return other_end_.send(std::move(request)); }

   private:
    Transport& other_end_;
};

config::ConfigPtr parse(const std::string& text) {
    config::Loaded loaded = config::load_text(text, "certd.yaml", config::Disk::look);
    INFO(config::render(loaded.diagnostics, false));
    REQUIRE(loaded.config);
    return loaded.config;
}

}  // namespace

std::string usual_config() {
    return R"(
state_dir: /state
http_challenge: { listen: "127.0.0.1:5002" }
cas:
  main: { directory: "https://ca.test/dir", agree_tos: true, contact: [ops@example.com] }
  other: { directory: "https://other.test/dir", agree_tos: true }
defaults: { cas: [main], challenge: { http-01: {} } }
targets:
  web:
    install:
      - { part: fullchain, path: /etc/ssl/web/fullchain.pem }
      - { part: privkey, path: /etc/ssl/web/privkey.pem }
    test: [service, test]
    reload: { command: [service, reload] }
    verify: { tls: ["127.0.0.1:443"], timeout: 30s }
lineages:
  example.com: { names: [example.com, www.example.com], targets: [web] }
)";
}

std::string with(std::string config, const std::string& from, const std::string& to) {
    std::size_t at = config.find(from);
    REQUIRE(at != std::string::npos);
    return config.replace(at, from.size(), to);
}

LineageName name_of(const std::string& text) {
    return value_or_fail(LineageName::parse(text));
}

FakeCaOptions World::other_options() {
    FakeCaOptions options;
    options.host = "other.test";
    options.seed = 2;
    return options;
}

World::World(FakeCaOptions options) : ca(clock, std::move(options)) {
    for (FakeCa* each : {&ca, &other_ca}) {
        each->knobs.validate = [this](const Identifier&, const std::string& type, const std::string& token,
                                      const std::string& answer) {
            const auto& presented = (type == "tls-alpn-01" ? tls_solver : solver).presented;
            auto found = presented.find(token);
            return found != presented.end() && found->second == answer;
        };
    }
}

World::~World() {
    if (agents_) kill();
}

void World::start(const std::string& text) {
    config::ConfigPtr config = parse(text);
    if (!files.inspect("/state") || files.inspect("/state")->kind == FileStatus::Kind::missing) {
        REQUIRE(files.change(change::MakeDirectory{"/state", 0700}));
    }
    Seams seams{clock, workers_, files, host, [this](const config::Ca& asked) {
                    return CaTransport{std::make_unique<Wire>(asked.name.text == "main" ? ca : other_ca), nullptr};
                }};
    seams.listener = &solver;
    seams.tls_listener = &tls_solver;
    seams.longest_sleep = longest_sleep;
    if (crl_server) {
        seams.crl_transports = [server = crl_server](const config::Ca&, std::size_t) {
            return std::make_unique<Wire>(*server);
        };
    }
    engine = std::make_unique<Engine>(io_->get_executor(), seams, config->state_dir);
    events.clear();
    engine->bus.add_sink([this](Event event) { events.push_back(std::move(event)); });
    engine->open_store();
    drive(engine->scheduler.load(config));
    agents_ = std::make_unique<TaskGroup>(io_->get_executor(), nullptr);
    agents_->spawn("scheduler", engine->scheduler.run());
    clock.run_until_idle(*io_);
}

void World::stop() {
    drive(agents_->stop());
    agents_.reset();
    engine.reset();
}

void World::kill() {
    // The coroutines are destroyed where they wait, without running another line of the program but destructors.
    io_ = nullptr;
    agents_.reset();
    engine.reset();
    io_ = std::make_unique<asio::io_context>(1);
    solver.presented.clear();
    tls_solver.presented.clear();
}

void World::restart(const std::string& config) {
    stop();
    start(config);
}

void World::reload(const std::string& config) {
    drive(engine->scheduler.apply(parse(config)));
    clock.run_until_idle(*io_);
}

void World::run_for(Duration duration) {
    clock.run_until(*io_, clock.now() + duration);
}

const LineageRecord& World::lineage(const std::string& name) {
    const Entry* entry = scheduler().find(name_of(name));
    REQUIRE(entry != nullptr);
    return entry->record;
}

Plan World::plan(const std::string& name) {
    return scheduler().plan_of(*scheduler().find(name_of(name)));
}

Result<JobOutcome> World::finish(Result<Scheduler::Ticket> ticket) {
    if (!ticket) return failure(ticket.error());
    return drive(scheduler().wait(*ticket));
}

Result<JobOutcome> World::renew(RenewOptions options, const std::string& name) {
    return finish(scheduler().renew(name_of(name), options));
}

Result<JobOutcome> World::roll_back(std::uint32_t to, const std::string& name) {
    Result<std::vector<VersionFacts>> versions = engine->store.versions(name_of(name));
    REQUIRE(versions);
    return finish(scheduler().rollback(name_of(name), VersionNumber{to}, *versions));
}

std::size_t World::count(EventType type) const {
    return static_cast<std::size_t>(std::ranges::count(events, type, &Event::type));
}

std::string World::live_fingerprint(const std::string& name) {
    const LineageRecord& record = lineage(name);
    return record.live ? record.live->fingerprint : "";
}

}  // namespace certd::test
