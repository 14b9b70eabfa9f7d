// Accounts: key.pem is written before account.json and means nothing without it; no key is ever overwritten. The key in
// force is the one whose digest account.json holds, so that one write decides a rollover.
#include "daemon/lineage/codec.hpp"
#include "daemon/store/document.hpp"
#include "daemon/store/layout.hpp"
#include "daemon/store/store.hpp"

#include "libacme/crypto/digest.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd {

namespace {

struct AccountRecord {
    CaName ca;
    std::string directory_url;
    std::string key_sha256;
    std::optional<acme::Account> account;
};

constexpr std::size_t key_limit = std::size_t{64} << 10;

}  // namespace

namespace codec {

template <class Visit>
static void fields(Is<acme::Account> auto& account, Visit& visit) {
    visit("url", account.url);
    visit.optional("terms_of_service", account.terms_of_service);
    visit.optional("contact", account.contact);
}

template <class Visit>
static void fields(Is<AccountRecord> auto& record, Visit& visit) {
    visit("ca", record.ca);
    visit("directory_url", record.directory_url);
    visit("key_sha256", record.key_sha256);
    visit("account", record.account);
}

template <class Visit>
static void fields(Is<Suspension> auto& suspension, Visit& visit) {
    visit("problem", suspension.problem);
    visit("until", suspension.until);
    visit("account_digest", suspension.account_digest);
}

}  // namespace codec

namespace {

Result<Path> account_directory(const Path& root, const CaName& ca) {
    return layout::component(ca.text).map([&](const Path& name) { return layout::accounts(root) / name; });
}

Result<std::optional<AccountRecord>> read_record(FileSystem& files, const Path& directory, const CaName& ca) {
    Path path = directory / "account.json";
    Result<std::optional<Json>> json = read_document(files, path);
    if (!json) return failure(std::move(json).error());
    if (!*json) return std::optional<AccountRecord>();
    Result<AccountRecord> record = codec::decode_document<AccountRecord>(**json, path.string());
    if (!record) return failure(std::move(record).error());
    if (record->ca != ca) return corrupt(path, "it belongs to another CA");
    return std::optional(std::move(*record));
}

Result<void> write_record(FileSystem& files, const Path& directory, const AccountRecord& record) {
    return write_document(files, directory / "account.json", codec::Coder<AccountRecord>::encode(record));
}

// The first N for which no file is kept aside as *.old-N.
unsigned next_old_number(const std::vector<std::string>& names) {
    unsigned number = 1;
    auto taken = [&](std::string_view file) {
        return std::ranges::find(names, fmt::format("{}.old-{}", file, number)) != names.end();
    };
    while (taken("key.pem") || taken("account.json") || taken("next-key.pem"))
        ++number;
    return number;
}

// What is there of `these` goes aside, in this order, each step durable before the next.
Result<void> set_aside(FileSystem& files, const Path& directory, std::initializer_list<const char*> these) {
    Result<std::vector<std::string>> names = files.list(directory);
    if (!names) return failure(std::move(names).error());
    unsigned number = next_old_number(*names);
    for (const char* file : these) {
        if (std::ranges::find(*names, file) != names->end()) {
            Change rename = change::Rename{directory / file, directory / fmt::format("{}.old-{}", file, number)};
            if (Result<void> renamed = files.change(rename); !renamed) return renamed;
        }
        if (Result<void> synced = files.change(change::SyncDirectory{directory}); !synced) return synced;
    }
    return {};
}

// The record goes first: a key alone counts for nothing, so that either both are in force or none.
constexpr std::initializer_list<const char*> whole_account = {"account.json", "next-key.pem", "key.pem"};

Result<std::optional<std::string>> read_next_key(FileSystem& files, const Path& directory) {
    Result<std::string> key = files.read(directory / "next-key.pem", key_limit);
    if (!key && key.error().code == "storage.missing") return std::optional<std::string>();
    if (!key) return failure(std::move(key).error());
    return std::optional(std::move(*key));
}

// The rest of a rollover that was decided: the new key takes the old one's name.
Result<void> finish_rollover(FileSystem& files, const Path& directory) {
    if (Result<void> kept = set_aside(files, directory, {"key.pem"}); !kept) return kept;
    Change rename = change::Rename{directory / "next-key.pem", directory / "key.pem"};
    if (Result<void> renamed = files.change(rename); !renamed) return renamed;
    return files.change(change::SyncDirectory{directory});
}

}  // namespace

