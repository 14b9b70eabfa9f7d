#include "tests/support/deployment_proof.hpp"

#include "libacme/async/clock.hpp"
#include "libacme/crypto/certificate.hpp"
#include "libacme/crypto/key.hpp"
#include "libacme/net/tls_probe.hpp"
#include "tests/support/run_task.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <set>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

namespace certd::test {

namespace {

constexpr Limit look_pause = std::chrono::milliseconds(1);
constexpr Limit lasting = std::chrono::seconds(1);  // far above what two renames take on a machine that has no time

// Through a directory that was opened once, as a consumer of live/ is told to.
std::string read_at(int directory, const char* file) {
    const int fd = ::openat(directory, file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return {};
    std::string text(65536, '\0');
    const ssize_t count = ::read(fd, text.data(), text.size());
    ::close(fd);
    text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return text;
}

// Whether the certificate is that of the key; nullopt: one of them is not there, or not whole.
std::optional<bool> belong_together(const std::string& certificate, const std::string& key) {
    const auto chain = parse_chain(certificate);
    const auto parsed = PrivateKey::from_pem(key);
    if (!chain || chain->empty() || !parsed) return std::nullopt;
    return chain->front().public_key_der() == parsed->public_key_der();
}

// The blocks of a PEM text from the first whose title ends in `title` to the last.
std::string blocks(const std::string& pem, const std::string& title) {
    const std::size_t first = pem.find(title + "-----");
    const std::size_t last = pem.rfind(title + "-----\n");
    if (first == std::string::npos || last == std::string::npos || last <= first) return {};
    const std::size_t begin = pem.rfind("-----BEGIN ", first);
    return begin == std::string::npos ? "" : pem.substr(begin, last + title.size() + 6 - begin);
}

class DiskWatch {
   public:
    DiskWatch(ProofFigures& figures, std::filesystem::path live, const Nginx& nginx, std::filesystem::path combined)
        : figures_(figures),
          live_(std::move(live)),
          fullchain_(nginx.fullchain()),
          privkey_(nginx.privkey()),
          combined_(std::move(combined)) {}

    void run(const std::atomic<bool>& done) {
        while (!done) {
            look();
            std::this_thread::sleep_for(look_pause);
        }
    }

   private:
    void look() {
        ++figures_.looks;
        const int directory = ::open(live_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        count("live/", belong_together(read_at(directory, "fullchain.pem"), read_at(directory, "privkey.pem")),
              figures_.live_mismatches);
        if (directory >= 0) ::close(directory);
        const std::string both = read_file(combined_);
        count("the combined file", belong_together(blocks(both, "CERTIFICATE"), blocks(both, "PRIVATE KEY")),
              figures_.combined_mismatches);
        look_at_two_files();
    }

    // Read until the certificate is the same before and after the key: else it is the reader who was too slow.
    std::optional<bool> two_files() const {
        for (;;) {
            const std::string certificate = read_file(fullchain_), key = read_file(privkey_);
            if (read_file(fullchain_) == certificate) return belong_together(certificate, key);
        }
    }

    void look_at_two_files() {
        const auto began = std::chrono::steady_clock::now();
        std::optional<bool> pair = two_files();
        if (!pair || *pair) {
            if (!pair) count("an installed file", pair, figures_.missing);
            return;
        }
        ++figures_.between_renames;
        while (pair && !*pair && std::chrono::steady_clock::now() - began < lasting) {
            std::this_thread::sleep_for(look_pause);
            pair = two_files();
        }
        const double took = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
        figures_.longest_ms = std::max(figures_.longest_ms, took);
        if (!pair || !*pair) count("the installed pair", pair, figures_.lasting_mismatches);
    }

    void count(const std::string& what, std::optional<bool> pair, std::size_t& mismatches) {
        if (pair && *pair) return;
        ++(pair ? mismatches : figures_.missing);
        if (fault.empty()) fault = what + (pair ? ": key and certificate do not belong together" : " is missing");
    }

    ProofFigures& figures_;
    std::filesystem::path live_, fullchain_, privkey_, combined_;

   public:
    std::string fault;  // the first one
};

class TlsWatch {
   public:
    TlsWatch(ProofFigures& figures, std::string endpoint) : figures_(figures), endpoint_(std::move(endpoint)) {}

    void run(const std::atomic<bool>& done) {
        SystemClock clock;
        while (!done) {
            ++figures_.handshakes;
            try {
                ProbeRequest request;
                request.address = endpoint_;
                request.server_name = "a.example.test";
                seen.insert(run_task(probe_tls(clock, std::move(request))).fingerprint);
            } catch (const std::exception& error) {
                ++figures_.refused;
                if (fault.empty()) fault = std::string("a handshake failed: ") + error.what();
            }
            std::this_thread::sleep_for(look_pause);
        }
    }

    std::set<std::string> seen;
    std::string fault;

   private:
    ProofFigures& figures_;
    std::string endpoint_;
};

std::string served_by(const Nginx& nginx) {
    SystemClock clock;
    ProbeRequest request;
    request.address = nginx.endpoint();
    request.server_name = "a.example.test";
    return run_task(probe_tls(clock, std::move(request))).fingerprint;
}

void deploy_once(const Daemon& certd, const Nginx& nginx, const std::string& name, ProofFigures& figures) {
    const Output renewed = certd.ctl({"renew", name, "--force"});
    if (renewed.exit_code != 0) throw std::runtime_error("certctl renew: " + renewed.both());
    ++figures.deployments;
    const auto chain = parse_chain(read_file(certd.live(name) / "cert.pem"));
    const std::string live = chain ? chain->front().fingerprint_sha256() : "";
    if (served_by(nginx) == live) return;
    ++figures.old_answers;
    if (!eventually(Limit(5000), [&] { return served_by(nginx) == live; })) ++figures.unserved;
}

}  // namespace

ProofFigures prove_deployments(const Daemon& certd, const Nginx& nginx, const std::string& name,
                               const std::filesystem::path& combined, std::size_t deployments) {
    ProofFigures figures, of_disk, of_tls;  // each thread has its own
    DiskWatch disk(of_disk, certd.live(name), nginx, combined);
    TlsWatch tls(of_tls, nginx.endpoint());
    const auto began = std::chrono::steady_clock::now();
    {
        std::atomic<bool> done = false;
        std::jthread disk_thread([&] { disk.run(done); });
        std::jthread tls_thread([&] { tls.run(done); });
        try {
            while (figures.deployments < deployments)
                deploy_once(certd, nginx, name, figures);
        } catch (...) {
            done = true;
            throw;
        }
        done = true;
    }
    figures.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    figures.looks = of_disk.looks;
    figures.live_mismatches = of_disk.live_mismatches;
    figures.combined_mismatches = of_disk.combined_mismatches;
    figures.lasting_mismatches = of_disk.lasting_mismatches;
    figures.missing = of_disk.missing;
    figures.between_renames = of_disk.between_renames;
    figures.longest_ms = of_disk.longest_ms;
    figures.handshakes = of_tls.handshakes;
    figures.refused = of_tls.refused;
    figures.certificates = tls.seen.size();
    figures.first_fault = disk.fault.empty() ? tls.fault : disk.fault;
    return figures;
}

}  // namespace certd::test
