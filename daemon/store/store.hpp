// The only writer of the state directory (DESIGN §4, contrib/docs/STATE-DIRECTORY.md). Every method is blocking and
// atomic: after a crash inside it either nothing or everything is visible. A method that failed may be called again;
// one whose last directory sync failed may have had its effect, which then is not known to survive a power loss.
// Thread-safe for different lineages.
#pragma once

#include "daemon/lineage/ca_health.hpp"
#include "daemon/lineage/hook_round.hpp"
#include "daemon/lineage/limits.hpp"
#include "daemon/lineage/lineage.hpp"
#include "libacme/base/file_system.hpp"
#include "libacme/base/json.hpp"
#include "libacme/protocol/issue.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace certd {

struct StoredAccount {
    std::string key_pem;
    std::optional<acme::Account> account;  // empty: the key was stored, the CA's answer was not seen
    std::string directory_url;
    std::optional<std::string> next_key_pem;  // of a rollover that was begun: the CA may know the one or the other
};

// The CA wants its user to act (RFC 8555 §7.3.3).
struct Suspension {
    Problem problem;
    Time until{};
    std::string account_digest;  // of the configuration it was met under: another one is tried
    bool operator==(const Suspension&) const = default;
};

// The texts of one certificate's files.
struct CertificateFiles {
    std::string privkey;  // empty: the operator has the key
    std::string cert, chain, fullchain;
};
// Those of a version: of its first key, and of further ones.
struct VersionFiles : CertificateFiles {
    std::map<KeyType, CertificateFiles> further;
};

struct NewVersion {
    VersionFacts facts;  // number is assigned by the store
    VersionFiles files;
    std::vector<std::string> alternates;  // chain PEMs, kept as alternate-1.pem …
    std::map<KeyType, std::vector<std::string>> further_alternates = {};
};

// A key made ahead, for the next version.
struct NextKey {
    KeyType key_type = KeyType::ecdsa_p256;
    std::string key_pem;  // PKCS#8
    Time created{};
    bool operator==(const NextKey&) const = default;
};

// The deployment in progress at one place: what stood at each path before, so that it can be put back after a crash.
struct DeployJournal {
    TargetName target;
    VersionNumber version;
    VersionNumber previous_live;
    struct Backup {
        std::string path;
        bool existed = false;
        mode_t mode = 0;
        uid_t owner = 0;
        gid_t group = 0;
        std::string content;  // kept as a file of its own, 0600
        bool operator==(const Backup&) const = default;
    };
    std::vector<Backup> backups;
    std::string host{local_host_name};
    Place place() const { return {target, host}; }
    bool operator==(const DeployJournal&) const = default;
};

// What recovery found and did; each becomes an event.
struct Recovery {
    std::vector<std::string> notes;
    std::vector<std::pair<std::string, Problem>> damaged;  // lineage and what is wrong with it
};

class Store {
   public:
    Store(FileSystem& files, Path root);
    const Path& root() const { return root_; }

    // Creates the layout; refuses a root, account or lineage directory that others may write or keys that others may
    // read (storage.permissions), and a layout of a later release (storage.newerLayout). Lineages are looked at one by
    // one only when others may enter `lineages` at all.
    Result<void> open();
    // Makes durable what a killed process may have left in the cache only, removes half-made versions and finished
    // orders, and examines every lineage in which work was going on or whose `live` names no complete version. Costs a
    // healthy idle lineage a dozen system calls; the digests of its files are checked when they are read.
    Recovery recover();
    // Checks all files of a lineage against their digests. A version that cannot be used is put aside as NNNN.damaged;
    // when it is the live one, `live` goes back to the newest version that is whole and was not rejected
    // (storage.corrupt).
    Recovery examine(const LineageName& name);
    // An empty directory, 0700, over which a rehearsal mounts its memory where nobody else sees it. Taken away by the
    // next start.
    Result<Path> rehearsal_directory();
    // Room and permission to finish an issuance, tried before a CA is asked (faults F34): storage.full …
    // Writes and syncs 64 KiB.
    Result<void> probe();

    Result<std::optional<StoredAccount>> load_account(const CaName& ca);
    // Refused with storage.exists while the CA has an account or key.
    Result<void> save_account_key(const CaName& ca, const std::string& directory_url, const std::string& key_pem);
    Result<void> save_account(const CaName& ca, const acme::Account& account);
    Result<void> forget_account(const CaName& ca);  // keeps its files aside as key.pem.old-N, account.json.old-N …
    // What certd has counted of the CA's rate limits; empty before the first order.
    Result<Ledger> load_limits(const CaName& ca);
    Result<void> save_limits(const CaName& ca, const Ledger& ledger);
    // How the CA fared; empty when it never was in trouble.
    Result<CaHealth> load_health(const CaName& ca);
    Result<void> save_health(const CaName& ca, const CaHealth& health);
    // Why no orders are placed at a CA; none: they are.
    Result<std::optional<Suspension>> load_suspension(const CaName& ca);
    Result<void> save_suspension(const CaName& ca, const std::optional<Suspension>& suspension);
    // A rollover (acme-facts B9): the new key is here before the CA hears of it, and takes the place of the old one, or
    // goes aside, once it is known which of them the CA has.
    Result<void> save_next_key(const CaName& ca, const std::string& key_pem);
    Result<void> adopt_next_key(const CaName& ca);
    Result<void> drop_next_key(const CaName& ca);

