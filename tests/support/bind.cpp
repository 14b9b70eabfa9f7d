#include "tests/support/bind.hpp"

#include "libacme/dns/exchange.hpp"
#include "tests/support/run_task.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include <arpa/inet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace certd::test {

namespace {

constexpr std::string_view secret = "bm9ib2R5IGVsc2UgaGFzIHRoaXMga2V5IGJ1dCB1cyE=";

constexpr std::array old_algorithms = {"hmac-md5", "hmac-sha1", "hmac-sha224"};

std::string key_statement(std::string_view with, std::string_view name = "certd-key",
                          std::string_view algorithm = "hmac-sha256") {
    return fmt::format("key \"{}\" {{\n\talgorithm {};\n\tsecret \"{}\";\n}};\n", name, algorithm, with);
}

dns::Reply ask(const std::string& server, const std::string& name, dns::Type type) {
    SystemClock clock;
    dns::Message question = dns::query(dns::Name::parse(name).value(), type, false);
    dns::ExchangeOptions options;
    options.timeout = milliseconds(1000);
    Bytes octets = dns::to_wire(question);
    return run_task(dns::exchange(clock, {asio::ip::make_address(server), 53}, question, octets, options));
}

bool serves(const std::string& server) {
    try {
        return ask(server, "example.test", dns::Type::soa).message.answers.size() == 1;
    } catch (const std::exception&) {
        return false;
    }
}

// Gives the loopback device an address, or, with an empty name, switches it on.
bool set_loopback(const std::string& device, const std::string& address) {
    const int control = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq request{};
    device.copy(request.ifr_name, sizeof request.ifr_name - 1);
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    if (!address.empty()) {
        auto* place = reinterpret_cast<sockaddr_in*>(&request.ifr_addr);
        place->sin_family = AF_INET;
        ::inet_pton(AF_INET, address.c_str(), &place->sin_addr);
    }
    const int done = ::ioctl(control, address.empty() ? SIOCSIFFLAGS : SIOCSIFADDR, &request);
    ::close(control);
    return done == 0;
}

}  // namespace

bool enter_own_network() {
    return ::unshare(CLONE_NEWNET) == 0 && set_loopback("lo", "") && set_loopback("lo:1", "127.0.0.2");
}

Bind::Bind(std::filesystem::path directory, BindOptions options) : directory_(std::move(directory)) {
    std::filesystem::create_directories(directory_);
    write_key(std::string(secret));

    std::string servers = fmt::format("@ NS ns1\nns1 A {}\n", primary());
    if (options.with_secondary) servers += fmt::format("@ NS ns2\nns2 A {}\n", secondary());
    write_file(directory_ / "example.test.zone", zone_file("example.test", servers + options.records));
    write_file(directory_ / "elsewhere.test.zone",
               zone_file("elsewhere.test", fmt::format("@ NS ns1\nns1 A {}\n", primary())));
    std::string zones = key_statement(secret), grants = "grant certd-key subdomain {0} TXT;";
    for (const std::string algorithm : old_algorithms) {
        zones += key_statement(secret, algorithm + "-key", algorithm);
        grants += fmt::format(" grant {}-key subdomain {{0}} TXT;", algorithm);
    }
    for (const char* zone : {"example.test", "elsewhere.test"}) {
        zones += fmt::format(R"(zone "{0}" {{ type primary; file "{0}.zone"; notify no;
    allow-transfer {{ any; }}; update-policy {{ {1} }}; }};
)",
                             zone, fmt::format(fmt::runtime(grants), zone));
    }
    primary_process_ = start("primary", primary(), zones);
    if (!options.with_secondary) return;
    write_file(directory_ / "stale.zone", zone_file("example.test", servers));
    const std::string follows = fmt::format(
        "type secondary; file \"secondary.zone\"; primaries {{ {}; }}; min-refresh-time 1; max-refresh-time 2;",
        primary());
    secondary_process_ = start("secondary", secondary(),
                               fmt::format("zone \"example.test\" {{ {} }};\n",
                                           options.stale ? "type primary; file \"stale.zone\";" : follows));
}

std::unique_ptr<Child> Bind::start(const std::string& name, const std::string& address, const std::string& zones) {
    const auto file = directory_ / (name + ".conf");
    write_file(
        file,
        fmt::format(
            R"(options {{ directory "{0}"; pid-file none; session-keyfile "{0}/{1}.session"; allow-recursion {{ any; }};
    listen-on {{ {2}; }}; listen-on-v6 {{ none; }}; query-source address {2}; transfer-source {2};
    dnssec-validation no; minimal-responses no; }};
controls {{ }};
{3})",
            directory_.string(), name, address, zones));
    auto child =
        std::make_unique<Child>(std::vector<std::string>{program("named"), "-g", "-n", "1", "-X", "none", "-c", file},
                                ChildOptions{{}, directory_ / "named.log", {}, {}, {}});
    if (!eventually(10s, [&] { return serves(address); })) throw std::runtime_error("named did not start:\n" + log());
    return child;
}

std::string Bind::zone_file(const std::string& zone, const std::string& records) {
    return fmt::format("$ORIGIN {}.\n$TTL 60\n@ SOA ns1 hostmaster 1 1 1 3600 1\n{}", zone, records);
}

void Bind::write_key(const std::string& with) const {
    write_file(key_file(), key_statement(with));
    std::filesystem::permissions(key_file(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

void Bind::stop_secondary() {
    secondary_process_.reset();
}

std::vector<std::string> Bind::texts(const std::string& server, const std::string& name) {
    std::vector<std::string> values;
    for (const dns::Record& record : ask(server, name, dns::Type::txt).message.answers) {
        if (auto text = dns::text_of(record)) values.push_back(*text);
    }
    std::ranges::sort(values);
    return values;
}

std::string Bind::log() const {
    return read_file(directory_ / "named.log");
}

}  // namespace certd::test
