// ChallengeHook: what the commands are told, and how they ended.
#include "daemon/deploy/challenge_hook.hpp"

#include "daemon/deploy/commands.hpp"
#include "libacme/base/json.hpp"
#include "libacme/base/text.hpp"

#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr std::size_t kept_output = 4096;  // of `present`, for `cleanup`

}  // namespace

Task<> ChallengeHook::present(ChallengeFacts facts) {
    const std::string value = facts.value;
    std::string output = co_await run("present", commands_.present, std::move(facts), "");
    std::erase(output, '\0');
    outputs_[value] = std::string(trim(output.substr(0, kept_output)));
}

Task<> ChallengeHook::cleanup(ChallengeFacts facts) {
    std::string output;
    if (auto kept = outputs_.extract(facts.value)) output = std::move(kept.mapped());
    co_await run("cleanup", commands_.cleanup, std::move(facts), output);
}

Task<bool> ChallengeHook::wait(ChallengeFacts facts) {
    if (commands_.wait.empty()) co_return false;
    co_await run("wait", commands_.wait, std::move(facts), "");
    co_return true;
}

Task<std::string> ChallengeHook::run(std::string event, std::vector<std::string> argv, ChallengeFacts facts,
                                     std::string auth_output) {
    Command command;
    command.argv = std::move(argv);
    command.environment = environment_of(facts, auth_output);
    command.input = input_of(event, facts);
    command.timeout = commands_.timeout;
    command.umask = words_.umask;
    if (!commands_.user.empty()) command.user = commands_.user;
    auto subject = fmt::format("The {} command {}", event, words_.whose);
    co_return value_or_fail(co_await run_checked(host_, std::move(command), "hook.failed", subject));
}

std::string ChallengeHook::input_of(const std::string& event, const ChallengeFacts& facts) const {
    Json names = Json::array();
    for (const std::string& name : facts.all_names)
        names.push(name);
    Json json = Json::object({{"event", event},
                              {words_.key, words_.name},
                              {"domain", facts.domain},
                              {words_.place, facts.place},
                              {"value", facts.value},
                              {"token", facts.token},
                              {"remaining", facts.remaining}});
    json.set("all_names", std::move(names));
    return to_text(json) + "\n";
}

// The names are those of certbot(1), hooks of --manual.
std::vector<std::string> ChallengeHook::environment_of(const ChallengeFacts& facts,
                                                       const std::string& auth_output) const {
    std::vector<std::string> environment = base_environment();
    auto set = [&](std::string_view name, std::string_view value) {
        environment.push_back(fmt::format("{}={}", name, value));
    };
    set("CERTBOT_DOMAIN", facts.domain);
    set("CERTBOT_VALIDATION", facts.value);
    if (words_.by_http) set("CERTBOT_TOKEN", facts.token);
    set("CERTBOT_REMAINING_CHALLENGES", std::to_string(facts.remaining));
    set("CERTBOT_ALL_DOMAINS", join(facts.all_names, ","));
    if (!auth_output.empty()) set("CERTBOT_AUTH_OUTPUT", auth_output);
    set(words_.variable, facts.place);
    return environment;
}

}  // namespace certd
