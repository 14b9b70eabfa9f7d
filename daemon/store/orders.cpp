// The orders in progress, one for each key: one file with key, CSR and order URL, so that one rename makes all of it
// durable.
#include "daemon/lineage/codec.hpp"
#include "daemon/store/document.hpp"
#include "daemon/store/layout.hpp"
#include "daemon/store/store.hpp"

#include "libacme/crypto/digest.hpp"

#include <algorithm>

namespace certd {

namespace codec {

template <>
struct Coder<Bytes> {
    static Json encode(const Bytes& value) { return Json(base64(value)); }
    static bool decode(const Json& json, Bytes& value) {
        const std::string* text = json.if_string();
        std::optional<Bytes> bytes = text ? parse_base64(*text) : std::nullopt;
        if (bytes) value = std::move(*bytes);
        return bytes.has_value();
    }
};

template <class Visit>
static void fields(Is<acme::OrderRecord> auto& order, Visit& visit) {
    visit("ca", order.ca);
    visit("directory_url", order.directory_url);
    visit("account_url", order.account_url);
    visit("order_url", order.order_url);
    visit("created", order.created);
    visit("names", order.names);
    visit("key_type", order.key_type);
    visit.optional("profile", order.profile);
    visit("csr_der", order.csr_der);
    visit("key_pem", order.key_pem);
    visit.optional("key_created", order.key_created);
    visit.optional("chains", order.chains);
}

}  // namespace codec

namespace {

Path file_of(const Path& root, const LineageName& name, std::optional<KeyType> further) {
    return further ? layout::order_file(root, name, *further) : layout::order_file(root, name);
}

// Whether a version was made from this order. Its URL tells, or its key where that is used once only.
bool led_to(const acme::OrderRecord& order, const Json& version, std::optional<KeyType> further) {
    std::vector<std::string> urls = version.strings("order_urls");
    if (!urls.empty()) return std::ranges::find(urls, order.order_url) != urls.end();
    std::string file = further ? std::string(to_string(*further)) + "/privkey.pem" : "privkey.pem";
    return version["files"].string_or(file) == sha256_hex(order.key_pem);
}

}  // namespace

Result<std::optional<acme::OrderRecord>> Store::load_order(const LineageName& name, std::optional<KeyType> further) {
    Path path = file_of(root_, name, further);
    Result<std::optional<Json>> json = read_document(files_, path);
    if (!json) return failure(std::move(json).error());
    if (!*json) return std::optional<acme::OrderRecord>();
    if ((**json)["lineage"] != Json(name.text())) return corrupt(path, "it belongs to another lineage");
    Result<acme::OrderRecord> order = codec::decode_document<acme::OrderRecord>(**json, path.string());
    if (!order) return failure(std::move(order).error());

    Result<std::vector<VersionNumber>> numbers = version_numbers(name);
    if (!numbers) return failure(std::move(numbers).error());
    if (numbers->empty()) return std::optional(std::move(*order));
    Result<Json> newest = version_record(name, numbers->back());
    bool finished = newest && led_to(*order, *newest, further);
    return finished ? std::optional<acme::OrderRecord>() : std::optional(std::move(*order));
}

Result<void> Store::save_order(const LineageName& name, const acme::OrderRecord& order,
                               std::optional<KeyType> further) {
    Json json = codec::Coder<acme::OrderRecord>::encode(order);
    json.set("lineage", name.text());
    return write_in_lineage(name, file_of(root_, name, further), json);
}

Result<void> Store::drop_order(const LineageName& name, std::optional<KeyType> further) {
    Result<void> removed = files_.change(change::Remove{file_of(root_, name, further)});
    if (!removed && removed.error().code != "storage.missing") return removed;
    return {};
}

Result<void> Store::drop_orders(const LineageName& name) {
    Result<std::vector<std::string>> files = files_.list(layout::order_directory(root_, name));
    if (!files && files.error().code != "storage.missing") return failure(std::move(files).error());
    for (const std::string& file : files.value_or(std::vector<std::string>())) {
        std::optional<KeyType> further = layout::further_order(file);
        if (!further) continue;
        if (Result<void> dropped = drop_order(name, further); !dropped) return dropped;
    }
    return drop_order(name);
}

}  // namespace certd
