// The directory as a whole: which lineages there are, their settings, accounts and hooks.
#include "daemon/import/read_tree.hpp"

#include "daemon/import/read_versions.hpp"
#include "libacme/base/json.hpp"
#include "libacme/base/text.hpp"
#include "libacme/crypto/account_key.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace certd::certbot {

namespace {

Result<IniSection> read_ini(FileSystem& files, const Path& path) {
    Result<std::string> text = files.read(path, ini_size_limit);
    if (!text) return failure(std::move(text).error());
    return parse_ini(*text, path.string());
}

std::string joined(const IniValue& value) {
    return join(value.items, ", ");
}

// cli.ini: "deploy-hook = systemctl reload nginx", or a word alone, which means True. Its settings go before those of
// the lineages.
Result<Settings> read_defaults(FileSystem& files, const Path& path) {
    Settings settings;
    Result<std::string> text = files.read(path, ini_size_limit);
    if (!text && text.error().code == "storage.missing") return settings;
    if (!text) return failure(std::move(text).error());
    std::uint32_t number = 0;
    for (std::string_view line : split(*text, '\n')) {
        ++number;
        line = trim(line);
        if (line.empty() || line.front() == '#' || line.front() == ';' || line.front() == '[') continue;
        std::size_t end = std::min(line.find_first_of("=:"), line.size());
        std::string key(trim(line.substr(0, end)));
        std::string value(end < line.size() ? trim(line.substr(end + 1)) : "True");
        if (value == "true" || value == "yes") value = "True";
        std::ranges::replace(key, '-', '_');
        if (key == "deploy_hook") key = "renew_hook";
        settings.set(std::move(key), {{std::move(value)}, false, number});
    }
    return settings;
}

Settings settings_of(const IniSection& params, const Settings& defaults) {
    Settings settings;
    for (const auto& [key, value] : params.values)
        settings.set(key == "deploy_hook" ? "renew_hook" : key, value);
    for (const auto& [key, value] : defaults.values())
        settings.set(key, value);
    if (const IniSection* map = params.find("webroot_map")) {
        std::map<std::string, std::string> webroots;
        for (const auto& [name, value] : map->values)
            webroots[name] = joined(value);
        settings.set_webroots(std::move(webroots));
    }
    return settings;
}

// "acme-v02.api.letsencrypt.org/directory": how certbot names the directory of a server's accounts.
std::string account_path(std::string_view server) {
    std::size_t scheme = server.find("://");
    return std::string(scheme == std::string_view::npos ? server : server.substr(scheme + 3));
}

// Accounts made before RFC 8555 are kept under the old server's name.
Path accounts_of(FileSystem& files, const Path& root, const std::string& server) {
    Path accounts = root / "accounts" / account_path(server);
    std::string older = server;
    if (std::size_t at = older.find("-v02.api.letsencrypt.org"); at != std::string::npos) older.replace(at, 4, "-v01");
    bool there = exists(files, accounts).value_or(true);
    return there ? accounts : root / "accounts" / account_path(older);
}

// The id that the lineage names, else that of the only account there is.
std::string account_id(FileSystem& files, const Path& accounts, const Settings& settings) {
    if (auto id = settings.text("account")) return *id;
    std::vector<std::string> ids = files.list(accounts).value_or(std::vector<std::string>());
    std::erase_if(ids, [](const std::string& id) { return id.size() != 32; });
    return ids.size() == 1 ? ids.front() : std::string();
}

Result<AccountFacts> read_account(FileSystem& files, const Path& root, const Settings& settings) {
    AccountFacts account;
    account.server = settings.text("server").value_or(std::string(letsencrypt_directory));
    Path accounts = accounts_of(files, root, account.server);
    account.id = account_id(files, accounts, settings);
    bool plain = !account.id.empty() && account.id.find('/') == std::string::npos && account.id.front() != '.';
    if (!plain) return failure("import.syntax", "it names no account at " + account.server);
    constexpr std::size_t limit = std::size_t{64} << 10;
    Result<std::string> key_text = files.read(accounts / account.id / "private_key.json", limit);
    if (!key_text) return failure(std::move(key_text).error());
    Result<PrivateKey> key = parse_account_key(*key_text);
    if (!key) return failure(std::move(key).error());
    account.key_pem = key->pem();
    account.thumbprint = key->thumbprint();
    Result<std::string> registration = files.read(accounts / account.id / "regr.json", limit);
    Result<Json> json = registration ? parse_json(*registration) : failure(registration.error());
    if (json) {
        account.url = json->string_or("uri");
        account.contact = (*json)["body"].strings("contact");
    }
    return account;
}

// The file with a DNS plugin's credentials. What is wrong with it is told by who needs them.
IniSection read_credentials(FileSystem& files, const Settings& settings, const ReadOptions& options,
                            std::vector<std::string>& notes) {
    std::string plugin = settings.text("authenticator").value_or("");
    if (!plugin.starts_with("dns-")) return {};
    std::ranges::replace(plugin, '-', '_');
    Path path = settings.text(plugin + "_credentials").value_or("");
    if (plugin == "dns_route53") path = options.aws_credentials;
    if (!path.is_absolute()) return {};
    Result<IniSection> read = read_ini(files, path);
    if (read) return *std::move(read);
    notes.push_back(describe(read.error()));
    return {};
}

LineageFacts read_lineage(FileSystem& files, const ReadOptions& options, const std::string& name,
                          const Settings& defaults) {
    LineageFacts facts;
    facts.name = name;
    Result<IniSection> conf = read_ini(files, options.root / "renewal" / (name + ".conf"));
    if (!conf) {
        facts.broken = describe(conf.error());
        return facts;
    }
    const IniSection* params = conf->find("renewalparams");
    if (params == nullptr) {
        facts.broken = fmt::format("renewal/{}.conf has no section [renewalparams]", name);
        return facts;
    }
    facts.settings = settings_of(*params, defaults);
    if (Result<void> read = read_versions(files, options.root, *conf, facts); !read) {
        facts.broken = describe(read.error());
        return facts;
    }
    if (Result<AccountFacts> account = read_account(files, options.root, facts.settings)) {
        facts.account = *std::move(account);
    } else {
        facts.broken = "its account: " + describe(account.error());
        return facts;
    }
    facts.credentials = read_credentials(files, facts.settings, options, facts.notes);
    return facts;
}

// certbot runs what is executable, in the order of names, without editors' copies.
Result<std::vector<std::string>> hooks_in(FileSystem& files, const Path& directory) {
    std::vector<std::string> hooks;
    Result<std::vector<std::string>> names = files.list(directory);
    if (!names && names.error().code == "storage.missing") return hooks;
    if (!names) return names;
    for (const std::string& name : *names) {
        if (name.ends_with('~')) continue;
        Result<FileStatus> status = files.inspect(directory / name);
        if (!status) return failure(std::move(status).error());
        bool runs = status->kind == FileStatus::Kind::symlink ||
                    (status->kind == FileStatus::Kind::file && (status->mode & 0111) != 0);
        if (runs) hooks.push_back((directory / name).string());
    }
    return hooks;
}

Result<DirectoryHooks> read_hooks(FileSystem& files, const Path& directory) {
    DirectoryHooks hooks;
    hooks.directory = directory.string();
    const std::array<std::pair<const char*, std::vector<std::string>*>, 3> kinds = {
        {{"pre", &hooks.pre}, {"deploy", &hooks.deploy}, {"post", &hooks.post}}};
    for (const auto& [name, into] : kinds) {
        Result<std::vector<std::string>> found = hooks_in(files, directory / name);
        if (!found) return failure(std::move(found).error());
        *into = *std::move(found);
    }
    return hooks;
}

}  // namespace

