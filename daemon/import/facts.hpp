// What is in a certbot directory, as values: lineages with their settings and certificates, accounts, hooks.
#pragma once

#include "daemon/import/ini.hpp"
#include "daemon/import/key_readers.hpp"
#include "libacme/base/file_system.hpp"
#include "libacme/crypto/certificate.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace certd::certbot {

constexpr std::string_view letsencrypt_directory = "https://acme-v02.api.letsencrypt.org/directory";

// The [renewalparams] of a lineage, with what cli.ini sets in their place, as certbot reads them: None means absent.
class Settings {
   public:
    void set(std::string key, IniValue value) { values_[std::move(key)] = std::move(value); }
    void set_webroots(std::map<std::string, std::string> webroots) { webroots_ = std::move(webroots); }

    std::optional<std::string> text(std::string_view key) const;  // of a list: its items as they were written
    std::vector<std::string> list(std::string_view key) const;
    bool is_true(std::string_view key) const;
    const std::map<std::string, std::string>& webroots() const { return webroots_; }  // by name
    const std::map<std::string, IniValue, std::less<>>& values() const { return values_; }

   private:
    std::map<std::string, IniValue, std::less<>> values_;
    std::map<std::string, std::string> webroots_;
};

// certN.pem and its companions in archive/NAME; key and certificate belong together.
struct ArchivedVersion {
    std::uint32_t number = 0;
    std::string key_pem;  // as it is in the file
    KeyType key_type = KeyType::ecdsa_p256;
    Chain chain;
};

struct AccountFacts {
    std::string server;  // URL of the directory
    std::string id;      // certbot's
    std::string key_pem;
    std::string thumbprint;
    std::string url;  // empty: not known, the CA tells it by the key
    std::vector<std::string> contact;
};

struct LineageFacts {
    std::string name;  // certbot's: that of its file in renewal/
    Settings settings;
    std::vector<ArchivedVersion> versions;  // ascending; the last is the one that live/NAME shows
    std::optional<KeyReaders> readers;      // of the live version's key, besides root
    std::optional<AccountFacts> account;
    IniSection credentials;          // of a DNS plugin, as its file has them
    std::vector<std::string> notes;  // what was left out
    std::string broken;              // why it cannot be taken over; empty: it can, as far as its files go
};

// What certbot runs in renewal-hooks/, by path.
struct DirectoryHooks {
    std::string directory;
    std::vector<std::string> pre, deploy, post;
    bool empty() const { return pre.empty() && deploy.empty() && post.empty(); }
};

struct Tree {
    std::vector<LineageFacts> lineages;  // by name
    DirectoryHooks hooks;
};

}  // namespace certd::certbot
