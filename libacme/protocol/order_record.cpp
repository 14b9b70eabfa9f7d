// Decisions about the record of an order in progress.
#include "libacme/protocol/order_record.hpp"

#include "libacme/crypto/csr.hpp"
#include "libacme/protocol/order.hpp"

namespace certd::acme {

namespace {

bool fits(const OrderRecord& record, const IssueRequest& request) {
    return record.key_type == request.key_type && record.profile == request.profile.value_or("") &&
           normalized(record.names) == normalized(request.names);
}

struct KeyAndRequest {
    std::string key_pem;
    Bytes csr_der;
};

KeyAndRequest make_key(KeyType type, const std::vector<Identifier>& names) {
    PrivateKey key = PrivateKey::generate(type);
    return KeyAndRequest{key.pem(), make_csr(key, names)};
}

}  // namespace

std::optional<PrivateKey> reusable_key(const OrderRecord& record, const IssueRequest& request,
                                       const PrivateKey& account_key) {
    Result<PrivateKey> key = PrivateKey::from_pem(record.key_pem);
    if (!key || key->type() != request.key_type) return std::nullopt;
    // RFC 8555 §11.1: the account's key never appears in a certificate.
    if (key->public_key_der() == account_key.public_key_der()) return std::nullopt;
    Result<RequestContent> content = read_csr(record.csr_der);
    if (!content || content->public_key_der != key->public_key_der()) return std::nullopt;
    if (normalized(content->names) != normalized(request.names)) return std::nullopt;
    return *std::move(key);
}

RecordUse use_of_record(const OrderRecord& record, const IssueRequest& request, const Session& session, Time now) {
    bool sound = fits(record, request) && reusable_key(record, request, session.account_key()).has_value();
    if (record.order_url.empty()) return sound ? RecordUse::new_order_old_key : RecordUse::new_order;
    bool ours = record.directory_url == session.options().directory.text && record.account_url == session.account().url;
    if (!ours) return RecordUse::new_order;
    bool in_time = now < saturating_add(record.created, request.order_limit);
    return sound && in_time ? RecordUse::resume : RecordUse::give_up;
}

Task<OrderRecord> make_record(Session& session, Workers& workers, IssueRequest request) {
    OrderRecord record;
    record.ca = session.options().ca;
    record.directory_url = session.options().directory.text;
    record.account_url = session.account().url;
    record.names = normalized(request.names);
    record.key_type = request.key_type;
    record.profile = request.profile.value_or("");
    record.created = session.clock().now();
    record.key_created = record.created;
    KeyAndRequest made = co_await offload(workers, [&] { return make_key(record.key_type, record.names); });
    record.key_pem = std::move(made.key_pem);
    record.csr_der = std::move(made.csr_der);
    co_return record;
}

}  // namespace certd::acme
