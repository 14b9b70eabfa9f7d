// The world most lives of a lineage take place in: Pebble, an nginx, and a certd whose lineage "shop" is deployed to
// that nginx.
#pragma once

#include "tests/support/catch.hpp"
#include "tests/support/daemon.hpp"
#include "tests/support/nginx.hpp"
#include "tests/support/pebble.hpp"
#include "tests/support/temp_directory.hpp"

#include <string>

namespace certd::test {

struct WorldOptions {
    PebbleOptions pebble;
    bool nginx_answers_http = false;  // nginx, not certd, listens where the CA asks
};

// What certd.yaml says; each member is a piece of YAML that a test may vary.
struct Sample {
    std::string names = "[a.example.test, b.example.test]";
    std::string key = "ecdsa-p256";
    std::string challenge = "{ http-01: {} }";
    std::string http_listen;  // default: where the CA asks
    std::string control_group = "\"\"";
    std::string control_more;  // further members of control
    std::string test, reload;  // default: those of nginx
    std::string targets = "[web]";
    std::string more_targets;  // further targets, indented by two spaces
    std::string install_more;  // further install items of the target, indented by six spaces
    std::string verify_timeout = "10s";
    std::string lineage_more;  // further lines of the lineage, indented by four spaces
    std::string top;           // further top-level lines
};

class World {
   public:
    explicit World(WorldOptions options = {});
    ~World();  // prints certd's log when the test has failed

    std::string configuration(const Sample& sample = {}) const;
    void start(const Sample& sample = {});        // certd
    void issue_first(const Sample& sample = {});  // start() and wait until the first version of shop is served
    // Whether nginx serves the certificate that `live` names.
    bool served_is_live() const;
    std::string live_fingerprint() const;

   private:
    TempDirectory directory_;

   public:
    const std::filesystem::path& directory() const { return directory_.path(); }
    std::uint16_t http_port;
    Pebble pebble;
    Nginx nginx;
    Daemon certd;
};

}  // namespace certd::test
