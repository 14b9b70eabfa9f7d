// Reading of the directory document.
#include "libacme/protocol/directory.hpp"

#include "libacme/base/json.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>

namespace certd::acme {

namespace {

bool same_server(const Url& left, const Url& right) {
    return left.scheme == right.scheme && left.host == right.host && left.port == right.port;
}

// A member may name another host, but neither plain http nor an address or port that the directory's URL did not show:
// otherwise a hostile directory could make us ask services inside our network.
std::string_view member_refusal(const Url& url, const Url& source) {
    if (url.scheme != "https") return "it is not an https URL";
    if (url.port != 443 && url.port != source.port) return "its port is neither 443 nor the directory's";
    if (url.host_is_ip() && url.host != source.host) return "it leads to an IP address other than the directory's";
    return {};
}

Result<std::optional<Url>> member_url(const Json& document, std::string_view name, const Url& source) {
    const Json& member = document[name];
    if (member.is_null()) return std::nullopt;
    const std::string* text = member.if_string();
    if (text == nullptr)
        return failure("acme.badResponse", "The directory's member " + std::string(name) + " is not a URL");
    Result<Url> url = parse_url(*text);
    if (!url) return failure("acme.badUrl", "The directory's member " + std::string(name) + " is not a URL", *text);
    if (std::string_view refusal = member_refusal(*url, source); !refusal.empty()) {
        return failure("acme.badUrl",
                       "Refused the directory's member " + std::string(name) + ": " + std::string(refusal), *text);
    }
    return *std::move(url);
}

void read_meta(const Json& meta, Directory& directory) {
    directory.terms_of_service = meta.string_or("termsOfService");
    directory.website = meta.string_or("website");
    directory.caa_identities = meta.strings("caaIdentities");
    directory.external_account_required = meta.bool_or("externalAccountRequired");
    const Json::Object* profiles = meta["profiles"].if_object();
    if (profiles == nullptr) return;
    for (const auto& [name, description] : *profiles) {
        const std::string* text = description.if_string();
        directory.profiles.emplace_back(name, text == nullptr ? std::string() : *text);
    }
}

}  // namespace

Result<Directory> parse_directory(std::string_view body, const Url& source) {
    Result<Json> document = parse_json(body);
    if (!document) return failure("acme.badResponse", "The directory is not JSON", std::move(document.error().what));
    if (!document->is_object()) return failure("acme.badResponse", "The directory is not a JSON object");

    Directory directory;
    std::optional<Url> new_nonce, new_account, new_order;
    const std::pair<std::string_view, std::optional<Url>*> members[] = {
        {"newNonce", &new_nonce},
        {"newAccount", &new_account},
        {"newOrder", &new_order},
        {"newAuthz", &directory.new_authz},
        {"revokeCert", &directory.revoke_cert},
        {"keyChange", &directory.key_change},
        {"renewalInfo", &directory.renewal_info},
    };
    for (const auto& [name, place] : members) {
        auto url = member_url(*document, name, source);
        if (!url) return failure(std::move(url).error());
        *place = *std::move(url);
    }
    if (!new_nonce || !new_account || !new_order) {
        return failure("acme.badResponse", "The directory lacks newNonce, newAccount or newOrder");
    }
    directory.new_nonce = *std::move(new_nonce);
    directory.new_account = *std::move(new_account);
    directory.new_order = *std::move(new_order);
    read_meta((*document)["meta"], directory);
    return directory;
}

std::string_view url_refusal(const Url& url, const Url& source, const Directory* directory) {
    // RFC 8555 §6.1: every exchange is over HTTPS, whatever the server's own texts say.
    if (url.scheme != "https") return "it is not an https URL";
    if (same_server(url, source)) return {};
    constexpr std::string_view foreign = "it leads to a host or port that the directory does not name";
    if (directory == nullptr) return foreign;
    auto matches = [&](const std::optional<Url>& member) { return member && same_server(url, *member); };
    bool named = same_server(url, directory->new_nonce) || same_server(url, directory->new_account) ||
                 same_server(url, directory->new_order) || matches(directory->new_authz) ||
                 matches(directory->revoke_cert) || matches(directory->key_change) || matches(directory->renewal_info);
    return named ? std::string_view() : foreign;
}

}  // namespace certd::acme
