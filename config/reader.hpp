// Reads the values of one mapping into members of the model. What is absent or malformed leaves the member as it was.
#pragma once

#include "config/document.hpp"
#include "config/model.hpp"
#include "config/values.hpp"

#include <concepts>
#include <utility>

namespace certd::config {

CommandLine read_command(TreeNode node);
std::vector<Hook> read_hooks(TreeNode node);
std::vector<TreeNode> scalars_of(TreeNode node);  // of a list of scalars, or of a scalar taken for a list of one

class Reader {
   public:
    explicit Reader(std::optional<TreeNode> node) : node_(node) {}

    std::optional<TreeNode> find(std::string_view key) const { return node_ ? node_->find(key) : std::nullopt; }
    Reader section(std::string_view key) const { return Reader(find(key)); }

    void read(std::string_view key, std::string& member) const;
    void read(std::string_view key, std::optional<std::string>& member) const;
    void read(std::string_view key, std::vector<std::string>& member) const;
    void read(std::string_view key, bool& member) const;
    void read(std::string_view key, Duration& member) const;
    void read(std::string_view key, KeyType& member) const;
    void read(std::string_view key, std::optional<KeyType>& member) const;
    void read(std::string_view key, CommandLine& member) const;
    void read(std::string_view key, std::vector<Hook>& member) const;
    void read(Profile& member) const;            // from profile or required_profile
    void read(ChallengeCommands& member) const;  // from present, cleanup, wait, timeout and user
    void read(RenewalHooks& member) const;       // from renewal_hooks, which replaces what was there as a whole
    void read_mode(std::string_view key, mode_t& member) const;
    void read_size(std::string_view key, std::uint64_t& member) const;

    template <std::unsigned_integral Number>
    void read_number(std::string_view key, Number& member) const {
        auto value = parse_integer(scalar(key));
        if (value && *value >= 0 && std::in_range<Number>(*value)) member = static_cast<Number>(*value);
    }

    // The text of the scalar `key`; empty when there is none.
    std::string_view scalar(std::string_view key) const;

   private:
    std::optional<TreeNode> node_;
};

}  // namespace certd::config