std::optional<std::string> Settings::text(std::string_view key) const {
    auto found = values_.find(key);
    if (found == values_.end()) return std::nullopt;
    std::string text = joined(found->second);
    return text.empty() || text == "None" ? std::nullopt : std::optional(std::move(text));
}

std::vector<std::string> Settings::list(std::string_view key) const {
    auto found = values_.find(key);
    if (found == values_.end() || !text(key)) return {};
    return found->second.items;
}

bool Settings::is_true(std::string_view key) const {
    return text(key) == "True";
}

Result<Tree> read_tree(FileSystem& files, const ReadOptions& options) {
    Tree tree;
    Result<std::vector<std::string>> names = files.list(options.root / "renewal");
    if (!names) {
        return failure("import.noCertbot", fmt::format("{} is no directory of certbot", options.root.string()),
                       describe(names.error()));
    }
    Result<Settings> defaults = read_defaults(files, options.root / "cli.ini");
    if (!defaults) return failure(std::move(defaults).error());
    for (const std::string& file : *names) {
        constexpr std::string_view ending = ".conf";
        if (!file.ends_with(ending) || file.size() == ending.size()) continue;
        tree.lineages.push_back(read_lineage(files, options, file.substr(0, file.size() - ending.size()), *defaults));
    }
    if (defaults->text("no_directory_hooks")) return tree;
    Result<DirectoryHooks> hooks = read_hooks(files, options.root / "renewal-hooks");
    if (!hooks) return failure(std::move(hooks).error());
    tree.hooks = *std::move(hooks);
    return tree;
}

}  // namespace certd::certbot
