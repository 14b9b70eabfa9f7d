// From the `defaults` and `lineages` of the documents to Lineage values: overriding, references, names.
#pragma once

#include "config/model.hpp"
#include "config/reader.hpp"
#include "config/report.hpp"

namespace certd::config {

class LineageBuilder {
   public:
    // `config` has its CAs, targets and http_challenge already; its dry_run_ca is read from `defaults`.
    LineageBuilder(Config& config, std::optional<Node> defaults, Report& report);

    void add(Node key, Node value);

   private:
    struct Defaults {
        bool mentions_ca = false;  // be it with a mistake that was reported already
        bool has_challenge = false;
        std::vector<CaName> cas;
        KeyType key = KeyType::ecdsa_p256;
        Challenge challenge;
        std::uint32_t keep_versions = 5;
        std::vector<Hook> pre_issue, post_issue;
    };

    void read_names(Lineage& lineage, Node key, std::optional<Node> names);
    void add_name(Lineage& lineage, std::string_view text, const Location& where);
    std::vector<CaName> read_cas(Node list);
    std::vector<TargetName> read_targets(Node list);
    Challenge read_challenge(Node node);

    Config& config_;
    Report& report_;
    std::vector<std::string_view> ca_names_, target_names_;
    Defaults defaults_;
};

}  // namespace certd::config
