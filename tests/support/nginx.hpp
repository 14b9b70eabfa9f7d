// A real nginx on a high port, with a self-signed certificate until something better is deployed.
#pragma once

#include "tests/support/child.hpp"
#include "tests/support/tls_files.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace certd::test {

class Nginx {
   public:
    // `webroot`: also serve http://127.0.0.1:http_port/ from the directory `webroot`.
    explicit Nginx(std::filesystem::path directory, std::uint16_t http_port = 0);
    // With TLS on an address and port of the test's choice.
    Nginx(std::filesystem::path directory, std::string address, std::uint16_t tls_port);
    // From the next reload on it has a second pair of files too, of an RSA key.
    void add_rsa();
    std::filesystem::path rsa_fullchain() const { return directory_ / "rsa-fullchain.pem"; }
    std::filesystem::path rsa_privkey() const { return directory_ / "rsa-privkey.pem"; }

    std::uint16_t tls_port() const { return tls_port_; }
    std::string endpoint() const;  // "127.0.0.1:PORT"
    std::filesystem::path fullchain() const { return directory_ / "fullchain.pem"; }
    std::filesystem::path privkey() const { return directory_ / "privkey.pem"; }
    std::filesystem::path webroot() const { return directory_ / "webroot"; }
    std::string test_command() const;  // as a YAML list
    std::string reload_command() const;
    void reload() const;  // behind certd's back

    void break_configuration() const;
    void mend_configuration() const;
    // SHA-256 of the leaf served for this name, lower-case hex, asked with OpenSSL's own client; empty: no answer.
    std::string served(const std::string& server_name) const;
    // The same with further options of `openssl s_client`: "-tls1_2 -sigalgs …".
    std::string served(const std::string& server_name, const std::string& options) const;

   private:
    void start();
    std::string configuration() const;

    std::filesystem::path directory_;
    std::string address_ = "127.0.0.1";
    std::uint16_t http_port_ = 0, tls_port_;
    bool has_rsa_ = false;
    std::unique_ptr<Child> child_;
};

}  // namespace certd::test
