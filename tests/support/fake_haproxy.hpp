// haproxy on a FakeHost: certificates in memory, a runtime API that answers in the words of 2.6, "haproxy reload" as a
// command, and every address as its endpoint.
#pragma once

#include "tests/support/fake_host.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace certd::test {

class FakeHaproxy {
   public:
    FakeHaproxy(FakeHost& host, std::vector<std::string> paths);
    FakeHaproxy(const FakeHaproxy&) = delete;
    FakeHaproxy& operator=(const FakeHaproxy&) = delete;

    void load();                                     // what is on disk, as its start and a reload do
    std::string serves(const std::string& path);     // SHA-256 of the leaf in memory, "" when none
    bool agrees_with_disk() const;                   // leaf by leaf
    std::size_t count(std::string_view verb) const;  // commands that began so
    std::string ask(const std::string& command);     // as another client

    std::string level = "admin";
    std::size_t bufsize = 16384;
    struct Pending {
        std::string path, pem;
    };
    std::optional<Pending> pending;
    std::size_t reloads = 0;
    bool serves_old = false;  // the workers that serve are not the one that is asked
    // Asked before each command; what it gives is said or goes wrong in place of it.
    std::function<std::optional<Result<std::string>>(const std::string& command)> instead;

   private:
    std::string answer(const std::string& command);
    std::string list() const;
    std::string show(const std::string& name) const;
    std::string set(const std::string& path, const std::string& pem);
    std::string commit(const std::string& path);
    std::string abort(const std::string& path);

    FakeHost& host_;
    std::vector<std::string> paths_;
    std::map<std::string, std::string> memory_, served_;
    std::vector<std::string> commands_;
};

}  // namespace certd::test
