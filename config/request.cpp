// Reading requests.
#include "config/request.hpp"

#include "config/trust.hpp"
#include "libacme/base/text.hpp"
#include "libacme/crypto/csr.hpp"
#include "libacme/crypto/digest.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd::config {

namespace {

constexpr std::size_t size_limit = std::size_t{1} << 20;

Problem unusable(const std::string& path, const std::string& why, const std::string& hint = {}) {
    Problem found = problem("config.csr", fmt::format("The certificate request {} cannot be used: {}", path, why));
    if (!hint.empty()) found.hint = hint;
    return found;
}

std::string listed(const std::vector<Identifier>& names) {
    std::vector<std::string> texts;
    for (const Identifier& name : names)
        texts.push_back(name.value);
    return join(texts, ", ");
}

}  // namespace

ReadRequest read_request(const std::string& path, std::vector<Identifier> names) {
    ReadRequest read;
    read.request.path = path;
    Result<std::string> content = read_trusted(path, size_limit);
    if (!content) {
        bool permissions = content.error().code == "config.permissions";
        read.request.problem = unusable(path, content.error().what, permissions ? content.error().hint : "");
        return read;
    }
    Result<ForeignRequest> found = read_foreign_request(*content);
    if (!found) {
        read.request.problem = unusable(path, found.error().what, found.error().hint);
        return read;
    }
    std::ranges::sort(names);
    if (found->names != names) {
        read.request.problem = unusable(
            path, fmt::format("it asks for {}, and the lineage has the names {}", listed(found->names), listed(names)),
            "Make the request anew, or correct `names`; both must have the same ones");
        return read;
    }
    read.request.names = std::move(found->names);
    read.request.key_sha256 = sha256_hex(found->public_key_der);
    read.request.der = std::move(found->der);
    read.key_type = found->key_type;
    return read;
}

}  // namespace certd::config
