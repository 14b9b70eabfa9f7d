#include "tests/support/pebble.hpp"

#include <fmt/format.h>

#include <csignal>
#include <stdexcept>

namespace certd::test {

namespace {

void make_tls_certificate(const std::filesystem::path& directory) {
    const Output made =
        run({program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "2", "-subj", "/CN=Pebble of a test", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
             "-keyout", directory / "tls.key", "-out", directory / "tls.pem"});
    if (made.exit_code != 0) throw std::runtime_error("openssl req: " + made.both());
}

std::string external_accounts(const PebbleOptions& options) {
    if (options.external_accounts.empty()) return {};
    return fmt::format(R"(, "externalAccountBindingRequired": true, "externalAccountMACKeys": {{ {} }})",
                       options.external_accounts);
}

bool listens(std::uint16_t port) {
    return run({program("curl"), "-sk", "-o", "/dev/null", fmt::format("https://127.0.0.1:{}/dir", port)}).exit_code ==
           0;
}

}  // namespace

Pebble::Pebble(std::filesystem::path directory, std::uint16_t http_port, PebbleOptions options)
    : directory_(std::move(directory)),
      options_(options),
      port_(free_port()),
      management_port_(free_port()),
      dns_port_(free_port()),
      dns_management_port_(free_port()) {
    std::filesystem::create_directories(directory_);
    make_tls_certificate(directory_);
    write_file(
        directory_ / "pebble.json",
        fmt::format(R"({{ "pebble": {{ "listenAddress": "127.0.0.1:{}", "managementListenAddress": "127.0.0.1:{}",
    "certificate": "{}", "privateKey": "{}", "httpPort": {}, "tlsPort": {},
    "ocspResponderURL": "", "certificateValidityPeriod": {}{} }} }})",
                    port_, management_port_, (directory_ / "tls.pem").string(), (directory_ / "tls.key").string(),
                    http_port, options_.tls_port != 0 ? options_.tls_port : free_port(), options_.validity_seconds,
                    external_accounts(options_)));
    names_ = std::make_unique<Child>(
        std::vector<std::string>{program("pebble-challtestsrv"), "-dns01", fmt::format("127.0.0.1:{}", dns_port_),
                                 "-management", fmt::format("127.0.0.1:{}", dns_management_port_), "-defaultIPv4",
                                 "127.0.0.1", "-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", ""},
        ChildOptions{{}, directory_ / "names.log", {}, {}, {}});
    start();
}

void Pebble::start() {
    const auto knob = [](const char* name, int value) { return fmt::format("{}={}", name, value); };
    pebble_ = std::make_unique<Child>(
        std::vector<std::string>{
            program("pebble"), "-config", directory_ / "pebble.json", "-dnsserver",
            options_.name_server.empty() ? fmt::format("127.0.0.1:{}", dns_port_) : options_.name_server},
        ChildOptions{
            {knob("PEBBLE_WFE_NONCEREJECT", options_.nonce_reject), knob("PEBBLE_AUTHZREUSE", options_.authz_reuse),
             knob("PEBBLE_ALTERNATE_ROOTS", options_.alternate_roots),
             knob("PEBBLE_VA_NOSLEEP", options_.sleep ? 0 : 1), knob("PEBBLE_VA_SLEEPTIME", options_.sleep_seconds),
             knob("PEBBLE_VA_ALWAYS_VALID", options_.always_valid ? 1 : 0)},
            directory_ / "pebble.log",
            {},
            {},
            {}});
    if (!eventually(30s, [&] { return listens(port_); })) throw std::runtime_error("Pebble did not start:\n" + log());
}

void Pebble::kill() {
    pebble_->stop(SIGKILL);
    pebble_.reset();
}

void Pebble::restart(PebbleOptions options) {
    if (pebble_) kill();
    options_ = options;
    start();
}

std::string Pebble::directory_url() const {
    return fmt::format("https://127.0.0.1:{}/dir", port_);
}

std::string Pebble::log() const {
    return read_file(directory_ / "pebble.log");
}

std::size_t Pebble::orders() const {
    const std::string text = log();
    std::size_t count = 0;
    for (std::size_t at = text.find("Added order "); at != std::string::npos; at = text.find("Added order ", at + 1))
        ++count;
    return count;
}

void Pebble::break_name(const std::string& name) const {
    manage_names("set-servfail", name);
}
void Pebble::mend_name(const std::string& name) const {
    manage_names("clear-servfail", name);
}

void Pebble::manage_names(const std::string& command, const std::string& name) const {
    const Output done = run({program("curl"), "-fsS", "-d", fmt::format(R"({{"host":"{}."}})", name),
                             fmt::format("http://127.0.0.1:{}/{}", dns_management_port_, command)});
    if (done.exit_code != 0) throw std::runtime_error("challtestsrv: " + done.both());
}

}  // namespace certd::test
