// Files of CRLs.
#include "daemon/store/crl_files.hpp"

#include "daemon/store/document.hpp"
#include "libacme/crypto/digest.hpp"

#include <optional>
#include <vector>

namespace certd {

namespace {

std::string name_of(const std::string& url) {
    return sha256_hex(as_bytes(url));
}

}  // namespace

Path CrlFiles::file(const std::string& url, const char* suffix) const {
    return directory_ / (name_of(url) + suffix);
}

Result<CrlState> CrlFiles::load(const std::string& url) {
    Result<std::optional<Json>> json = read_document(files_, file(url, ".json"));
    if (!json) return failure(std::move(json).error());
    CrlState fresh;
    fresh.url = url;
    if (!*json) return fresh;
    Result<CrlState> state = crl_state_from_json(**json);
    if (state && state->url != url) return corrupt(file(url, ".json"), "it is about another URL");
    return state;
}

Result<std::string> CrlFiles::read(const std::string& url, std::size_t limit) {
    return files_.read(file(url, ".crl"), limit);
}

Result<void> CrlFiles::save(const CrlState& state, const std::string* list) {
    if (Result<void> made = make_directories(files_, directory_); !made) return made;
    if (list != nullptr) {
        if (Result<void> written = durable_write(files_, file(state.url, ".crl"), *list); !written) return written;
    }
    return write_document(files_, file(state.url, ".json"), to_json(state));
}

Result<void> CrlFiles::prune(const std::set<std::string>& urls) {
    std::set<std::string> kept;
    for (const std::string& url : urls) {
        kept.insert(name_of(url) + ".crl");
        kept.insert(name_of(url) + ".json");
    }
    Result<std::vector<std::string>> names = files_.list(directory_);
    if (!names) return names.error().code == "storage.missing" ? Result<void>() : failure(std::move(names).error());
    for (const std::string& name : *names) {
        if (kept.contains(name)) continue;
        if (Result<void> removed = files_.change(change::Remove{directory_ / name}); !removed) return removed;
    }
    return {};
}

}  // namespace certd
