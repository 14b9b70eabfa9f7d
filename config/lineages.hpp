// From the `defaults` and `lineages` of the documents to Lineage values: overriding, references, names.
#pragma once

#include "config/load.hpp"
#include "config/model.hpp"
#include "config/reader.hpp"
#include "config/report.hpp"

namespace certd::config {

class LineageBuilder {
   public:
    // `config` has its CAs, targets, DNS providers and challenge listeners already; its dry_run_ca is read from
    // `defaults`.
    LineageBuilder(Config& config, std::optional<TreeNode> defaults, Disk disk, Report& report);

    void add(TreeNode key, TreeNode value);

   private:
    struct Defaults {
        bool mentions_ca = false;  // be it with a mistake that was reported already
        bool has_challenge = false;
        std::vector<CaName> cas;
        std::vector<KeyType> keys{KeyType::ecdsa_p256};
        std::optional<Duration> key_max_age;
        Challenge challenge;
        Profile profile;
        bool next_key = false;
        std::uint32_t keep_versions = 5;
        bool allow_subset_of_names = false;
        std::vector<Hook> pre_issue, post_issue;
        RenewalHooks renewal_hooks;
    };

    void read_renewal_hooks(Lineage& lineage, const Reader& reader);
    void check_renewal_hooks(const Reader& reader, const RenewalHooks& hooks);
    void read_names(Lineage& lineage, TreeNode key, std::optional<TreeNode> names);
    void read_csr(Lineage& lineage, const Reader& reader);
    void add_name(Lineage& lineage, std::string_view text, const Location& where);
    void read_keys(const Reader& reader, std::vector<KeyType>& keys);
    std::vector<CaName> read_cas(TreeNode list);
    std::vector<TargetName> read_targets(TreeNode list);
    Challenge read_challenge(TreeNode node);
    Challenge::Http01 read_http01(TreeNode key, TreeNode node);
    Dns01 read_dns01(TreeNode key, TreeNode node);
    void read_name_challenges(Lineage& lineage, TreeNode node);
    void check_provable(const Lineage& lineage, const Identifier& name, const Location& where);

    Config& config_;
    Disk disk_;
    Report& report_;
    std::vector<std::string_view> ca_names_, target_names_;
    Defaults defaults_;
};

}  // namespace certd::config
