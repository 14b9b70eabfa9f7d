// The order in progress: one file with key, CSR and order URL, so that one rename makes all of it durable.
#include "daemon/lineage/codec.hpp"
#include "daemon/store/document.hpp"
#include "daemon/store/layout.hpp"
#include "daemon/store/store.hpp"

#include "libacme/crypto/digest.hpp"

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
}

}  // namespace codec

Result<std::optional<acme::OrderRecord>> Store::load_order(const LineageName& name) {
    Path path = layout::order_file(root_, name);
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
    bool finished = newest && (*newest)["files"].string_or("privkey.pem") == sha256_hex(order->key_pem);
    return finished ? std::optional<acme::OrderRecord>() : std::optional(std::move(*order));
}

Result<void> Store::save_order(const LineageName& name, const acme::OrderRecord& order) {
    Json json = codec::Coder<acme::OrderRecord>::encode(order);
    json.set("lineage", name.text());
    return write_in_lineage(name, layout::order_file(root_, name), json);
}

Result<void> Store::drop_order(const LineageName& name) {
    Result<void> removed = files_.change(change::Remove{layout::order_file(root_, name)});
    if (!removed && removed.error().code != "storage.missing") return removed;
    return {};
}

}  // namespace certd
