// The real engine in real time, over a CA and a disk in memory, with a name server and certd's own listeners on
// loopback.
#pragma once

#include "config/load.hpp"
#include "daemon/app/engine.hpp"
#include "daemon/renew/http01_listener.hpp"
#include "daemon/renew/tls_alpn01_listener.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_ca.hpp"
#include "tests/support/fake_dns.hpp"
#include "tests/support/fake_host.hpp"
#include "tests/support/memory_file_system.hpp"
#include "tests/support/started_task.hpp"

#include <boost/asio/io_context.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace certd::test {

class EngineBedWire final : public Transport {
   public:
    explicit EngineBedWire(FakeCa& ca) : ca_(ca) {}
    Task<HttpResponse> send(HttpRequest request) override { return ca_.send(std::move(request)); }

   private:
    FakeCa& ca_;
};

struct EngineBed {
    explicit EngineBed(std::vector<dns::Record> with)
        : records(std::move(with)), server([this](const FakeDns::Asked& asked) {
              std::lock_guard lock(mutex);
              if (silent) return std::vector<Bytes>{};
              return std::vector<Bytes>{dns::to_wire(answer_from(records, asked.message))};
          }) {
        REQUIRE(files.change(change::MakeDirectory{"/state", 0700}));
        REQUIRE(http.open());
        REQUIRE(tls.open());
        ca.knobs.caa_identities = {"ca.test"};
    }
    ~EngineBed() {
        drive(http.stop());
        drive(tls.stop());
    }

    template <class T>
    T drive(Task<T> task) {
        StartedTask<T> started(io, std::move(task));
        io.restart();
        while (!started.done())
            io.run_one();
        return started.take();
    }

    // Loads a configuration with the lineage "shop", given as YAML, into a new engine.
    void start(const std::string& lineage, const std::string& ca_more = "", const std::string& top = "") {
        const std::string text = fmt::format(R"(state_dir: /state
resolvers: ["{}"]
http_challenge: {{ listen: "127.0.0.1:80" }}
tls_challenge: {{ listen: "127.0.0.1:443" }}
cas:
  main: {{ directory: "https://ca.test/dir", agree_tos: true{} }}
defaults: {{ cas: [main] }}
lineages: {{ shop: {} }}
{})",
                                             dns::text_of(server.endpoint()), ca_more, lineage, top);
        config::Loaded loaded = config::load_text(text);
        INFO(text << config::render(loaded.diagnostics, false));
        REQUIRE(loaded.config);
        config = loaded.config;
        Seams seams{clock, workers, files, host, [this](const config::Ca&) {
                        return CaTransport{std::make_unique<EngineBedWire>(ca), nullptr};
                    }};
        seams.listener = listener;
        seams.tls_listener = tls_listener;
        seams.http_port = http.ports().front();
        seams.tls_port = tls.ports().front();
        engine = std::make_unique<Engine>(io.get_executor(), seams, "/state");
        engine->bus.add_sink([this](Event event) { events.push_back(std::move(event)); });
        engine->open_store();
        drive(engine->scheduler.load(config));
    }
    static LineageName shop() { return value_or_fail(LineageName::parse("shop")); }
    const LineageRecord& record() const { return engine->scheduler.find(shop())->record; }
    Plan plan() const { return engine->scheduler.plan_of(*engine->scheduler.find(shop())); }
    Result<JobOutcome> renew() {
        Result<Scheduler::Ticket> ticket = engine->scheduler.renew(shop(), {.force = true, .rehearse = false});
        if (!ticket) return failure(ticket.error());
        return drive(engine->scheduler.wait(*ticket));
    }

    void add(dns::Record record) {
        std::lock_guard lock(mutex);
        records.push_back(std::move(record));
    }
    void remove(const dns::Record& record) {
        std::lock_guard lock(mutex);
        std::erase(records, record);
    }

    std::mutex mutex;  // the name server has a thread of its own
    bool silent = false;
    std::vector<dns::Record> records;
    FakeDns server;
    SystemClock clock;
    Workers workers{0};
    MemoryFileSystem files;
    FakeHost host{clock};
    FakeCa ca{clock};
    asio::io_context io{1};
    Http01Listener http{clock, io.get_executor(), {"127.0.0.1:0"}, config::ListenMode::always, nullptr};
    TlsAlpn01Listener tls{clock, io.get_executor(), {"127.0.0.1:0"}, config::ListenMode::always, nullptr};
    acme::Solver *listener = &http, *tls_listener = &tls;
    config::ConfigPtr config;
    std::vector<Event> events;
    std::unique_ptr<Engine> engine;
};

}  // namespace certd::test
