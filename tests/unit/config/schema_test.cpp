// Every row of the schema, one case each: the key can be set, lands in the model, and its documented default is the
// model's own.
#include "config/schema.hpp"

#include "tests/unit/config/fixture.hpp"

#include <functional>
#include <map>
#include <set>

using namespace certd;
using namespace certd::config;
using namespace certd::config::test;

namespace {

const Ca& ca(const Config& config) {
    return config.cas.at({"main"});
}
const Target& target(const Config& config) {
    return config.targets.at({"web"});
}
const Lineage& lineage(const Config& config) {
    return *config.lineages.at("example.com");
}
const InstallStep& step(const Config& config) {
    return target(config).install.at(0);
}

const ChallengeCommands& http_exec(const Config& config) {
    return *lineage(config).challenge.http01->exec;
}

template <class Kind>
const Kind& dns(const Config& config) {
    return std::get<Kind>(config.dns_providers.at("dns")->kind);
}
const DnsProvider& dns(const Config& config) {
    return *config.dns_providers.at("dns");
}

// A provider of the kind that `key` is about, with what its kind requires.
void add_dns_provider(const std::string& key, std::map<std::string, std::string>& members) {
    const std::string start = "dns_providers.*.";
    const std::map<std::string, std::map<std::string, std::string>> required = {
        {"rfc2136", {{"key_name", "k"}, {"secret_file", "/s"}}},
        {"exec", {{"present", "[/bin/x]"}, {"cleanup", "[/bin/x]"}}},
        {"lego_exec", {{"command", "[/bin/x]"}}},
        {"httpreq", {{"endpoint", "\"https://h.example\""}}},
        {"acme_dns", {{"server", "\"https://h.example\""}, {"accounts_file", "/s"}}},
        {"cloudflare", {{"token_file", "/s"}}},
        {"route53", {{"access_key_file", "/s"}, {"secret_key_file", "/s"}}}};
    std::string kind = key.starts_with(start) ? key.substr(start.size()) : "exec";
    kind = kind.substr(0, kind.find('.'));
    if (!required.contains(kind)) kind = "exec";
    for (const auto& [name, value] : required.at(kind))
        members[start + kind + "." + name] = value;
}

template <class Kind>
const Kind& notify(const Config& config) {
    return std::get<Kind>(config.notifiers.at("ops")->kind);
}
const Notifier& notify(const Config& config) {
    return *config.notifiers.at("ops");
}

// A notifier of the kind that `key` is about, with what its kind requires.
void add_notifier(const std::string& key, const std::string& value, std::map<std::string, std::string>& members) {
    const std::string start = "notify.*.";
    const std::map<std::string, std::map<std::string, std::string>> required = {
        {"webhook", {{"url", "\"https://h.example\""}}},
        {"slack", {{"url_file", "/s"}}},
        {"pagerduty", {{"routing_key_file", "/s"}}},
        {"email", {{"from", "c@example.com"}, {"to", "[o@example.com]"}, {"smtp", "\"127.0.0.1:25\""}}},
        {"exec", {{"command", "[/bin/x]"}}},
        {"heartbeat", {{"url", "\"https://h.example\""}}}};
    std::string kind = key.substr(start.size());
    kind = kind.substr(0, kind.find('.'));
    if (!required.contains(kind)) kind = "exec";
    for (const auto& [name, text] : required.at(kind))
        members[start + kind + "." + name] = text;
    // What excludes each other, and what goes together only.
    if (!value.empty() && key.ends_with(".url_file")) members.erase(start + kind + ".url");
    if (!value.empty() && key.ends_with(".sendmail")) members.erase(start + "email.smtp");
    if (key.ends_with(".username") && !value.empty()) members[start + "email.password_file"] = "/p";
    if (key.ends_with(".password_file") && !value.empty()) members[start + "email.username"] = "u";
}

// A configuration with one of everything, into which `value` is set for `key` (a path with "*" and "[]").
std::string text_with(const std::string& key, const std::string& value) {
    std::map<std::string, std::string> members = {{"http_challenge.listen", "\"[::]:80\""},
                                                  {"cas.*.directory", "\"https://ca.example/dir\""},
                                                  {"defaults.cas", "[main]"},
                                                  {"targets.*.install[].part", "fullchain"},
                                                  {"targets.*.install[].path", "/f"},
                                                  {"lineages.*.names", "[example.com]"}};
    if (key.ends_with("].timeout") || key.ends_with("].user") || key.ends_with("].input") ||
        key.ends_with("].working_directory"))
        members[key.substr(0, key.rfind('.')) + ".command"] = "[/bin/x]";
    if (key.starts_with("notify.")) add_notifier(key, value, members);
    if (key.find("dns") != std::string::npos) add_dns_provider(key, members);
    if (const std::size_t at = key.find("http-01.exec."); at != std::string::npos) {
        for (const char* command : {"present", "cleanup"})
            members[key.substr(0, at) + "http-01.exec." + command] = "[/bin/x]";
    }
    if (key.starts_with("cas.*.external_account.")) {
        members["cas.*.external_account.kid"] = "k";
        members["cas.*.external_account.mac_key_file"] = "/m";
    }
    if (const std::size_t at = key.find("renewal_hooks."); at != std::string::npos)
        members[key.substr(0, at) + "renewal_hooks.directory"] = "/hooks";
    if (key.starts_with("targets.*.ssh.") || key.starts_with("targets.*.rollout."))
        members["targets.*.hosts"] = "[web1]";
    // What only some parts have.
    if (!value.empty() && key.ends_with("].format")) members["targets.*.install[].part"] = "cert";
    if (!value.empty() && key.ends_with("reload.haproxy")) members["targets.*.install[].part"] = "combined";
    if (!value.empty() && key.ends_with("].password_file")) members["targets.*.install[].part"] = "pkcs12";
    if (!value.empty()) members[key] = value;
    const std::map<std::string, std::string> names = {
        {"cas", "main"}, {"dns_providers", "dns"}, {"targets", "web"}, {"lineages", "example.com"}, {"notify", "ops"}};

    std::string text;
    std::function<void(const std::string&, std::string)> write = [&](const std::string& prefix, std::string indent) {
        std::set<std::string> done;
        for (const auto& [path, member] : members) {
            if (!path.starts_with(prefix)) continue;
            std::string rest = path.substr(prefix.size());
            std::string word = rest.substr(0, rest.find('.'));
            if (!done.insert(word).second) continue;
            if (word == rest) {
                text += indent + word + ": " + member + "\n";
            } else if (word.ends_with("[]")) {
                text += indent + word.substr(0, word.size() - 2) + ":\n" + indent + "  -\n";
                write(prefix + word + ".", indent + "    ");
            } else {
                text += indent + (word == "*" ? names.at(prefix.substr(0, prefix.size() - 1)) : word) + ":\n";
                write(prefix + word + ".", indent + "  ");
            }
        }
    };
    write("", "");
    if (key == "cas.*.staging")
        text.insert(text.find("cas:\n") + 5, "  stage: { directory: \"https://stage.example/dir\" }\n");
    return text;
}

struct Case {
    std::string value;                               // as written
    std::function<std::string(const Config&)> read;  // as it lands
    std::string landed;
    std::string default_landed;  // without the key; "" where the key is required
};

std::string list(const std::vector<std::string>& values) {
    return fmt::format("[{}]", fmt::join(values, " "));
}

std::string addresses(const Verify& verify) {
    std::string text;
    for (const auto& [start, address] : verify.addresses)
        text += fmt::format("{} {}, ", start_tls_name(start), address);
    return text;
}

template <class Name>
std::string list_of_names(const std::vector<Name>& names) {
    std::vector<std::string> texts;
    for (const Name& name : names)
        texts.push_back(name.text);
    return list(texts);
}

std::string hooks(const std::vector<Hook>& hooks_) {
    std::string text;
    for (const Hook& hook : hooks_)
        text += list(hook.command.argv) + format_duration(hook.timeout) + hook.user;
    return text;
}

std::string profile(const Profile& value) {
    return value.name.value_or("") + (value.required ? "!" : "");
}

std::string keys(const std::vector<KeyType>& types) {
    std::string text;
    for (KeyType type : types)
        text += std::string(to_string(type)) + " ";
    return text;
}

std::string hosts(const Target& target) {
    std::string text;
    for (const RemoteHost& host : target.hosts)
        text += fmt::format("{} {} {}, ", host.name, host.address, host.port);
    return text;
}

std::string on_failure(const Rollout& rollout) {
    return rollout.on_failure == Rollout::OnFailure::rollback ? "rollback"
           : rollout.on_failure == Rollout::OnFailure::stop   ? "stop"
                                                              : "continue";
}

std::string order(const Rollout& rollout) {
    return rollout.order == Rollout::Order::shuffled   ? "shuffled"
           : rollout.order == Rollout::Order::reversed ? "reversed"
                                                       : "listed";
}

std::string optional(const std::optional<std::string>& value) {
    return value.value_or("unset");
}

#define FIELD(expression) [](const Config& config) -> std::string { return expression; }

const std::map<std::string, Case>& cases() {
    static const std::map<std::string, Case> table = [] {
        std::map<std::string, Case> all = {
            {"state_dir", {"/s", FIELD(config.state_dir), "/s", "/var/lib/certd"}},
            {"parallel_orders", {"3", FIELD(std::to_string(config.parallel_orders)), "3", "8"}},
            {"jitter", {"2h", FIELD(format_duration(config.jitter)), "2h", "1h"}},
            {"resolvers",
             {"[192.0.2.1, \"[::1]:5353\"]", FIELD(list(config.resolvers)), "[192.0.2.1 [::1]:5353]", "[]"}},
            {"control.socket", {"/c", FIELD(config.control.socket), "/c", "/run/certd/control.sock"}},
            {"control.group", {"\"\"", FIELD(config.control.group), "", "certd"}},
            {"control.viewers", {"[a, b]", FIELD(list(config.control.viewers)), "[a b]", "[]"}},
            {"control.admins", {"a", FIELD(list(config.control.admins)), "[a]", "[]"}},
            {"metrics.listen", {"127.0.0.1:9402", FIELD(optional(config.metrics.listen)), "127.0.0.1:9402", "unset"}},
            {"metrics.token_file", {"/t", FIELD(config.metrics.token_file), "/t", ""}},
            {"metrics.page", {"false", FIELD(config.metrics.page ? "true" : "false"), "false", "true"}},
            {"metrics.textfile", {"/m.prom", FIELD(optional(config.metrics.textfile)), "/m.prom", "unset"}},
            {"metrics.textfile_interval", {"5m", FIELD(format_duration(config.metrics.textfile_interval)), "5m", "1m"}},
            {"http_challenge.listen",
             {"[\"[::]:80\", \"systemd:http\"]", FIELD(list(config.http_challenge.listen)), "[[::]:80 systemd:http]",
              "[[::]:80]"}},
            {"http_challenge.mode",
             {"always", FIELD(config.http_challenge.mode == ListenMode::always ? "always" : "when-needed"), "always",
              "when-needed"}},
            {"tls_challenge.listen", {"\"[::]:443\"", FIELD(list(config.tls_challenge.listen)), "[[::]:443]", "[]"}},
            {"tls_challenge.mode",
             {"always", FIELD(config.tls_challenge.mode == ListenMode::always ? "always" : "when-needed"), "always",
              "when-needed"}},
            {"log.level", {"debug", FIELD(config.log.level), "debug", "info"}},
            {"log.file", {"/l", FIELD(optional(config.log.file)), "/l", "unset"}},
            {"log.max_size", {"64MiB", FIELD(std::to_string(config.log.max_size)), "67108864", "10000000"}},
            {"log.max_files", {"9", FIELD(std::to_string(config.log.max_files)), "9", "5"}},
            {"audit.keep", {"30d", FIELD(format_duration(config.audit.keep)), "30d", "400d"}},
            {"audit.max_size", {"1MB", FIELD(std::to_string(config.audit.max_size)), "1000000", "10000000"}},
            {"revocation.crl", {"false", FIELD(config.revocation.crl ? "true" : "false"), "false", "true"}},
            {"revocation.interval", {"2h", FIELD(format_duration(config.revocation.interval)), "2h", "6h"}},
            {"revocation.max_size", {"1MB", FIELD(std::to_string(config.revocation.max_size)), "1000000", "64000000"}},
            {"log.format", {"json", FIELD(config.log.format == Log::Format::json ? "json" : "text"), "json", "text"}},
            {"cas.*.directory", {"https://other.example/", FIELD(ca(config).directory), "https://other.example/", ""}},
            {"cas.*.contact",
             {"[mailto:a@b.example, c@d.example]", FIELD(list(ca(config).contact)), "[a@b.example c@d.example]", "[]"}},
            {"cas.*.agree_tos", {"true", FIELD(ca(config).agree_tos ? "true" : "false"), "true", "false"}},
            {"cas.*.ca_bundle", {"/b.pem", FIELD(optional(ca(config).ca_bundle)), "/b.pem", "unset"}},
            {"cas.*.proxy",
             {"http://p.example:3128", FIELD(optional(ca(config).proxy)), "http://p.example:3128", "unset"}},
            {"cas.*.account_key",
             {"rsa-3072", FIELD(std::string(to_string(ca(config).account_key))), "rsa-3072", "ecdsa-p256"}},
            {"cas.*.limits",
             {"letsencrypt", FIELD(ca(config).limits == LimitsModel::letsencrypt ? "letsencrypt" : "none"),
              "letsencrypt", "none"}},
            {"cas.*.parallel_orders", {"1", FIELD(std::to_string(ca(config).parallel_orders)), "1", "4"}},
            {"cas.*.preferred_chain",
             {"ISRG Root X1", FIELD(optional(ca(config).preferred_chain)), "ISRG Root X1", "unset"}},
            {"cas.*.external_account.kid", {"k", FIELD(ca(config).external_account->kid), "k", ""}},
            {"cas.*.external_account.mac_key_file", {"/m", FIELD(ca(config).external_account->mac_key_file), "/m", ""}},
            {"cas.*.external_account.algorithm",
             {"HS512", FIELD(ca(config).external_account->algorithm), "HS512", "HS256"}},
            {"cas.*.staging",
             {"stage", FIELD(ca(config).staging ? ca(config).staging->text : "unset"), "stage", "unset"}},
            {"cas.*.profile", {"p", FIELD(profile(ca(config).profile)), "p", ""}},
            {"cas.*.required_profile", {"p", FIELD(profile(ca(config).profile)), "p!", ""}},
            {"defaults.dry_run_ca",
             {"main", FIELD(config.dry_run_ca ? config.dry_run_ca->text : "unset"), "main", "unset"}},
            {"targets.*.install[].part",
             {"combined", FIELD(std::string(to_string(step(config).part))), "combined", ""}},
            {"targets.*.install[].key",
             {"ecdsa-p256", FIELD(step(config).key ? std::string(to_string(*step(config).key)) : "unset"), "ecdsa-p256",
              "unset"}},
            {"targets.*.install[].path", {"/other", FIELD(step(config).path), "/other", ""}},
            {"targets.*.install[].mode", {"0640", FIELD(fmt::format("{:04o}", step(config).mode)), "0640", "0644"}},
            {"targets.*.install[].format",
             {"der", FIELD(step(config).format == Format::pem ? "pem" : "der"), "der", "pem"}},
            {"targets.*.install[].password_file",
             {"\"credential:p\"", FIELD(step(config).password_file), "credential:p", ""}},
            {"targets.*.install[].owner", {"root", FIELD(optional(step(config).owner)), "root", "unset"}},
            {"targets.*.install[].group", {"33", FIELD(optional(step(config).group)), "33", "unset"}},
            {"targets.*.exec",
             {"[[a, b], { shell: c }]", FIELD(hooks(target(config).exec)), "[a b]5m[/bin/sh -c c]5m", ""}},
            {"targets.*.test", {"[a, b]", FIELD(list(target(config).test.argv)), "[a b]", "[]"}},
            {"targets.*.rehearse", {"[a, b]", FIELD(list(target(config).rehearse.argv)), "[a b]", "[]"}},
            {"targets.*.reload", {"[a, b]", FIELD(list(target(config).reload.command.argv)), "[a b]", "[]"}},
            {"targets.*.reload.command", {"[a, b]", FIELD(list(target(config).reload.command.argv)), "[a b]", "[]"}},
            {"targets.*.reload.haproxy", {"/run/h.sock", FIELD(target(config).reload.haproxy), "/run/h.sock", ""}},
            {"targets.*.reload.systemd", {"a.service", FIELD(target(config).reload.systemd_unit), "a.service", ""}},
            {"targets.*.service", {"postfix", FIELD(target(config).service), "postfix", ""}},
            {"targets.*.hosts",
             {"[web1, \"[::1]:2222\"]", FIELD(hosts(target(config))), "web1 web1 22, [::1]:2222 ::1 2222, ", ""}},
            {"targets.*.ssh.user", {"deploy", FIELD(target(config).ssh.user), "deploy", ""}},
            {"targets.*.ssh.identity_file", {"/k", FIELD(optional(target(config).ssh.identity_file)), "/k", "unset"}},
            {"targets.*.ssh.known_hosts", {"/h", FIELD(optional(target(config).ssh.known_hosts)), "/h", "unset"}},
            {"targets.*.ssh.connect_timeout",
             {"3s", FIELD(format_duration(target(config).ssh.connect_timeout)), "3s", "10s"}},
            {"targets.*.ssh.request_timeout",
             {"4s", FIELD(format_duration(target(config).ssh.request_timeout)), "4s", "15s"}},
            {"targets.*.rollout.canary", {"0", FIELD(std::to_string(target(config).rollout.canary)), "0", "1"}},
            {"targets.*.rollout.batch", {"5", FIELD(std::to_string(target(config).rollout.batch)), "5", "1"}},
            {"targets.*.rollout.max_failures",
             {"2", FIELD(std::to_string(target(config).rollout.max_failures)), "2", "0"}},
            {"targets.*.rollout.pause_between",
             {"1m", FIELD(format_duration(target(config).rollout.pause_between)), "1m", "0s"}},
            {"targets.*.rollout.on_failure",
             {"rollback", FIELD(on_failure(target(config).rollout)), "rollback", "stop"}},
            {"targets.*.rollout.order", {"shuffled", FIELD(order(target(config).rollout)), "shuffled", "listed"}},
            {"targets.*.verify.tls",
             {"[\"a:1\", \"[::1]:2\"]", FIELD(addresses(target(config).verify)), "tls a:1, tls [::1]:2, ", ""}},
            {"targets.*.verify.server_names",
             {"a.example", FIELD(list(target(config).verify.server_names)), "[a.example]", "[]"}},
            {"targets.*.verify.timeout", {"1m", FIELD(format_duration(target(config).verify.timeout)), "1m", "30s"}},
            {"targets.*.verify.every", {"2d", FIELD(format_duration(target(config).verify.every)), "2d", "12h"}},
            {"targets.*.verify.grace", {"2d", FIELD(format_duration(target(config).verify.grace)), "2d", "1d"}},
            {"targets.*.verify.accept",
             {"trusted", FIELD(target(config).verify.accept == Accept::trusted ? "trusted" : "ours"), "trusted",
              "ours"}},
            {"targets.*.verify.ca_bundle",
             {"/b.pem", FIELD(optional(target(config).verify.ca_bundle)), "/b.pem", "unset"}},
            {"targets.*.reads_live", {"true", FIELD(target(config).reads_live ? "true" : "false"), "true", "false"}},
            {"targets.*.verify.interval",
             {"1s", FIELD(format_duration(target(config).verify.interval)), "1s", "500ms"}},
            {"targets.*.command_timeout", {"2m", FIELD(format_duration(target(config).command_timeout)), "2m", "1m"}},
            {"targets.*.maintenance",
             {"[\"Sat 02:00-05:00\", \"22:00-04:00\"]", FIELD(std::to_string(target(config).maintenance.size())), "2",
              "0"}},
            {"lineages.*.names",
             {"[a.example.com]", FIELD(lineage(config).names.at(0).value), "a.example.com", "example.com"}},
            {"lineages.*.csr", {"/x.csr", FIELD(lineage(config).csr ? lineage(config).csr->path : ""), "/x.csr", ""}},
            {"lineages.*.targets", {"[web]", FIELD(list_of_names(lineage(config).targets)), "[web]", "[]"}},
        };
        for (std::string protocol : {"smtp", "imap", "pop3", "ftp", "ldap", "postgres"}) {
            all["targets.*.verify." + protocol] = {"[\"a:1\"]", FIELD(addresses(target(config).verify)),
                                                   protocol + " a:1, ", ""};
        }
        for (std::string scope : {"defaults.", "lineages.*."}) {
            all[scope + "cas"] = {"[main]", FIELD(list_of_names(lineage(config).cas)), "[main]", "[main]"};
            all[scope + "key"] = {"rsa-4096", FIELD(std::string(to_string(lineage(config).keys.at(0)))), "rsa-4096",
                                  "ecdsa-p256"};
            all[scope + "keys"] = {"[rsa-2048, ecdsa-p384]", FIELD(keys(lineage(config).keys)), "rsa-2048 ecdsa-p384 ",
                                   "ecdsa-p256 "};
            all[scope + "reuse_key.max_age"] = {
                "365d", FIELD(format_duration(lineage(config).key_max_age.value_or(Duration::zero()))), "365d", ""};
            all[scope + "challenge.http-01.webroot"] = {
                "/w", FIELD(optional(lineage(config).challenge.http01->webroot)), "/w", "unset"};
            const std::string exec = scope + "challenge.http-01.exec.";
            all[exec + "present"] = {"[a, b]", FIELD(list(http_exec(config).present)), "[a b]", ""};
            all[exec + "cleanup"] = {"[a, b]", FIELD(list(http_exec(config).cleanup)), "[a b]", ""};
            all[exec + "wait"] = {"[a, b]", FIELD(list(http_exec(config).wait)), "[a b]", "[]"};
            all[exec + "timeout"] = {"1m", FIELD(format_duration(http_exec(config).timeout)), "1m", "5m"};
            all[exec + "user"] = {"u", FIELD(http_exec(config).user), "u", ""};
            all[scope + "profile"] = {"p", FIELD(profile(lineage(config).profile)), "p", ""};
            all[scope + "required_profile"] = {"p", FIELD(profile(lineage(config).profile)), "p!", ""};
            all[scope + "keep_versions"] = {"9", FIELD(std::to_string(lineage(config).keep_versions)), "9", "5"};
            all[scope + "next_key"] = {"true", FIELD(lineage(config).next_key ? "true" : "false"), "true", "false"};
            all[scope + "allow_subset_of_names"] = {
                "true", FIELD(lineage(config).allow_subset_of_names ? "true" : "false"), "true", "false"};
            all[scope + "pre_issue"] = {"[a, b]", FIELD(hooks(lineage(config).pre_issue)), "[a b]5m", ""};
            all[scope + "post_issue"] = {"{ shell: a b }", FIELD(hooks(lineage(config).post_issue)),
                                         "[/bin/sh -c a b]5m", ""};
            all[scope + "renewal_hooks.directory"] = {"/h", FIELD(lineage(config).renewal_hooks.directory), "/h",
                                                      "/hooks"};
            all[scope + "renewal_hooks.timeout"] = {"1m", FIELD(format_duration(lineage(config).renewal_hooks.timeout)),
                                                    "1m", "5m"};
            all[scope + "renewal_hooks.user"] = {"u", FIELD(lineage(config).renewal_hooks.user), "u", ""};
            all[scope + "renewal_hooks.working_directory"] = {
                "/w", FIELD(lineage(config).renewal_hooks.working_directory), "/w", "/"};
            all[scope + "pre_issue[].working_directory"] = {
                "/w", FIELD(lineage(config).pre_issue.at(0).working_directory), "/w", "/"};
            all[scope + "post_issue[].working_directory"] = {
                "/w", FIELD(lineage(config).post_issue.at(0).working_directory), "/w", "/"};
            all[scope + "pre_issue[].command"] = {"[a]", FIELD(hooks(lineage(config).pre_issue)), "[a]5m", ""};
            all[scope + "pre_issue[].timeout"] = {"1m", FIELD(hooks(lineage(config).pre_issue)), "[/bin/x]1m",
                                                  "[/bin/x]5m"};
            all[scope + "pre_issue[].user"] = {"u", FIELD(hooks(lineage(config).pre_issue)), "[/bin/x]5mu",
                                               "[/bin/x]5m"};
            all[scope + "post_issue[].command"] = {"{ shell: a }", FIELD(hooks(lineage(config).post_issue)),
                                                   "[/bin/sh -c a]5m", ""};
            all[scope + "post_issue[].timeout"] = {"1m", FIELD(hooks(lineage(config).post_issue)), "[/bin/x]1m",
                                                   "[/bin/x]5m"};
            all[scope + "post_issue[].user"] = {"u", FIELD(hooks(lineage(config).post_issue)), "[/bin/x]5mu",
                                                "[/bin/x]5m"};
        }
        const std::string dns_scope = "dns_providers.*.";
        auto add = [&](const std::string& key, Case one) { all[dns_scope + key] = std::move(one); };
        add("rfc2136.server", {"[ns1.example, \"[::1]:5353\"]", FIELD(list(dns<DnsRfc2136>(config).servers)),
                               "[ns1.example [::1]:5353]", "[]"});
        add("rfc2136.key_name", {"key.example", FIELD(dns<DnsRfc2136>(config).key_name), "key.example", ""});
        add("rfc2136.algorithm",
            {"hmac-sha512", FIELD(dns<DnsRfc2136>(config).algorithm), "hmac-sha512", "hmac-sha256"});
        add("rfc2136.secret_file",
            {"\"credential:tsig\"", FIELD(dns<DnsRfc2136>(config).secret_file), "credential:tsig", ""});
        add("rfc2136.ttl", {"5m", FIELD(format_duration(dns<DnsRfc2136>(config).ttl)), "5m", "1m"});
        add("exec.present", {"[a, b]", FIELD(list(dns<DnsExec>(config).present)), "[a b]", ""});
        add("exec.cleanup", {"[a, b]", FIELD(list(dns<DnsExec>(config).cleanup)), "[a b]", ""});
        add("exec.wait", {"[a, b]", FIELD(list(dns<DnsExec>(config).wait)), "[a b]", "[]"});
        add("exec.timeout", {"1m", FIELD(format_duration(dns<DnsExec>(config).timeout)), "1m", "5m"});
        add("exec.user", {"u", FIELD(dns<DnsExec>(config).user), "u", ""});
        add("lego_exec.command", {"[a, b]", FIELD(list(dns<DnsLegoExec>(config).command)), "[a b]", ""});
        add("lego_exec.timeout", {"1m", FIELD(format_duration(dns<DnsLegoExec>(config).timeout)), "1m", "5m"});
        add("lego_exec.user", {"u", FIELD(dns<DnsLegoExec>(config).user), "u", ""});
        add("httpreq.endpoint", {"\"http://127.0.0.1:8080/dns\"", FIELD(dns<DnsHttpReq>(config).endpoint),
                                 "http://127.0.0.1:8080/dns", ""});
        add("httpreq.username_file", {"/u", FIELD(optional(dns<DnsHttpReq>(config).username_file)), "/u", "unset"});
        add("httpreq.password_file", {"/p", FIELD(optional(dns<DnsHttpReq>(config).password_file)), "/p", "unset"});
        add("acme_dns.server",
            {"\"https://a.example\"", FIELD(dns<DnsAcmeDns>(config).server), "https://a.example", ""});
        add("acme_dns.accounts_file", {"/a", FIELD(dns<DnsAcmeDns>(config).accounts_file), "/a", ""});
        add("cloudflare.token_file", {"/t", FIELD(dns<DnsCloudflare>(config).token_file), "/t", ""});
        add("cloudflare.endpoint", {"\"https://c.example\"", FIELD(dns<DnsCloudflare>(config).endpoint),
                                    "https://c.example", "https://api.cloudflare.com/client/v4"});
        add("route53.access_key_file", {"/a", FIELD(dns<DnsRoute53>(config).access_key_file), "/a", ""});
        add("route53.secret_key_file", {"/b", FIELD(dns<DnsRoute53>(config).secret_key_file), "/b", ""});
        add("route53.session_token_file",
            {"/c", FIELD(optional(dns<DnsRoute53>(config).session_token_file)), "/c", "unset"});
        add("route53.zone_id", {"Z1", FIELD(optional(dns<DnsRoute53>(config).zone_id)), "Z1", "unset"});
        add("route53.endpoint", {"\"https://r.example\"", FIELD(dns<DnsRoute53>(config).endpoint), "https://r.example",
                                 "https://route53.amazonaws.com"});
        add("propagation.timeout", {"3m", FIELD(format_duration(dns(config).propagation.timeout)), "3m", "2m"});
        add("propagation.interval", {"1s", FIELD(format_duration(dns(config).propagation.interval)), "1s", "5s"});
        add("propagation.quorum", {"2", FIELD(std::to_string(dns(config).propagation.quorum)), "2", "0"});
        add("propagation.servers", {"ns.example", FIELD(list(dns(config).propagation.servers)), "[ns.example]", "[]"});
        add("propagation.resolvers", {"[192.0.2.1, \"[::1]:5353\"]", FIELD(list(dns(config).propagation.resolvers)),
                                      "[192.0.2.1 [::1]:5353]", "[]"});
        add("resolvers", {"[192.0.2.1, \"192.0.2.2:5353\"]", FIELD(list(dns(config).resolvers)),
                          "[192.0.2.1 192.0.2.2:5353]", "[]"});
        add("domains", {"[example.com]", FIELD(list(dns(config).domains)), "[example.com]", "[]"});
        add("ca_bundle", {"/b.pem", FIELD(optional(dns(config).ca_bundle)), "/b.pem", "unset"});
        auto tell = [&](const std::string& key, Case one) { all["notify.*." + key] = std::move(one); };
        tell("events", {"[expiring, ca]", FIELD(list(notify(config).events)), "[expiring ca]", "[]"});
        tell("severity", {"critical", FIELD(std::string(to_string(notify(config).severity))), "critical", "warning"});
        tell("after", {"1h", FIELD(format_duration(notify(config).after)), "1h", "0s"});
        tell("remind", {"0s", FIELD(format_duration(notify(config).remind)), "0s", "1d"});
        tell("settle", {"1s", FIELD(format_duration(notify(config).settle)), "1s", "5m"});
        tell("webhook.url", {"\"https://x.example/y\"", FIELD(notify<NotifyWebhook>(config).address.url),
                             "https://x.example/y", "https://h.example"});
        tell("webhook.url_file", {"/u", FIELD(notify<NotifyWebhook>(config).address.url_file), "/u", ""});
        tell("webhook.headers", {"[\"X-A: b\"]", FIELD(list(notify<NotifyWebhook>(config).headers)), "[X-A: b]", "[]"});
        tell("webhook.headers_file", {"/h", FIELD(notify<NotifyWebhook>(config).headers_file), "/h", ""});
        tell("webhook.body",
             {R"('{"t": "{{title}}"}')", FIELD(notify<NotifyWebhook>(config).body), R"({"t": "{{title}}"})", ""});
        tell("slack.url_file",
             {"\"credential:slack\"", FIELD(notify<NotifySlack>(config).address.url_file), "credential:slack", "/s"});
        tell("pagerduty.url", {"\"https://e.example/v2\"", FIELD(notify<NotifyPagerDuty>(config).address.url),
                               "https://e.example/v2", "https://events.pagerduty.com/v2/enqueue"});
        tell("pagerduty.routing_key_file", {"/k", FIELD(notify<NotifyPagerDuty>(config).routing_key_file), "/k", ""});
        tell("heartbeat.url", {"\"https://x.example/y\"", FIELD(notify<NotifyHeartbeat>(config).address.url),
                               "https://x.example/y", "https://h.example"});
        tell("heartbeat.url_file", {"/u", FIELD(notify<NotifyHeartbeat>(config).address.url_file), "/u", ""});
        tell("heartbeat.every", {"1m", FIELD(format_duration(notify<NotifyHeartbeat>(config).every)), "1m", "5m"});
        tell("webhook.allow_http",
             {"true", FIELD(notify<NotifyWebhook>(config).address.allow_http ? "true" : "false"), "true", "false"});
        tell("slack.allow_http",
             {"true", FIELD(notify<NotifySlack>(config).address.allow_http ? "true" : "false"), "true", "false"});
        tell("pagerduty.allow_http",
             {"true", FIELD(notify<NotifyPagerDuty>(config).address.allow_http ? "true" : "false"), "true", "false"});
        tell("heartbeat.allow_http",
             {"true", FIELD(notify<NotifyHeartbeat>(config).address.allow_http ? "true" : "false"), "true", "false"});
        tell("webhook.ca_bundle",
             {"/b", FIELD(optional(notify<NotifyWebhook>(config).address.ca_bundle)), "/b", "unset"});
        tell("slack.ca_bundle", {"/b", FIELD(optional(notify<NotifySlack>(config).address.ca_bundle)), "/b", "unset"});
        tell("pagerduty.ca_bundle",
             {"/b", FIELD(optional(notify<NotifyPagerDuty>(config).address.ca_bundle)), "/b", "unset"});
        tell("heartbeat.ca_bundle",
             {"/b", FIELD(optional(notify<NotifyHeartbeat>(config).address.ca_bundle)), "/b", "unset"});
        tell("email.ca_bundle", {"/b", FIELD(optional(notify<NotifyEmail>(config).ca_bundle)), "/b", "unset"});
        tell("email.from", {"a@example.com", FIELD(notify<NotifyEmail>(config).from), "a@example.com", ""});
        tell("email.to", {"[a@example.com, b@example.com]", FIELD(list(notify<NotifyEmail>(config).to)),
                          "[a@example.com b@example.com]", ""});
        tell("email.smtp",
             {"\"127.0.0.1:587\"", FIELD(notify<NotifyEmail>(config).smtp), "127.0.0.1:587", "127.0.0.1:25"});
        tell("email.tls", {"none",
                           FIELD(notify<NotifyEmail>(config).tls == MailTls::none  ? "none"
                                 : notify<NotifyEmail>(config).tls == MailTls::tls ? "tls"
                                                                                   : "starttls"),
                           "none", "starttls"});
        tell("email.username", {"u", FIELD(notify<NotifyEmail>(config).username), "u", ""});
        tell("email.password_file", {"/w", FIELD(notify<NotifyEmail>(config).password_file), "/w", ""});
        tell("email.sendmail", {"[a, b]", FIELD(list(notify<NotifyEmail>(config).sendmail)), "[a b]", "[]"});
        tell("exec.command", {"[a, b]", FIELD(list(notify<NotifyExec>(config).command)), "[a b]", ""});
        tell("exec.timeout", {"1m", FIELD(format_duration(notify<NotifyExec>(config).timeout)), "1m", "30s"});
        tell("exec.user", {"u", FIELD(notify<NotifyExec>(config).user), "u", ""});
        for (std::string scope : {"defaults.", "lineages.*."}) {
            all[scope + "challenge.dns-01.provider"] = {"dns", FIELD(lineage(config).challenge.dns01->provider->name),
                                                        "dns", ""};
            all[scope + "challenge.dns-account-01.provider"] = {
                "dns", FIELD(lineage(config).challenge.dns_account01->provider->name), "dns", ""};
            all[scope + "challenge.dns-persist-01.servers"] = {
                "[ns.example]",
                FIELD(lineage(config).challenge.dns_persist01 ? list(lineage(config).challenge.dns_persist01->servers)
                                                              : "[]"),
                "[ns.example]", "[]"};
        }
        all["targets.*.exec[].command"] = {"[a]", FIELD(hooks(target(config).exec)), "[a]5m", ""};
        all["targets.*.exec[].working_directory"] = {"/w", FIELD(target(config).exec.at(0).working_directory), "/w",
                                                     "/"};
        all["targets.*.exec[].timeout"] = {"1m", FIELD(hooks(target(config).exec)), "[/bin/x]1m", "[/bin/x]5m"};
        all["targets.*.exec[].input"] = {
            "bundle", FIELD(target(config).exec.at(0).input == HookInput::bundle ? "bundle" : "facts"), "bundle",
            "facts"};
        all["targets.*.exec[].user"] = {"u", FIELD(hooks(target(config).exec)), "[/bin/x]5mu", "[/bin/x]5m"};
        return all;
    }();
    return table;
}

bool is_leaf(const Row& row) {
    return row.type != Type::section && row.type != Type::sections && row.type != Type::steps &&
           row.type != Type::by_name;
}
bool is_available(const Row& row) {
    return row.need == Need::optional || row.need == Need::required;
}

std::string read(const std::string& key, const std::string& value) {
    INFO(text_with(key, value));
    return cases().at(key).read(*config_of(text_with(key, value)));
}

void check_tree(const SchemaNode& node, const std::string& path) {
    for (const auto& [key, child] : node.keys) {
        INFO(path << key);
        CHECK(child.row != nullptr);
        check_tree(child, path + key + ".");
    }
    if (node.any) check_tree(*node.any, path + "*.");
}

}  // namespace

