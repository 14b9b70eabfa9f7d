// Typed reading of scalars, lists and commands.
#include "config/reader.hpp"

namespace certd::config {

std::vector<TreeNode> scalars_of(TreeNode node) {
    if (node.is_scalar()) return {node};
    std::vector<TreeNode> scalars;
    if (!node.is_sequence()) return scalars;
    scalars.reserve(node.size());
    for (std::size_t i = 0; i < node.size(); ++i) {
        if (node.item(i).is_scalar()) scalars.push_back(node.item(i));
    }
    return scalars;
}

CommandLine read_command(TreeNode node) {
    CommandLine command;
    if (auto shell = node.find("shell"); shell && shell->is_scalar()) {
        command.argv = {"/bin/sh", "-c", std::string(shell->text())};
    } else if (node.is_sequence()) {
        for (TreeNode word : scalars_of(node))
            command.argv.emplace_back(word.text());
    }
    return command;
}

namespace {

Hook read_hook(TreeNode node) {
    Hook hook;
    auto command = node.find("command");
    hook.command = read_command(command ? *command : node);
    Reader reader(node);
    reader.read("timeout", hook.timeout);
    reader.read("user", hook.user);
    reader.read("working_directory", hook.working_directory);
    if (reader.scalar("input") == "bundle") hook.input = HookInput::bundle;
    return hook;
}

}  // namespace

std::vector<Hook> read_hooks(TreeNode node) {
    std::vector<Hook> hooks;
    bool several = node.is_sequence() && scalars_of(node).size() < node.size();
    if (several) {
        for (std::size_t i = 0; i < node.size(); ++i)
            hooks.push_back(read_hook(node.item(i)));
    } else if (node.size() > 0) {
        hooks.push_back(read_hook(node));
    }
    return hooks;
}

std::string_view Reader::scalar(std::string_view key) const {
    auto node = find(key);
    return node ? node->text() : std::string_view();
}

void Reader::read(std::string_view key, std::string& member) const {
    if (auto node = find(key); node && node->is_scalar()) member = node->text();
}

void Reader::read(std::string_view key, std::optional<std::string>& member) const {
    if (auto node = find(key); node && node->is_scalar()) member = std::string(node->text());
}

void Reader::read(std::string_view key, std::vector<std::string>& member) const {
    auto node = find(key);
    if (!node) return;
    member.clear();
    for (TreeNode item : scalars_of(*node))
        member.emplace_back(item.text());
}

void Reader::read(std::string_view key, bool& member) const {
    if (auto value = parse_boolean(scalar(key))) member = *value;
}

void Reader::read(std::string_view key, Duration& member) const {
    if (auto value = parse_duration(scalar(key))) member = *value;
}

void Reader::read(std::string_view key, KeyType& member) const {
    if (auto value = key_type_from(scalar(key))) member = *value;
}

void Reader::read(std::string_view key, std::optional<KeyType>& member) const {
    if (auto value = key_type_from(scalar(key))) member = *value;
}

void Reader::read(std::string_view key, CommandLine& member) const {
    if (auto node = find(key)) member = read_command(*node);
}

void Reader::read(std::string_view key, std::vector<Hook>& member) const {
    if (auto node = find(key)) member = read_hooks(*node);
}

void Reader::read(ChallengeCommands& member) const {
    for (auto [key, argv] :
         {std::pair{"present", &member.present}, {"cleanup", &member.cleanup}, {"wait", &member.wait}}) {
        CommandLine command;
        read(key, command);
        *argv = std::move(command.argv);
    }
    read("timeout", member.timeout);
    read("user", member.user);
}

void Reader::read(Profile& member) const {
    for (bool required : {false, true}) {
        auto node = find(required ? "required_profile" : "profile");
        if (node && node->is_scalar()) member = {std::string(node->text()), required};
    }
}

void Reader::read(RenewalHooks& member) const {
    if (!find("renewal_hooks")) return;
    const Reader section = this->section("renewal_hooks");
    member = {};
    section.read("directory", member.directory);
    section.read("timeout", member.timeout);
    section.read("user", member.user);
    section.read("working_directory", member.working_directory);
}

void Reader::read_mode(std::string_view key, mode_t& member) const {
    if (auto value = parse_mode(scalar(key))) member = *value;
}

void Reader::read_size(std::string_view key, std::uint64_t& member) const {
    if (auto value = parse_size(scalar(key))) member = static_cast<std::uint64_t>(*value);
}

}  // namespace certd::config
