// Reading of MAC keys. What is in the file never gets into a message.
#include "daemon/renew/external_account.hpp"

#include "libacme/base/file_system.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>
#include <cstdlib>

#include <sys/stat.h>

namespace certd {

namespace {

constexpr std::string_view credential_prefix = "credential:";
constexpr std::size_t size_limit = 4096;

Result<Path> path_of(const std::string& file) {
    if (!file.starts_with(credential_prefix)) return Path(file);
    const char* directory = ::secure_getenv("CREDENTIALS_DIRECTORY");
    if (directory == nullptr || *directory == '\0') {
        return failure("config.secret", "There is no " + file + ": certd was started without credentials");
    }
    return Path(directory) / file.substr(credential_prefix.size());
}

}  // namespace

Result<Bytes> parse_mac_key(std::string_view text) {
    std::string key(trim(text));
    std::ranges::replace(key, '+', '-');
    std::ranges::replace(key, '/', '_');
    while (key.ends_with('='))
        key.pop_back();
    auto octets = parse_base64url(key);
    if (!octets || octets->empty()) return failure("config.secret", "The MAC key is not base64url or base64");
    return *std::move(octets);
}

Result<acme::ExternalBinding> load_binding(const config::ExternalAccount& account) {
    Result<Path> path = path_of(account.mac_key_file);
    if (!path) return failure(std::move(path).error());
    struct stat status {};
    if (::stat(path->c_str(), &status) == 0 && (status.st_mode & 0007) != 0) {
        return failure("config.secret", "Everybody may read or change " + path->string());
    }
    RealFileSystem files;
    Result<std::string> text = files.read(*path, size_limit);
    if (!text) return failure("config.secret", "Cannot use the MAC key: " + text.error().what);
    Result<Bytes> key = parse_mac_key(*text);
    std::fill(text->begin(), text->end(), '\0');
    if (!key) return failure("config.secret", path->string() + " holds no MAC key in base64url or base64");
    return acme::ExternalBinding{account.kid, *std::move(key),
                                 hash_from_jws_name(account.algorithm).value_or(HmacHash::sha256)};
}

}  // namespace certd