TEST_CASE("every key of the schema can be set, lands in the model and has the default the schema says") {
    std::set<std::string> known;
    for (const Row& row : rows()) {
        if (!is_leaf(row) || !is_available(row)) continue;
        for (const std::string& key : expand(row.path)) {
            INFO(key);
            known.insert(key);
            REQUIRE(cases().contains(key));
            const Case& expected = cases().at(key);
            CHECK(read(key, expected.value) == expected.landed);
            if (row.need != Need::required) CHECK(read(key, "") == expected.default_landed);
            // A default that reads as a value is the very value that the model has without the key.
            bool is_text = row.default_text.find(' ') != std::string_view::npos || row.default_text == "none" ||
                           row.default_text == "[]";
            bool is_word = row.type == Type::choice && row.words.find(row.default_text) != std::string_view::npos;
            if (row.need == Need::optional && (!is_text || is_word)) {
                CHECK(read(key, std::string(row.default_text)) == expected.default_landed);
            }
        }
    }
    for (const auto& [key, unused] : cases()) {
        INFO(key);
        CHECK(known.contains(key));
    }
}

TEST_CASE("every row says what it is about, and every step of the way to a key is a row") {
    for (const Row& row : rows()) {
        INFO(row.path);
        CHECK_FALSE(row.doc.empty());
        CHECK((row.type != Type::choice || !row.words.empty()));
        CHECK(row.low <= row.high);
        if (is_leaf(row) && row.need == Need::optional) CHECK_FALSE(row.default_text.empty());
    }
    check_tree(schema(), "");
}

