// run_daemon: the composition root of the real daemon.
#include "daemon/app/daemon.hpp"

#include "daemon/app/audit_writer.hpp"
#include "daemon/app/operations.hpp"
#include "daemon/app/sights.hpp"
#include "daemon/control/server.hpp"
#include "daemon/control/web.hpp"
#include "daemon/deploy/local_host.hpp"
#include "daemon/deploy/ssh_host.hpp"
#include "daemon/observe/log.hpp"
#include "daemon/renew/http01_listener.hpp"
#include "daemon/renew/tls_alpn01_listener.hpp"
#include "libacme/async/process.hpp"
#include "libacme/base/secret.hpp"
#include "libacme/net/https_client.hpp"
#include "libacme/net/web_transport.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/system_error.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>
#include <grp.h>
#include <unistd.h>

namespace certd {

namespace {

constexpr Duration stop_limit = seconds(9);   // SIGTERM to exit; systemd and the operator expect less than 10 s
constexpr Duration stuck_after = minutes(2);  // the scheduler looks at its timetable at least every minute
constexpr std::size_t worker_threads = 3;

CaTransport https_transport(Clock& clock, const config::Ca& ca) {
    HttpsClientOptions options;
    options.ca_bundle = ca.ca_bundle;
    if (ca.proxy) options.proxy = value_or_fail(parse_url(*ca.proxy));
    options.user_agent = user_agent();
    auto client = std::make_unique<HttpsClient>(clock, std::move(options));
    auto round_trip = [client = client.get()] { return client->last_round_trip(); };
    auto drop_stale = [client = client.get()] { client->drop_stale(); };
    return {std::move(client), std::move(round_trip), std::move(drop_stale)};
}

// CRLs are signed, and come over plain HTTP (RFC 5280 §8).
std::unique_ptr<Transport> crl_transport(Clock& clock, const config::Ca& ca, std::size_t limit) {
    HttpsClientOptions options;
    options.ca_bundle = ca.ca_bundle;
    if (ca.proxy) options.proxy = value_or_fail(parse_url(*ca.proxy));
    options.user_agent = user_agent();
    options.body_limit = limit;
    return std::make_unique<WebTransport>(clock, std::move(options));
}

std::optional<gid_t> group_id(const std::string& name) {
    if (name.empty()) return std::nullopt;
    const group* found = ::getgrnam(name.c_str());
    return found ? std::optional(found->gr_gid) : std::nullopt;
}

// Where everybody could read the page nobody does.
control::WebOptions web_options(const config::MetricsListener& metrics) {
    control::WebOptions options;
    if (!metrics.token_file.empty()) options.token = value_or_fail(read_secret(metrics.token_file));
    options.page = metrics.page && (!options.token.empty() || config::is_loopback(*metrics.listen));
    return options;
}

Listener control_listener(const config::Control& control, EventBus& bus) {
    std::optional<gid_t> group = group_id(control.group);
    if (!group && !control.group.empty()) {
        Event event;
        event.severity = Severity::warning;
        event.type = EventType::config_loaded;
        event.message = fmt::format("There is no group '{}'; only root may use the control socket", control.group);
        bus.publish(std::move(event));
    }
    // Members of other groups must be able to connect; what they may do is decided by their credentials.
    bool others = !control.viewers.empty() || !control.admins.empty();
    std::error_code ignored;
    std::filesystem::create_directories(Path(control.socket).parent_path(), ignored);
    return value_or_fail(Listener::unix_socket(control.socket, others ? 0666 : group ? 0660 : 0600, group));
}

// Everything that lives as long as the daemon runs, in the order in which it is built.
class Daemon {
   public:
    Daemon(asio::io_context& io, DaemonSetup setup);
    Task<> run();
    bool failed() const { return failed_; }

   private:
    control::AccessRules access_rules(const config::Config& config) const;
    HttpServerOptions server_options(std::string name);
    std::string status_line() const;
    Task<> wait_for_stop();
    Task<> obey_hangups();
    Task<> feed_watchdog();
    Task<> write_textfile();
    Task<> stop();
    void agent_failed(const std::string& name, const std::exception_ptr& error);
    void emit(EventType type, Severity severity, std::string message, std::optional<Problem> problem = std::nullopt);