    // Keys that no certificate may have again, by the SHA-256 of their SubjectPublicKeyInfo.
    Result<void> burn_key(const std::string& key_sha256);
    Result<bool> is_burned(const std::string& key_sha256);

    // The rounds of hook directories whose `post` scripts are owed; written before those in `pre` run.
    Result<void> save_hook_rounds(const std::vector<HookRound>& rounds);
    Result<std::vector<HookRound>> load_hook_rounds();

    // Each key has an order of its own; `further` names a key that is not the first.
    // nullopt also when the newest version was made from this order: it is finished, whatever became of drop_order.
    Result<std::optional<acme::OrderRecord>> load_order(const LineageName& name, std::optional<KeyType> further = {});
    Result<void> save_order(const LineageName& name, const acme::OrderRecord& order,
                            std::optional<KeyType> further = {});
    // Not synced: an order that comes back is recognised or tried again.
    Result<void> drop_order(const LineageName& name, std::optional<KeyType> further = {});
    Result<void> drop_orders(const LineageName& name);  // of all keys, the first key's last

    // The keys made ahead, at most one of each type; none when there are none. Problem storage.corrupt.
    Result<std::vector<NextKey>> load_next_keys(const LineageName& name);
    Result<void> save_next_keys(const LineageName& name, const std::vector<NextKey>& keys);
    // Out of the way of new ones, as next-keys.json.damaged.
    Result<void> set_next_keys_aside(const LineageName& name);
    Result<bool> is_in_a_version(const LineageName& name, const std::string& key_pem);  // of those that are kept

    // Adding the newest version again returns what is there.
    Result<VersionFacts> add_version(const LineageName& name, NewVersion version);
    Result<std::vector<VersionFacts>> versions(const LineageName& name);  // complete ones, ascending
    Result<VersionFacts> version(const LineageName& name, VersionNumber number);
    // Digests are checked: storage.corrupt.
    Result<VersionFiles> read_version(const LineageName& name, VersionNumber number);
    Result<VersionNumber> live(const LineageName& name);  // 0: none
    Result<void> set_live(const LineageName& name, VersionNumber number);
    // Removes all but the newest `keep`, live, and those in `wanted`.
    Result<void> prune(const LineageName& name, std::uint32_t keep, const std::vector<VersionNumber>& wanted);
    Path version_directory(const LineageName& name, VersionNumber number) const;
    Path live_path(const LineageName& name) const;

    Result<std::optional<LineageState>> load_state(const LineageName& name);
    Result<void> save_state(const LineageName& name, const LineageState& state);
    Result<std::vector<LineageName>> lineages();

    // Open incidents and what is still to be told of them, in the form of daemon/notify; nullopt: there was never one.
    Result<std::optional<Json>> load_notifications();
    Result<void> save_notifications(const Json& document);

    Result<void> save_deploy_journal(const LineageName& name, const DeployJournal& journal);
    Result<std::vector<DeployJournal>> deploy_journals(const LineageName& name);
    Result<void> drop_deploy_journal(const LineageName& name, const Place& place);

   private:
    Result<void> make_lineage(const LineageName& name);
    Result<void> write_in_lineage(const LineageName& name, const Path& path, const Json& document);
    Result<CertificateFiles> read_certificate(const Path& directory, const Path& subdirectory, const Json& record);
    Result<Json> version_record(const LineageName& name, VersionNumber number);
    Result<VersionFacts> facts_of(const LineageName& name, VersionNumber number, const Json& record);
    Result<std::vector<VersionNumber>> version_numbers(const LineageName& name);
    Result<void> check_permissions();
    Result<void> check_lineages();
    void recover_lineage(const LineageName& name, bool linked, Recovery& found);
    void settle(const LineageName& name, Recovery& found);
    void settle_order(const LineageName& name, std::optional<KeyType> further, Recovery& found);
    void examine_into(const LineageName& name, Recovery& found);
    std::optional<VersionNumber> fallback(const LineageName& name, const std::vector<VersionNumber>& sound);

    FileSystem& files_;
    Path root_;
};

// One daemon per state directory: an OFD lock on `lock`, checked to be still the file at that path, and a flock on the
// directory itself, which holds when somebody deletes the file. Problem storage.locked.
class StateLock {
   public:
    static Result<StateLock> acquire(const Path& root);  // creates `root` below an existing directory
    StateLock(StateLock&&) noexcept;
    StateLock& operator=(StateLock&&) noexcept;
    ~StateLock();

   private:
    StateLock(int directory, int file) : directory_(directory), file_(file) {}
    int directory_ = -1;
    int file_ = -1;
};

}  // namespace certd
