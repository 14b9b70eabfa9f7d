// Keys made ahead: one file for all of a lineage's, so that one rename makes them durable.
#include "daemon/lineage/codec.hpp"
#include "daemon/store/document.hpp"
#include "daemon/store/layout.hpp"
#include "daemon/store/store.hpp"

#include "libacme/crypto/digest.hpp"

#include <algorithm>

namespace certd {

namespace codec {

template <class Visit>
static void fields(Is<NextKey> auto& key, Visit& visit) {
    visit("key_type", key.key_type);
    visit("created", key.created);
    visit("key_pem", key.key_pem);
}

}  // namespace codec

namespace {

struct NextKeyFile {
    std::string lineage;
    std::vector<NextKey> keys;
};

}  // namespace

namespace codec {

template <class Visit>
static void fields(Is<NextKeyFile> auto& file, Visit& visit) {
    visit("lineage", file.lineage);
    visit("keys", file.keys);
}

}  // namespace codec

Result<std::vector<NextKey>> Store::load_next_keys(const LineageName& name) {
    Path path = layout::next_keys(root_, name);
    Result<std::optional<Json>> json = read_document(files_, path);
    if (!json) return failure(std::move(json).error());
    if (!*json) return std::vector<NextKey>();
    Result<NextKeyFile> file = codec::decode_document<NextKeyFile>(**json, path.string());
    if (!file) return failure(std::move(file).error());
    if (file->lineage != name.text()) return corrupt(path, "it belongs to another lineage");
    return std::move(file->keys);
}

Result<void> Store::save_next_keys(const LineageName& name, const std::vector<NextKey>& keys) {
    return write_in_lineage(name, layout::next_keys(root_, name),
                            codec::Coder<NextKeyFile>::encode({name.text(), keys}));
}

Result<void> Store::set_next_keys_aside(const LineageName& name) {
    Path path = layout::next_keys(root_, name);
    Path aside = path;
    aside += layout::damaged_suffix;
    return files_.change(change::Rename{path, aside});
}

// By the digests in the records, so that no key is read for it.
Result<bool> Store::is_in_a_version(const LineageName& name, const std::string& key_pem) {
    Result<std::vector<VersionNumber>> numbers = version_numbers(name);
    if (!numbers) return failure(std::move(numbers).error());
    const Json digest(sha256_hex(key_pem));
    for (VersionNumber number : *numbers) {
        Result<Json> record = version_record(name, number);
        const Json::Object* files = record ? (*record)["files"].if_object() : nullptr;
        if (files == nullptr) continue;  // of a damaged version, which is put aside
        if (std::ranges::find(*files, digest, &Json::Member::second) != files->end()) return true;
    }
    return false;
}

}  // namespace certd