Result<std::optional<StoredAccount>> Store::load_account(const CaName& ca) {
    Result<Path> directory = account_directory(root_, ca);
    if (!directory) return failure(std::move(directory).error());
    Result<std::optional<AccountRecord>> record = read_record(files_, *directory, ca);
    if (!record) return failure(std::move(record).error());
    if (!*record) return std::optional<StoredAccount>();
    Result<std::optional<std::string>> next = read_next_key(files_, *directory);
    if (!next) return failure(std::move(next).error());
    if (*next && sha256_hex(**next) == (*record)->key_sha256) {
        if (Result<void> finished = finish_rollover(files_, *directory); !finished)
            return failure(std::move(finished).error());
        next->reset();
    }
    Result<std::string> key = files_.read(*directory / "key.pem", key_limit);
    if (!key) return failure(std::move(key).error());
    if (sha256_hex(*key) != (*record)->key_sha256)
        return corrupt(*directory / "key.pem", "it is not the key that account.json names");
    return std::optional(StoredAccount{std::move(*key), std::move((*record)->account),
                                       std::move((*record)->directory_url), std::move(*next)});
}

Result<void> Store::save_account_key(const CaName& ca, const std::string& directory_url, const std::string& key_pem) {
    Result<Path> directory = account_directory(root_, ca);
    if (!directory) return failure(std::move(directory).error());
    Result<void> made = files_.change(change::MakeDirectory{*directory});
    if (!made && made.error().code != "storage.exists") return made;
    if (Result<void> synced = files_.change(change::SyncDirectory{layout::accounts(root_)}); !synced) return synced;
    AccountRecord record{ca, directory_url, sha256_hex(key_pem), {}};
    Result<std::optional<AccountRecord>> before = read_record(files_, *directory, ca);
    if (!before) return failure(std::move(before).error());
    if (*before && ((*before)->key_sha256 != record.key_sha256 || (*before)->account)) {
        return failure("storage.exists", "There is an account for " + ca.text + " already");
    }
    if (!*before) {
        // A key that was left without its record by a crash is kept all the same.
        if (Result<void> kept = set_aside(files_, *directory, whole_account); !kept) return kept;
        if (Result<void> written = durable_write(files_, *directory / "key.pem", key_pem); !written) return written;
    }
    return write_record(files_, *directory, record);
}

Result<void> Store::save_account(const CaName& ca, const acme::Account& account) {
    Result<Path> directory = account_directory(root_, ca);
    if (!directory) return failure(std::move(directory).error());
    Result<std::optional<AccountRecord>> record = read_record(files_, *directory, ca);
    if (!record) return failure(std::move(record).error());
    if (!*record) return failure("storage.missing", "There is no key for the account at " + ca.text);
    (*record)->account = account;
    return write_record(files_, *directory, **record);
}

Result<void> Store::forget_account(const CaName& ca) {
    Result<Path> directory = account_directory(root_, ca);
    if (!directory) return failure(std::move(directory).error());
    Result<bool> there = exists(files_, *directory);
    if (!there) return failure(std::move(there).error());
    return *there ? set_aside(files_, *directory, whole_account) : Result<void>();
}

Result<void> Store::save_next_key(const CaName& ca, const std::string& key_pem) {
    Result<Path> directory = account_directory(root_, ca);
    if (!directory) return failure(std::move(directory).error());
    if (Result<void> kept = set_aside(files_, *directory, {"next-key.pem"}); !kept) return kept;
    return durable_write(files_, *directory / "next-key.pem", key_pem);
}

Result<void> Store::adopt_next_key(const CaName& ca) {
    Result<Path> directory = account_directory(root_, ca);
    if (!directory) return failure(std::move(directory).error());
    Result<std::optional<AccountRecord>> record = read_record(files_, *directory, ca);
    if (!record) return failure(std::move(record).error());
    Result<std::optional<std::string>> next = read_next_key(files_, *directory);
    if (!next) return failure(std::move(next).error());
    if (!*record || !*next) return failure("storage.missing", "There is no new key for the account at " + ca.text);
    (*record)->key_sha256 = sha256_hex(**next);
    if (Result<void> written = write_record(files_, *directory, **record); !written) return written;
    return finish_rollover(files_, *directory);
}

