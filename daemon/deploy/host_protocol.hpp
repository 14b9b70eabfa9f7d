// What certd and contrib/host/certd-host say to each other (contrib/docs/HOSTS.md): one request, one answer. Pure.
// An answer comes from another machine and is untrusted: it counts only when it is whole, and of the form expected.
#pragma once

#include "daemon/deploy/host.hpp"
#include "daemon/deploy/hosts.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace certd {

// A request, line by line. `token` is repeated in the answer, so that nothing else on the connection is taken for it.
class HostRequest {
   public:
    HostRequest(std::string_view token, std::string_view verb);

    // Text that does not fit into one line makes the whole request a problem, host.refused.
    HostRequest& line(std::string_view key, std::string_view value);
    HostRequest& delivery(const Delivery& delivery);
    // `owner` and `group`: names or numbers; "-": as the host makes it.
    HostRequest& file(const InstalledFile& file, std::string_view owner, std::string_view group);
    HostRequest& input(std::string_view content);
    const std::optional<Problem>& problem() const { return problem_; }
    std::string take();

   private:
    void content(std::string_view content);
    std::string text_;
    std::optional<Problem> problem_;
};

struct HostAnswer {
    enum class Status { ok, refused, failed, stale, unsupported };
    Status status = Status::ok;
    std::string text;  // the host's words
    std::string body;  // of an answer that is ok
};

// The answer within the output of ssh; nothing when there is none, or not the whole of it.
std::optional<HostAnswer> parse_answer(std::string_view output, std::string_view token);

// The body of an answer to `read`; the inner value is empty where there is no such file. Nothing when malformed, which
// includes content that is not what its digest says.
std::optional<std::optional<InstalledFile>> parse_file(std::string_view body);
// The body of an answer to `run`.
std::optional<ProcessResult> parse_run(std::string_view body);

// The code of LocalHost for what a host could not do, by the words of its tools: storage.full, storage.readOnly …
std::string_view code_of_failure(std::string_view words);

}  // namespace certd
