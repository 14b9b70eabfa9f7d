// A server on a Unix socket that answers each connection with a script, whatever is asked.
#pragma once

#include "tests/support/temp_directory.hpp"

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace certd::test {

class ScriptedServer {
   public:
    // One answer per connection, in order; the last one is repeated. `hold_open`: the connection is not closed after
    // the answer.
    explicit ScriptedServer(std::vector<std::string> answers, bool hold_open = false);
    ~ScriptedServer();
    std::string path() const { return path_; }
    std::vector<std::string> requests() const;

   private:
    void run();
    TempDirectory directory_;
    std::string path_;
    std::vector<std::string> answers_;
    bool hold_open_;
    int listener_ = -1;
    int stop_[2] = {-1, -1};
    mutable std::mutex mutex_;
    std::vector<std::string> requests_;
    std::thread thread_;
};

// A whole HTTP response.
std::string response(int status, const std::string& content_type, const std::string& body);
// A chunked ndjson response; without the final chunk when `cut`.
std::string stream_of(const std::vector<std::string>& lines, bool cut = false);

}  // namespace certd::test
