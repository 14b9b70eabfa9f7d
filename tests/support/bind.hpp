// BIND in a network of the test's own, on port 53, so that it is found as any name server is: by NS records. A primary
// that takes signed updates, and a secondary that lags a second or two behind it.
#pragma once

#include "tests/support/child.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace certd::test {

// Moves this thread, and what it starts from now on, into a network with nothing but 127.0.0.1 and 127.0.0.2 in it,
// which ends with them. False where that is not allowed.
bool enter_own_network();

struct BindOptions {
    bool with_secondary = true;
    std::string records;  // further lines of the zone example.test
    bool stale = false;   // the secondary never learns of `records`, nor of changes
};

class Bind {
   public:
    // Zones example.test (ns1 and, if there is one, ns2) and elsewhere.test; the key "certd-key" may change TXT records
    // of both, and so may keys with the same secret of algorithms that are out of use: "hmac-md5-key". After
    // enter_own_network().
    explicit Bind(std::filesystem::path directory, BindOptions options = {});

    static std::string primary() { return "127.0.0.1"; }
    static std::string secondary() { return "127.0.0.2"; }
    std::filesystem::path key_file() const { return directory_ / "certd.key"; }  // the key statement, mode 0600
    void write_key(const std::string& secret) const;                             // another secret than BIND's
    void stop_secondary();

    // The values of a name's TXT records at one server, sorted.
    static std::vector<std::string> texts(const std::string& server, const std::string& name);
    std::string log() const;

   private:
    std::unique_ptr<Child> start(const std::string& name, const std::string& address, const std::string& zones);
    static std::string zone_file(const std::string& zone, const std::string& records);

    std::filesystem::path directory_;
    std::unique_ptr<Child> primary_process_, secondary_process_;
};

}  // namespace certd::test
