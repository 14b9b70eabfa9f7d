// Pebble, the independent ACME server, with its chaos knobs on, and the name server that resolves every name to
// 127.0.0.1.
#pragma once

#include "tests/support/child.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace certd::test {

struct PebbleOptions {
    int nonce_reject = 5;  // percent of good nonces refused
    int authz_reuse = 50;  // percent of valid authorizations reused
    int alternate_roots = 1;
    bool sleep = false;  // up to `sleep_seconds` before each validation
    int sleep_seconds = 5;
    bool always_valid = false;  // no validation at all
    int validity_seconds = 90 * 86400;
    std::string name_server;        // "ADDRESS:PORT" it resolves by; empty: its own, where every name is 127.0.0.1
    std::uint16_t tls_port = 0;     // asked where a public CA would ask port 443; 0: any
    std::string external_accounts;  // members of externalAccountMACKeys, which are required then
};

class Pebble {
   public:
    // `directory` receives its files; `http_port` is asked where a public CA would ask port 80.
    Pebble(std::filesystem::path directory, std::uint16_t http_port, PebbleOptions options = {});

    std::string directory_url() const;
    std::filesystem::path ca_bundle() const { return directory_ / "tls.pem"; }

    void kill();                          // SIGKILL: every account, order and root is forgotten
    void start();                         // again, on the same ports, with new roots
    void restart(PebbleOptions options);  // kill and start with other knobs
    std::size_t orders() const;           // placed since the first start
    std::string log() const;

    // The names of the name server answer SERVFAIL from now on, so that every validation fails; and again as before.
    void break_name(const std::string& name) const;
    void mend_name(const std::string& name) const;

   private:
    void manage_names(const std::string& command, const std::string& name) const;

    std::filesystem::path directory_;
    PebbleOptions options_;
    std::uint16_t port_, management_port_, dns_port_, dns_management_port_;
    std::unique_ptr<Child> names_, pebble_;
};

}  // namespace certd::test