TEST_CASE("alternatives in braces stand for each of their paths") {
    CHECK(expand("a") == Lines{"a"});
    CHECK(expand("{a,b.*}.{c,d}") == Lines{"a.c", "a.d", "b.*.c", "b.*.d"});
}

TEST_CASE("modes are octal however they are written, sizes have units") {
    for (const char* mode : {"0640", "\"0640\"", "640", "0o640"})
        CHECK(read("targets.*.install[].mode", mode) == "0640");
    for (auto [text, octets] : {std::pair{"200kB", "200000"},
                                {"200KB", "200000"},
                                {"1 MB", "1000000"},
                                {"1MiB", "1048576"},
                                {"1GB", "1000000000"},
                                {"1GiB", "1073741824"},
                                {"100000B", "100000"}}) {
        CHECK(read("log.max_size", text) == octets);
    }
}

TEST_CASE("keys default to mode 0600, certificates to 0644") {
    auto mode = [](std::string part) { return step(*config_of(text_with("targets.*.install[].part", part))).mode; };
    CHECK(mode("privkey") == 0600);
    CHECK(mode("combined") == 0600);
    CHECK(step(*config_of(text_with("targets.*.install[].password_file", "/p"))).mode == 0600);
    CHECK(mode("cert") == 0644);
    CHECK(mode("chain") == 0644);
    CHECK(mode("fullchain") == 0644);
}

TEST_CASE("parts have their file names") {
    CHECK(file_name(Part::privkey) == "privkey.pem");
    CHECK(file_name(Part::fullchain) == "fullchain.pem");
}
