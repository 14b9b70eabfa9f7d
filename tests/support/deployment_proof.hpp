// Deploys again and again to a live nginx while others look: at what is on disk, and at what is served.
#pragma once

#include "tests/support/daemon.hpp"
#include "tests/support/nginx.hpp"

#include <cstddef>
#include <string>

namespace certd::test {

struct ProofFigures {
    std::size_t deployments = 0, looks = 0, handshakes = 0, certificates = 0;  // certificates: different ones, served
    double seconds = 0;
    // None of these may be.
    std::size_t live_mismatches = 0;      // live/NAME, opened once, holds a key of another certificate
    std::size_t combined_mismatches = 0;  // the one file with both holds a key of another certificate
    std::size_t lasting_mismatches = 0;   // the two installed files did not belong together for a second
    std::size_t missing = 0;              // a file was not there, or not whole
    std::size_t refused = 0;              // a TLS handshake failed
    std::size_t unserved = 0;             // certctl said deployed, and something else went on being served
    std::string first_fault;
    // Two files cannot be renamed at one instant. A look that falls between is no fault, and is told.
    std::size_t between_renames = 0;
    double longest_ms = 0;
    // nginx's old workers may accept a connection or two after the new ones have been seen. That is told as well.
    std::size_t old_answers = 0;

    bool good() const {
        return live_mismatches + combined_mismatches + lasting_mismatches + missing + refused + unserved == 0;
    }
};

// `certd` runs and has deployed the lineage `name` once: to nginx's two files, and to `combined`. Each deployment is a
// `certctl renew NAME --force`: a new certificate and a new key every time. Throws when one of them fails.
ProofFigures prove_deployments(const Daemon& certd, const Nginx& nginx, const std::string& name,
                               const std::filesystem::path& combined, std::size_t deployments);

}  // namespace certd::test
