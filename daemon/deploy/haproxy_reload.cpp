// The conversations that HaproxyUpdate asks for.
#include "daemon/deploy/haproxy_reload.hpp"

#include "daemon/deploy/haproxy_answers.hpp"
#include "daemon/deploy/haproxy_update.hpp"
#include "libacme/async/timeout.hpp"

#include <algorithm>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr Duration answer_limit = seconds(10);
constexpr Duration abort_limit = seconds(2);  // a cancelled deployment has little time
constexpr Duration look_limit = seconds(2);

std::vector<std::string> paths_of(const config::Target& target) {
    std::vector<std::string> paths;
    for (const auto& step : target.install) {
        if (step.part == config::Part::combined) paths.push_back(step.path);
    }
    return paths;
}

Task<Result<HaproxyCertificate>> certificate_at(Host& host, std::string path) {
    auto file = co_await host.read(path);
    if (!file) co_return failure(file.error());
    if (!*file) co_return failure("haproxy.refused", fmt::format("There is no file {} for haproxy to take up", path));
    co_return haproxy_certificate(path, (*file)->content);
}

class Conversation {
   public:
    Conversation(Clock& clock, Host& host, const config::Target& target, HaproxyCertificate certificate)
        : clock_(clock),
          host_(host),
          socket_(target.reload.haproxy),
          limit_(std::min<Duration>(answer_limit, target.command_timeout)),
          update_(std::move(certificate)) {}

    Task<Result<void>> run() {
        std::exception_ptr error;
        try {
            co_await proceed(limit_);
        } catch (const std::exception&) {
            error = std::current_exception();
        }
        if (error) {
            co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
            co_await asio::this_coro::throw_if_cancelled(false);
            update_.cancel();
            co_await proceed(abort_limit);
            std::rethrow_exception(error);
        }
        if (update_.problem()) co_return failure(*update_.problem());
        co_return Result<void>{};
    }

   private:
    Task<> proceed(Duration limit) {
        while (update_.next() != HaproxyStep::done) {
            if (update_.next() == HaproxyStep::pause) {
                co_await clock_.sleep(HaproxyUpdate::pause);
                update_.paused();
                continue;
            }
            const auto answer = co_await host_.ask({socket_, update_.command(), limit});
            if (answer) {
                update_.answered(*answer);
            } else {
                update_.not_answered(answer.error());
            }
        }
    }

    Clock& clock_;
    Host& host_;
    std::string socket_;
    Duration limit_;
    HaproxyUpdate update_;
};

Task<> bring_all(Clock& clock, Host& host, const config::Target& target) {
    for (const std::string& path : paths_of(target)) {
        auto certificate = value_or_fail(co_await certificate_at(host, path));
        Conversation conversation(clock, host, target, std::move(certificate));
        value_or_fail(co_await conversation.run());
    }
}

// A worker that is about to end takes and shows certificates like any other, and serves them to nobody.
Task<Result<void>> see_served(Clock& clock, Host& host, const config::Target& target, std::vector<Expected> expected) {
    if (expected.empty()) co_return Result<void>{};
    VerifyRequest request{std::move(expected), "the certificate that haproxy took up",
                          std::min<Duration>(look_limit, target.verify.timeout), target.verify.interval};
    const auto seen = co_await verify_served(clock, host, std::move(request));
    if (!seen.problem) co_return Result<void>{};
    Problem result = problem("haproxy.notTaken", seen.problem->what, seen.problem->remote);
    result.parts.push_back(*seen.problem);
    co_return failure(std::move(result));
}

Task<Result<std::string>> ask_simply(Host& host, const config::Target& target, std::string command) {
    auto answer = co_await host.ask(
        {target.reload.haproxy, std::move(command), std::min<Duration>(answer_limit, target.command_timeout)});
    if (!answer) co_return failure(haproxy_unreachable(answer.error()));
    co_return answer;
}

}  // namespace

Task<Result<void>> take_up_by_haproxy(Clock& clock, Host& host, const config::Target& target,
                                      std::vector<Expected> expected) {
    try {
        co_await with_timeout(clock, target.command_timeout, "haproxy.unreachable",
                              fmt::format("haproxy did not take up the files of {} within {}", target.name.text,
                                          format_duration(target.command_timeout)),
                              bring_all(clock, host, target));
    } catch (const Failure& failed) {
        co_return failure(failed.problem());
    }
    if (!target.reload.runs_program()) co_return Result<void>{};
    co_return co_await see_served(clock, host, target, std::move(expected));
}

Task<Result<void>> check_haproxy(Host& host, const config::Target& target) {
    const auto level = co_await ask_simply(host, target, haproxy_show_level());
    if (!level) co_return failure(level.error());
    if (auto admin = parse_haproxy_level(*level); !admin) co_return admin;
    const auto answer = co_await ask_simply(host, target, haproxy_list());
    if (!answer) co_return failure(answer.error());
    const auto listing = parse_haproxy_listing(*answer);
    if (!listing) co_return failure(listing.error());
    for (const std::string& path : paths_of(target)) {
        if (std::ranges::find(listing->loaded, path) == listing->loaded.end())
            co_return failure("haproxy.unknown", fmt::format("haproxy has no certificate {}", path));
    }
    co_return Result<void>{};
}

}  // namespace certd
