#include "daemon/deploy/hook_environment.hpp"

#include "libacme/async/process.hpp"
#include "libacme/base/text.hpp"

#include <fmt/format.h>

namespace certd {

namespace {

// Long enough for a thousand names; a program's whole environment may be far larger.
constexpr std::size_t value_limit = std::size_t{100} << 10;

std::vector<std::string> texts(const std::vector<Identifier>& names) {
    std::vector<std::string> values;
    for (const auto& name : names)
        values.push_back(name.value);
    return values;
}

}  // namespace

std::vector<std::string> hook_environment(const HookFacts& facts) {
    std::vector<std::string> environment = base_environment();
    const auto set = [&](std::string_view name, std::string_view value) {
        if (!value.empty()) environment.push_back(fmt::format("{}={}", name, escape_untrusted(value, value_limit)));
    };
    set("RENEWED_LINEAGE", facts.lineage_path);
    set("RENEWED_DOMAINS", join(texts(facts.names), " "));
    set("CERTD_EVENT", facts.event);
    set("CERTD_LINEAGE", facts.lineage);
    if (facts.version) {
        set("CERTD_VERSION", std::to_string(facts.version->number.value));
        set("CERTD_SERIAL", facts.version->serial);
        set("CERTD_FINGERPRINT_SHA256", facts.version->fingerprint);
        set("CERTD_NOT_BEFORE", format_rfc3339(facts.version->not_before));
        set("CERTD_NOT_AFTER", format_rfc3339(facts.version->not_after));
        set("CERTD_CA", facts.version->ca.text);
    }
    set("CERTD_TARGET", facts.target);
    set("CERTD_HOST", facts.host);
    if (facts.job != 0) set("CERTD_JOB", std::to_string(facts.job));
    return environment;
}

std::vector<std::string> round_environment(std::string_view event) {
    std::vector<std::string> environment = base_environment();
    environment.push_back(fmt::format("CERTD_EVENT={}", event));
    return environment;
}

std::vector<std::string> round_environment(std::string_view event, const std::vector<std::string>& renewed,
                                           const std::vector<std::string>& failed) {
    std::vector<std::string> environment = round_environment(event);
    const auto set = [&](std::string_view name, const std::vector<std::string>& domains) {
        environment.push_back(fmt::format("{}={}", name, escape_untrusted(join(domains, " "), value_limit)));
    };
    set("RENEWED_DOMAINS", renewed);
    set("FAILED_DOMAINS", failed);
    return environment;
}

namespace {

Json json_of(const HookFacts& facts) {
    Json names = Json::array();
    for (const auto& name : facts.names)
        names.push(name.value);
    Json json = Json::object({{"event", facts.event}, {"lineage", facts.lineage}, {"path", facts.lineage_path}});
    json.set("names", std::move(names));
    if (facts.version) {
        json.set("version", facts.version->number.value).set("serial", facts.version->serial);
        json.set("fingerprint_sha256", facts.version->fingerprint).set("ca", facts.version->ca.text);
        json.set("not_before", to_json(facts.version->not_before)).set("not_after", to_json(facts.version->not_after));
    }
    if (!facts.target.empty()) json.set("target", facts.target).set("host", facts.host);
    if (facts.job != 0) json.set("job", static_cast<std::int64_t>(facts.job));
    return json;
}

// No member for a key that certd does not have.
void add_files(Json& json, const CertificateFiles& files) {
    if (!files.privkey.empty()) json.set("privkey", files.privkey);
    json.set("cert", files.cert).set("chain", files.chain).set("fullchain", files.fullchain);
}

}  // namespace

std::string hook_input(const HookFacts& facts) {
    return to_text(json_of(facts)) + "\n";
}

std::string bundle_input(const HookFacts& facts, const VersionFiles& files) {
    Json json = json_of(facts);
    if (facts.version) json.set("key_type", to_string(facts.version->key_type));
    add_files(json, files);
    Json further = Json::array();
    for (const auto& [type, texts] : files.further) {
        Json one = Json::object({{"key_type", to_string(type)}});
        add_files(one, texts);
        further.push(std::move(one));
    }
    if (!files.further.empty()) json.set("further", std::move(further));
    return to_text(json) + "\n";
}

}  // namespace certd
