#include "daemon/lineage/hook_round.hpp"

#include "daemon/lineage/codec.hpp"
#include "libacme/base/names.hpp"

#include <algorithm>
#include <array>

namespace certd {

namespace {

constexpr std::array<std::string_view, 3> outcome_names{"running", "renewed", "failed"};

struct Document {
    std::vector<HookRound> rounds;
};

std::optional<HookUser::Outcome> outcome_from(std::string_view text) {
    return enum_from<HookUser::Outcome>(text, outcome_names);
}

}  // namespace

static std::string_view to_string(HookUser::Outcome outcome) {
    return outcome_names.at(static_cast<std::size_t>(outcome));
}

namespace codec {

template <>
struct Coder<HookUser::Outcome> : NameCoder<HookUser::Outcome, outcome_from> {};

template <>
struct Coder<config::RenewalHooks> {
    static Json encode(const config::RenewalHooks& hooks) {
        return Json::object({{"directory", hooks.directory},
                             {"timeout", format_duration(hooks.timeout)},
                             {"user", hooks.user},
                             {"working_directory", hooks.working_directory}});
    }
    static bool decode(const Json& json, config::RenewalHooks& hooks) {
        const auto timeout = parse_duration(json.string_or("timeout"));
        hooks.directory = json.string_or("directory");
        hooks.user = json.string_or("user");
        hooks.working_directory = json.string_or("working_directory", "/");
        if (timeout) hooks.timeout = *timeout;
        return timeout && !hooks.directory.empty();
    }
};

template <class Visit>
static void fields(Is<HookUser> auto& user, Visit& visit) {
    visit("lineage", user.lineage);
    visit("names", user.names);
    visit("outcome", user.outcome);
}

template <class Visit>
static void fields(Is<HookRound> auto& round, Visit& visit) {
    visit("hooks", round.hooks);
    visit("began", round.began);
    visit("users", round.users);
}

template <class Visit>
static void fields(Is<Document> auto& document, Visit& visit) {
    visit("rounds", document.rounds);
}

}  // namespace codec

namespace {

std::vector<std::string> domains(const std::vector<HookUser>& users, bool renewed) {
    std::vector<std::string> all;
    for (const HookUser& user : users) {
        if ((user.outcome == HookUser::Outcome::renewed) != renewed) continue;
        for (const Identifier& name : user.names)
            all.push_back(name.value);
    }
    return all;
}

}  // namespace

bool HookRound::takes(Time now) const {
    return now < began + hook_round_takes_for && !is_over();
}

std::size_t HookRound::join(const std::string& lineage, std::vector<Identifier> names) {
    users.push_back({lineage, std::move(names)});
    return users.size() - 1;
}

void HookRound::leave(std::size_t user, HookUser::Outcome outcome, std::vector<Identifier> names) {
    users.at(user).outcome = outcome;
    if (!names.empty()) users.at(user).names = std::move(names);
}

bool HookRound::is_over() const {
    return std::ranges::none_of(users, [](const HookUser& user) { return user.outcome == HookUser::Outcome::running; });
}

std::vector<std::string> HookRound::renewed_domains() const {
    return domains(users, true);
}

std::vector<std::string> HookRound::failed_domains() const {
    return domains(users, false);
}

std::vector<std::string> HookRound::lineages() const {
    std::vector<std::string> all;
    for (const HookUser& user : users) {
        if (std::ranges::find(all, user.lineage) == all.end()) all.push_back(user.lineage);
    }
    return all;
}

Json to_json(const std::vector<HookRound>& rounds) {
    return codec::Coder<Document>::encode({rounds});
}

Result<std::vector<HookRound>> hook_rounds_from_json(const Json& json) {
    return codec::decode_document<Document>(json, "The list of hook rounds").map([](Document&& document) {
        return std::move(document.rounds);
    });
}

}  // namespace certd
