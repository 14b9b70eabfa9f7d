// Reads a certbot directory. Changes nothing; what is wrong with one lineage is a fact about that lineage.
#pragma once

#include "daemon/import/facts.hpp"

namespace certd::certbot {

struct ReadOptions {
    Path root;             // absolute
    Path aws_credentials;  // where the AWS tools keep theirs, for dns-route53; empty: not looked for
};

// Blocking. Problem import.noCertbot when `root` is no certbot directory.
Result<Tree> read_tree(FileSystem& files, const ReadOptions& options);

// The version whose file this is: 7 for "cert7.pem" and kind "cert".
std::optional<std::uint32_t> archive_number(std::string_view file_name, std::string_view kind);

}  // namespace certd::certbot
