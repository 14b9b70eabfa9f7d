// The editors that run programs: with the environment of certbot's manual hooks, or with the arguments of lego's exec
// provider. Nothing of the CA reaches them but a token and names that were checked (faults S1).
#include "daemon/deploy/commands.hpp"
#include "daemon/dns/editors.hpp"
#include "libacme/base/json.hpp"
#include "libacme/base/text.hpp"

#include <map>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr std::size_t kept_output = 4096;  // of `present`, for `cleanup`

std::string input_of(const std::string& event, const std::string& provider, const DnsChange& change) {
    Json names = Json::array();
    for (const std::string& name : change.all_names)
        names.push(name);
    Json json = Json::object({{"event", event},
                              {"provider", provider},
                              {"domain", change.domain},
                              {"record", change.record.absolute_text()},
                              {"value", change.value},
                              {"token", change.token},
                              {"remaining", change.remaining}});
    json.set("all_names", std::move(names));
    return to_text(json) + "\n";
}

// The names are those of certbot(1), hooks of --manual.
std::vector<std::string> environment_of(const DnsChange& change, const std::string& auth_output) {
    std::vector<std::string> environment = base_environment();
    auto set = [&](std::string_view name, std::string_view value) {
        environment.push_back(fmt::format("{}={}", name, value));
    };
    set("CERTBOT_DOMAIN", change.domain);
    set("CERTBOT_VALIDATION", change.value);
    set("CERTBOT_TOKEN", change.token);
    set("CERTBOT_REMAINING_CHALLENGES", std::to_string(change.remaining));
    set("CERTBOT_ALL_DOMAINS", join(change.all_names, ","));
    if (!auth_output.empty()) set("CERTBOT_AUTH_OUTPUT", auth_output);
    set("CERTD_RECORD", change.record.absolute_text());
    return environment;
}

class ExecEditor final : public RecordEditor {
   public:
    ExecEditor(DnsSeams seams, std::shared_ptr<const config::DnsProvider> provider)
        : seams_(seams), provider_(std::move(provider)), options_(std::get<config::DnsExec>(provider_->kind)) {}

    Task<> add(DnsChange change) override {
        std::string output = co_await run("present", options_.present, change, "");
        std::erase(output, '\0');
        outputs_[change.value] = std::string(trim(output.substr(0, kept_output)));
    }

    Task<> remove(DnsChange change) override {
        std::string output;
        if (auto kept = outputs_.extract(change.value)) output = std::move(kept.mapped());
        co_await run("cleanup", options_.cleanup, change, output);
    }

    Task<bool> wait_visible(DnsChange change) override {
        if (options_.wait.empty()) co_return false;
        co_await run("wait", options_.wait, change, "");
        co_return true;
    }

   private:
    Task<std::string> run(std::string event, std::vector<std::string> argv, DnsChange change, std::string auth_output) {
        Command command;
        command.argv = std::move(argv);
        command.environment = environment_of(change, auth_output);
        command.input = input_of(event, provider_->name, change);
        command.timeout = options_.timeout;
        if (!options_.user.empty()) command.user = options_.user;
        auto subject = fmt::format("The {} command of the DNS provider {}", event, provider_->name);
        co_return value_or_fail(co_await run_checked(seams_.host, std::move(command), "hook.failed", subject));
    }

    DnsSeams seams_;
    std::shared_ptr<const config::DnsProvider> provider_;
    const config::DnsExec& options_;
    std::map<std::string, std::string> outputs_;  // of `present`, by value
};

class LegoExecEditor final : public RecordEditor {
   public:
    LegoExecEditor(DnsSeams seams, std::shared_ptr<const config::DnsProvider> provider)
        : seams_(seams), provider_(std::move(provider)), options_(std::get<config::DnsLegoExec>(provider_->kind)) {}

    Task<> add(DnsChange change) override { return run("present", std::move(change)); }
    Task<> remove(DnsChange change) override { return run("cleanup", std::move(change)); }

   private:
    Task<> run(std::string event, DnsChange change) {
        Command command;
        command.argv = options_.command;
        command.argv.insert(command.argv.end(), {event, change.record.absolute_text(), change.value});
        command.environment = base_environment();
        command.timeout = options_.timeout;
        if (!options_.user.empty()) command.user = options_.user;
        auto subject = fmt::format("The {} command of the DNS provider {}", event, provider_->name);
        value_or_fail(co_await run_checked(seams_.host, std::move(command), "hook.failed", subject));
    }

    DnsSeams seams_;
    std::shared_ptr<const config::DnsProvider> provider_;
    const config::DnsLegoExec& options_;
};

}  // namespace

std::unique_ptr<RecordEditor> exec_editor(const DnsSeams& seams, std::shared_ptr<const config::DnsProvider> provider) {
    return std::make_unique<ExecEditor>(seams, std::move(provider));
}

std::unique_ptr<RecordEditor> lego_exec_editor(const DnsSeams& seams,
                                               std::shared_ptr<const config::DnsProvider> provider) {
    return std::make_unique<LegoExecEditor>(seams, std::move(provider));
}

}  // namespace certd