    asio::io_context& io_;
    DaemonSetup setup_;
    SystemClock clock_;
    Workers workers_{worker_threads};
    RealFileSystem files_;
    RealAppender appender_;
    RealProcessRunner processes_{clock_};
    LocalHost host_{clock_, workers_, files_, processes_};
    SshHosts hosts_;
    std::unique_ptr<Http01Listener> responder_;
    std::unique_ptr<TlsAlpn01Listener> tls_responder_;
    Engine engine_;
    AuditWriter audit_;
    DaemonOperations operations_;
    EngineSights sights_{engine_, [this] { return operations_.config_problem(); }};
    Notifications notifications_;
    control::ControlHandler control_handler_;
    std::unique_ptr<HttpServer> control_server_, metrics_server_;
    TaskGroup agents_;  // control and metrics servers, watchdog, SIGHUP
    TaskGroup scheduler_, notifier_, journal_;
    bool failed_ = false;
    Signal fatal_;
};

Daemon::Daemon(asio::io_context& io, DaemonSetup setup)
    : io_(io),
      setup_(std::move(setup)),
      hosts_(clock_, workers_, files_, processes_, Path(setup_.config->control.socket).parent_path() / "ssh"),
      engine_(
          io.get_executor(),
          Seams{clock_, workers_, files_, host_, [this](const config::Ca& ca) { return https_transport(clock_, ca); },
                &hosts_, nullptr, minutes(1), nullptr, 80, 443,
                [this](const config::Ca& ca, std::size_t limit) { return crl_transport(clock_, ca, limit); }},
          setup_.config->state_dir),
      audit_(clock_, workers_, files_, appender_, engine_.bus, audit_directory(engine_.store.root()),
             {setup_.config->audit.keep, setup_.config->audit.max_size}),
      operations_(engine_, setup_.config_file, setup_.reload,
                  [this](const config::Config& config) { control_handler_.set_rules(access_rules(config)); }),
      notifications_(io.get_executor(),
                     {clock_,
                      workers_,
                      engine_.store,
                      engine_.bus,
                      sights_,
                      [this](NotifierPtr notifier, Message message) {
                          return deliver({clock_, workers_, processes_}, std::move(notifier), std::move(message));
                      },
                      {own_host_name(), CERTD_VERSION}}),
      control_handler_(io.get_executor(), operations_, access_rules(*setup_.config), clock_),
      agents_(io.get_executor(),
              [this](const std::string& name, std::exception_ptr error) { agent_failed(name, error); }),
      scheduler_(io.get_executor(),
                 [this](const std::string& name, std::exception_ptr error) { agent_failed(name, error); }),
      notifier_(io.get_executor(),
                [this](const std::string& name, std::exception_ptr error) { agent_failed(name, error); }),
      journal_(io.get_executor(),
               [this](const std::string& name, std::exception_ptr error) { agent_failed(name, error); }) {
    engine_.bus.add_sink(make_log_sink(setup_.config->log));
    const config::ChallengeListener& challenge = setup_.config->http_challenge;
    if (!challenge.listen.empty()) {
        responder_ =
            std::make_unique<Http01Listener>(clock_, io.get_executor(), challenge.listen, challenge.mode,
                                             [this](std::string name) { return setup_.manager.passed_socket(name); });
        value_or_fail(responder_->open());
        engine_.solvers.set_listener(responder_.get());
    }
    const config::ChallengeListener& tls_challenge = setup_.config->tls_challenge;
    if (!tls_challenge.listen.empty()) {
        tls_responder_ = std::make_unique<TlsAlpn01Listener>(
            clock_, io.get_executor(), tls_challenge.listen, tls_challenge.mode,
            [this](std::string name) { return setup_.manager.passed_socket(name); });
        value_or_fail(tls_responder_->open());
        engine_.solvers.set_tls_listener(tls_responder_.get());
    }
    operations_.set_notifications(&notifications_);
    engine_.notifiers = [this] { return notifier_gauges(notifications_); };
    engine_.job_ended = [this](const std::string& lineage) { notifications_.touch(lineage); };
    engine_.open_store();
    control_server_ = std::make_unique<HttpServer>(clock_, control_listener(setup_.config->control, engine_.bus),
                                                   server_options("control"), control_handler_.handler());
    const config::MetricsListener& metrics = setup_.config->metrics;
    if (metrics.listen) {
        metrics_server_ = std::make_unique<HttpServer>(
            clock_, value_or_fail(Listener::tcp(*metrics.listen)), server_options("metrics"),
            control::make_web_handler(operations_, clock_, web_options(metrics)));
    }
}

control::AccessRules Daemon::access_rules(const config::Config& config) const {
    return {config.control, ::geteuid(), control::cached(clock_, control::system_groups_of)};
}

HttpServerOptions Daemon::server_options(std::string name) {
    HttpServerOptions options;
    options.on_problem = [this, name = std::move(name)](const Problem& problem) {
        emit(EventType::daemon_problem, Severity::error, fmt::format("The {} server could not answer a request", name),
             problem);
    };
    return options;
}

Task<> Daemon::run() {
    journal_.spawn("audit journal", audit_.run());
    co_await engine_.scheduler.load(setup_.config);
    co_await notifications_.load(setup_.config->notifiers);
    notifier_.spawn("notifications", notifications_.run());
    scheduler_.spawn("scheduler", engine_.scheduler.run());
    agents_.spawn("control", control_server_->run());
    if (metrics_server_) agents_.spawn("metrics", metrics_server_->run());
    agents_.spawn("hangups", obey_hangups());
    if (setup_.config->metrics.textfile) agents_.spawn("textfile", write_textfile());
    if (setup_.manager.watchdog_interval()) agents_.spawn("watchdog", feed_watchdog());
    setup_.manager.ready(status_line());
    emit(EventType::daemon_ready, Severity::notice, fmt::format("certd {} is ready: {}", CERTD_VERSION, status_line()));
    co_await wait_for_stop();
    co_await stop();
}

Task<> Daemon::wait_for_stop() {
    asio::signal_set signals(io_, SIGTERM, SIGINT);
    auto executor = co_await asio::this_coro::executor;
    auto group = asio::experimental::make_parallel_group(signals.async_wait(asio::deferred),
                                                         asio::co_spawn(executor, fatal_.wait(), asio::deferred));
    co_await group.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
}

Task<> Daemon::obey_hangups() {
    asio::signal_set signals(io_, SIGHUP);
    for (;;) {
        co_await signals.async_wait(asio::use_awaitable);
        setup_.manager.reloading();
        // A refusal is an event and stays visible in the status; the daemon goes on with what it has.
        (void)co_await operations_.reload();
        setup_.manager.ready(status_line());
    }
}

Task<> Daemon::feed_watchdog() {
    for (;;) {
        co_await clock_.sleep(*setup_.manager.watchdog_interval() / 2);
        if (engine_.scheduler.since_last_pass() < stuck_after) setup_.manager.watchdog();
        setup_.manager.status(status_line());
    }
}

// For node_exporter, which reads whole files only and tells by their time when they have gone stale. A failure is told
// once, until it has been mended.
Task<> Daemon::write_textfile() {
    const std::string path = *setup_.config->metrics.textfile;
    bool failing = false;
    for (;;) {
        std::string page = engine_.metrics_page();
        auto written = co_await offload(workers_, [&] { return durable_write(files_, path, page, {.mode = 0644}); });
        if (!written && !std::exchange(failing, true)) {
            const Problem& cause = written.error();
            // Of its own code: it is not the state directory that cannot be written.
            emit(EventType::daemon_problem, Severity::error, "The metrics are not to be had as a file",
                 problem("metrics.textfile", fmt::format("Cannot write the metrics to {}: {}", path, cause.what),
                         cause.remote));
        }
        if (written) failing = false;
        co_await clock_.sleep(setup_.config->metrics.textfile_interval);
    }
}

Task<> Daemon::stop() {
    setup_.manager.stopping();
    emit(EventType::daemon_stopping, Severity::notice, "Stopping; work in progress goes on at the next start");
    asio::steady_timer limit(io_, stop_limit);
    limit.async_wait([](boost::system::error_code error) {
        // Whatever still hangs is safe to cut: every state on disk is one that recovery knows.
        if (!error) std::_Exit(EXIT_SUCCESS);
    });
    co_await scheduler_.stop();
    co_await notifier_.stop();
    co_await agents_.stop();
    co_await control_handler_.stop();
    if (responder_) co_await responder_->stop();
    if (tls_responder_) co_await tls_responder_->stop();
    co_await hosts_.close();
    co_await journal_.stop();
    co_await audit_.finish();
    limit.cancel();
}

std::string Daemon::status_line() const {
    return fmt::format("{} lineages, {} at work", engine_.scheduler.entries().size(), engine_.scheduler.running());
}

void Daemon::agent_failed(const std::string& name, const std::exception_ptr& error) {
    failed_ = true;
    emit(EventType::daemon_stopping, Severity::critical, fmt::format("The agent '{}' failed", name), problem_of(error));
    fatal_.notify();
}

void Daemon::emit(EventType type, Severity severity, std::string message, std::optional<Problem> problem) {
    Event event;
    event.type = type;
    event.severity = severity;
    event.message = std::move(message);
    event.problem = std::move(problem);
    engine_.bus.publish(std::move(event));
}

}  // namespace

int run_daemon(DaemonSetup setup) {
    std::signal(SIGPIPE, SIG_IGN);
    RealFileSystem files;
    value_or_fail(make_directories(files, setup.config->state_dir, 0700));
    Result<StateLock> lock = StateLock::acquire(setup.config->state_dir);
    if (!lock) {
        fmt::print(stderr, "certd: {}\n{}\n", describe(lock.error()), lock.error().hint);
        return lock.error().code == "storage.locked" ? 3 : EXIT_FAILURE;
    }
    asio::io_context io{1};
    Daemon daemon(io, std::move(setup));
    std::exception_ptr error;
    asio::co_spawn(io, daemon.run(), [&](std::exception_ptr ended) {
        error = std::move(ended);
        io.stop();
    });
    io.run();
    if (error) std::rethrow_exception(error);
    return daemon.failed() ? EXIT_FAILURE : EXIT_SUCCESS;
}

}  // namespace certd
