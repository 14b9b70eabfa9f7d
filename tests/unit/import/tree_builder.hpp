// A certbot directory made by hand, with certificates of a test authority, and a certd beside it.
#pragma once

#include "daemon/import/import.hpp"
#include "daemon/import/read_tree.hpp"
#include "libacme/async/clock.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/support/test_authority.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace certd::certbot::test {

namespace fs = std::filesystem;

inline void put(const fs::path& path, const std::string& text) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
}

inline std::string get(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

constexpr const char* server = "https://ca.example/dir";
constexpr const char* account = "0123456789abcdef0123456789abcdef";

class CertbotTree {
   public:
    // One instant for everything: the authority's certificates are valid at it.
    const Time now = SystemClock().now();

    CertbotTree() : key_(PrivateKey::generate(KeyType::ecdsa_p256)) {
        fs::create_directories(root() / "renewal");
        fs::create_directories(root() / "live");
        add_account(account, key_, "https://ca.example/acct/7");
        put(base() / "certd.yaml", fmt::format("state_dir: {}\n", state().string()));
        fs::permissions(base() / "certd.yaml", fs::perms(0644));
    }

    fs::path base() const { return directory_.path(); }
    fs::path root() const { return base() / "letsencrypt"; }
    fs::path state() const { return base() / "state"; }
    fs::path live(const std::string& name) const { return root() / "live" / name; }
    fs::path archive(const std::string& name) const { return root() / "archive" / name; }
    fs::path conf(const std::string& name) const { return root() / "renewal" / (name + ".conf"); }

    // certbot keeps JWKs; PEM is read as well.
    void add_account(const std::string& id, const PrivateKey& key, const std::string& url) const {
        fs::path directory = root() / "accounts" / "ca.example" / "dir" / id;
        put(directory / "private_key.json", key.pem());
        put(directory / "regr.json",
            fmt::format(R"({{"body": {{"contact": ["mailto:a@b.example"]}}, "uri": "{}"}})", url));
    }

    void add_version(const std::string& name, int number, const std::vector<std::string>& names,
                     KeyType type = KeyType::ecdsa_p256) const {
        certd::test::TlsIdentity identity = authority_.issue(names, certd::test::TestAuthority::usual_validity(), type);
        Chain chain = parse_chain(identity.chain_pem).value();
        auto file = [&](const char* kind) { return archive(name) / fmt::format("{}{}.pem", kind, number); };
        put(file("privkey"), identity.key_pem);
        fs::permissions(file("privkey"), fs::perms(0600));
        put(file("cert"), chain.front().pem());
        put(file("chain"), chain_pem(std::span(chain).subspan(1)));
        put(file("fullchain"), identity.chain_pem);
        fs::create_directories(live(name));
        for (const char* kind : {"privkey", "cert", "chain", "fullchain"}) {
            fs::path link = live(name) / fmt::format("{}.pem", kind);
            fs::remove(link);
            fs::create_symlink(fmt::format("../../archive/{}/{}{}.pem", name, kind, number), link);
        }
    }

    // `params`: lines of [renewalparams] beside account and server.
    void configure(const std::string& name, const std::string& params) const {
        std::string text = fmt::format("version = 2.1.0\narchive_dir = {}\n", archive(name).string());
        for (const char* kind : {"cert", "privkey", "chain", "fullchain"})
            text += fmt::format("{} = {}/{}.pem\n", kind, live(name).string(), kind);
        put(conf(name),
            text + fmt::format("\n# Options\n[renewalparams]\naccount = {}\nserver = {}\n{}", account, server, params));
    }

    void add(const std::string& name, const std::vector<std::string>& names, const std::string& params) const {
        add_version(name, 1, names);
        configure(name, params);
    }

    // "deploy/10" in the directory of hooks; its path.
    std::string add_hook(const std::string& name) const {
        fs::path path = root() / "renewal-hooks" / name;
        put(path, "#!/bin/sh\n");
        fs::permissions(path, fs::perms(0755));
        return path.string();
    }

    Context context(FileSystem& files) const {
        return {{files, exchange_names},
                {root(), (base() / "certd.yaml").string(), base() / "webroot", base() / "aws"},
                now};
    }

    Preparation prepared() const {
        RealFileSystem files;
        Result<Preparation> made = prepare(context(files));
        INFO((made ? std::string() : describe(made.error())));
        REQUIRE(made);
        return *std::move(made);
    }

   private:
    certd::test::TempDirectory directory_;
    certd::test::TestAuthority authority_;
    PrivateKey key_;
};

constexpr const char* webroot = "authenticator = webroot\nkey_type = ecdsa\nwebroot_path = /srv/www,\n";

inline const ImportedLineage& lineage(const Preparation& made, const std::string& certbot_name) {
    for (const ImportedLineage& one : made.translation.lineages) {
        if (one.certbot_name == certbot_name) return one;
    }
    FAIL("not carried: " << certbot_name);
    return made.translation.lineages.front();
}

inline std::string reason(const Preparation& made, const std::string& certbot_name) {
    for (const NotCarried& one : made.translation.not_carried) {
        if (one.certbot_name == certbot_name) return one.reason;
    }
    return {};
}

}  // namespace certd::certbot::test
