// Decisions about the record of an order in progress.
#include "libacme/protocol/order_record.hpp"

#include "libacme/crypto/csr.hpp"
#include "libacme/protocol/order.hpp"

namespace certd::acme {

namespace {

bool fits(const OrderRecord& record, const IssueRequest& request) {
    bool same_owner = request.csr_der.empty() ? !record.key_pem.empty() : record.csr_der == request.csr_der;
    return same_owner && record.key_type == request.key_type && record.profile == request.profile.value_or("") &&
           normalized(record.names) == normalized(request.names);
}

bool is_sound(const OrderRecord& record, const IssueRequest& request, const PrivateKey& account_key) {
    return !request.csr_der.empty() || reusable_key(record, request, account_key).has_value();
}

// RFC 8555 §11.1: the account's key never appears in a certificate.
std::optional<PrivateKey> known_key(const IssueRequest& request, const Bytes& account_key) {
    if (!request.key) return std::nullopt;
    Result<PrivateKey> key = PrivateKey::from_pem(request.key->pem);
    bool usable = key && key->type() == request.key_type && key->public_key_der() != account_key;
    return usable ? std::optional(*std::move(key)) : std::nullopt;
}

void make_key(OrderRecord& record, const IssueRequest& request, const Bytes& account_key) {
    std::optional<PrivateKey> known = known_key(request, account_key);
    record.key_created = known ? request.key->created : record.created;
    PrivateKey key = known ? *std::move(known) : PrivateKey::generate(request.key_type);
    record.key_pem = key.pem();
    record.csr_der = make_csr(key, record.names);
}

void adopt_csr(OrderRecord& record, const IssueRequest& request, const Session& session) {
    RequestContent content = value_or_fail(read_csr(request.csr_der));
    if (content.public_key_der == session.account_key().public_key_der()) {
        fail("crypto.csrKey", "The certificate request is for the key of the account at " + session.options().ca);
    }
    record.csr_der = request.csr_der;
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
    bool sound = fits(record, request) && is_sound(record, request, session.account_key());
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
    if (request.csr_der.empty()) {
        Bytes account_key = session.account_key().public_key_der();
        co_await offload(workers, [&] { make_key(record, request, account_key); });
    } else {
        adopt_csr(record, request, session);
    }
    co_return record;
}

}  // namespace certd::acme