Result<void> Store::drop_next_key(const CaName& ca) {
    Result<Path> directory = account_directory(root_, ca);
    if (!directory) return failure(std::move(directory).error());
    return set_aside(files_, *directory, {"next-key.pem"});
}

namespace {

Result<std::vector<std::string>> read_burned(FileSystem& files, const Path& root) {
    Path path = layout::burned_keys(root);
    Result<std::optional<Json>> json = read_document(files, path);
    if (!json) return failure(std::move(json).error());
    if (!*json) return std::vector<std::string>();
    if (!(**json)["keys"].if_array()) return corrupt(path, "it has no list of keys");
    return (**json).strings("keys");
}

}  // namespace

Result<void> Store::burn_key(const std::string& key_sha256) {
    Result<std::vector<std::string>> keys = read_burned(files_, root_);
    if (!keys) return failure(std::move(keys).error());
    if (std::ranges::find(*keys, key_sha256) != keys->end()) return {};
    keys->push_back(key_sha256);
    Json::Array list(keys->begin(), keys->end());
    return write_document(files_, layout::burned_keys(root_), Json::object({{"keys", Json(std::move(list))}}));
}

Result<bool> Store::is_burned(const std::string& key_sha256) {
    Result<std::vector<std::string>> keys = read_burned(files_, root_);
    if (!keys) return failure(std::move(keys).error());
    return std::ranges::find(*keys, key_sha256) != keys->end();
}

Result<Ledger> Store::load_limits(const CaName& ca) {
    Result<Path> directory = account_directory(root_, ca);
    if (!directory) return failure(std::move(directory).error());
    Result<std::optional<Json>> json = read_document(files_, *directory / "limits.json");
    if (!json) return failure(std::move(json).error());
    return *json ? ledger_from_json(**json) : Ledger{};
}

Result<void> Store::save_limits(const CaName& ca, const Ledger& ledger) {
    Result<Path> directory = account_directory(root_, ca);
    if (!directory) return failure(std::move(directory).error());
    return write_document(files_, *directory / "limits.json", to_json(ledger));
}

namespace {

// Also for a CA that never answered and so has no account.
Result<void> write_beside_account(FileSystem& files, const Path& root, const CaName& ca, const char* file,
                                  const Json& document) {
    Result<Path> directory = account_directory(root, ca);
    if (!directory) return failure(std::move(directory).error());
    Result<void> made = files.change(change::MakeDirectory{*directory});
    if (!made && made.error().code != "storage.exists") return made;
    return write_document(files, *directory / file, document);
}

Result<std::optional<Json>> read_beside_account(FileSystem& files, const Path& root, const CaName& ca,
                                                const char* file) {
    Result<Path> directory = account_directory(root, ca);
    if (!directory) return failure(std::move(directory).error());
    return read_document(files, *directory / file);
}

}  // namespace

Result<CaHealth> Store::load_health(const CaName& ca) {
    Result<std::optional<Json>> json = read_beside_account(files_, root_, ca, "health.json");
    if (!json) return failure(std::move(json).error());
    return *json ? ca_health_from_json(**json) : CaHealth{};
}

Result<void> Store::save_health(const CaName& ca, const CaHealth& health) {
    return write_beside_account(files_, root_, ca, "health.json", to_json(health));
}

Result<std::optional<Suspension>> Store::load_suspension(const CaName& ca) {
    Result<std::optional<Json>> json = read_beside_account(files_, root_, ca, "suspended.json");
    if (!json) return failure(std::move(json).error());
    if (!*json || (**json)["problem"].is_null()) return std::optional<Suspension>();
    Result<Suspension> suspension = codec::decode_document<Suspension>(**json, "suspended.json");
    if (!suspension) return failure(std::move(suspension).error());
    return std::optional(std::move(*suspension));
}

Result<void> Store::save_suspension(const CaName& ca, const std::optional<Suspension>& suspension) {
    Json document = suspension ? codec::Coder<Suspension>::encode(*suspension) : Json::object();
    return write_beside_account(files_, root_, ca, "suspended.json", document);
}

}  // namespace certd
