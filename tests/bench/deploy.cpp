// Deploys many times to a live nginx, each time a new certificate and key, while others look all the time.
#include "tests/bench/bench.hpp"
#include "tests/support/deployment_proof.hpp"
#include "tests/support/pebble.hpp"
#include "tests/support/temp_directory.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace certd::bench {

namespace {

using namespace test;

std::string configuration(const Daemon& certd, const Pebble& pebble, const Nginx& nginx,
                          const std::filesystem::path& combined) {
    return fmt::format(R"(state_dir: {}
control: {{ socket: {}, group: "" }}
cas: {{ pebble: {{ directory: {}, ca_bundle: {}, agree_tos: true }} }}
defaults: {{ cas: [pebble], challenge: {{ http-01: {{ webroot: {} }} }} }}
targets:
  web:
    install:
      - {{ part: fullchain, path: {}, mode: "0644" }}
      - {{ part: privkey, path: {}, mode: "0600" }}
      - {{ part: combined, path: {} }}
    test: {}
    reload: {}
    verify: {{ tls: ["{}"], timeout: 10s }}
lineages:
  shop: {{ names: [a.example.test], targets: [web] }}
)",
                       certd.state_directory().string(), certd.socket().string(), pebble.directory_url(),
                       pebble.ca_bundle().string(), nginx.webroot().string(), nginx.fullchain().string(),
                       nginx.privkey().string(), combined.string(), nginx.test_command(), nginx.reload_command(),
                       nginx.endpoint());
}

}  // namespace

void deploy(std::size_t deployments) {
    TempDirectory directory;
    PebbleOptions options;
    options.nonce_reject = 0;
    options.always_valid = true;
    const Pebble pebble(directory.path() / "pebble", free_port(), options);
    const Nginx nginx(directory.path() / "nginx");
    const std::filesystem::path combined = nginx.fullchain().parent_path() / "combined.pem";
    Daemon certd(directory.path() / "certd");
    certd.configure(configuration(certd, pebble, nginx, combined));
    certd.start();
    if (const Output first = certd.ctl({"renew", "shop"}); first.exit_code != 0)
        throw std::runtime_error("certctl renew: " + first.both());
    fmt::print(
        "{} deployments to a live nginx, each by `certctl renew shop --force`: a new key and certificate from Pebble, "
        "which\n  validates nothing, then install, nginx -t, nginx -s reload, verify; one poller reads the disk and "
        "one asks by TLS, 1 ms apart\n",
        deployments);
    const ProofFigures seen = prove_deployments(certd, nginx, "shop", combined, deployments);
    certd.terminate();
    fmt::print(
        "  {} deployments in {:.0f} s ({:.0f} ms each); {} looks at the disk, {} handshakes, {} certificates seen\n",
        seen.deployments, seen.seconds, 1000 * seen.seconds / double(seen.deployments), seen.looks, seen.handshakes,
        seen.certificates);
    fmt::print(
        "  mismatches of key and certificate: {} at live/, {} in the combined file, {} lasting at the two installed "
        "files\n  missing files: {}; handshakes refused: {}; deployed and not served: {}\n",
        seen.live_mismatches, seen.combined_mismatches, seen.lasting_mismatches, seen.missing, seen.refused,
        seen.unserved);
    fmt::print(
        "  told, and no faults: {} looks between the renames of the two installed files (the longest lasted {:.1f} "
        "ms); "
        "{} answers of\n  an old nginx worker right after the new certificate had been seen\n",
        seen.between_renames, seen.longest_ms, seen.old_answers);
    if (!seen.good()) throw std::runtime_error("not as it has to be; the first fault: " + seen.first_fault);
}

}  // namespace certd::bench
