// The fake CA's finalize and certificates.
#include "libacme/crypto/digest.hpp"
#include "libacme/protocol/order.hpp"
#include "libacme/protocol/renewal_info.hpp"
#include "tests/support/fake_ca_state.hpp"

namespace certd::test {

HttpResponse FakeCa::State::finalize(Request& request) {
    OrderEntry& entry = order_of(request);
    settle(entry, false);
    if (!only_members(request.json, {"csr"})) violation("finalize has members other than csr");
    auto csr = parse_base64url(request.json.string_or("csr"));
    Result<RequestContent> content = csr ? read_csr(*csr) : failure("crypto.csrMalformed", "not base64url");
    if (!content) violation("the CSR is malformed");
    if (acme::normalized(content->names) != acme::normalized(entry.names))
        violation("the CSR's names are not the order's");
    // RFC 8555 §11.1.
    if (content->public_key_der == request.account->key.subject_public_key_info())
        violation("the CSR is for the account's key");
    if (knobs().orders_not_ready > 0) {
        --knobs().orders_not_ready;
        refuse(403, "orderNotReady", "not yet");
    }
    if (entry.status != "ready") refuse(403, "orderNotReady", "the order is " + entry.status);
    entry.status = "processing";
    entry.issued_at = clock.now() + knobs().issuance_time;
    entry.polls_left = knobs().issuance_polls;
    entry.certificate = issue(entry, std::move(content->public_key_der));
    note_replaced(entry);
    if (knobs().valid_at_finalize) settle(entry, false);
    HttpResponse response = json_answer(200, order_json(request.route.numbers[0]));
    response.headers.add("Location", request.url);
    if (entry.status == "processing") add_retry_after(response);
    return response;
}

std::size_t FakeCa::State::issue(const OrderEntry& order, Bytes public_key_der) {
    LeafOrder leaf;
    leaf.names = order.names;
    leaf.public_key_der = std::move(public_key_der);
    // One hour back for clients with slow clocks, as CAs do; whole seconds, as X.509 has them.
    leaf.not_before = std::chrono::floor<seconds>(clock.now()) - hours(1);
    leaf.not_after = leaf.not_before + knobs().certificate_lifetime;
    leaf.fault = knobs().certificate_fault;
    leaf.crl_url = knobs().crl_url;
    Bytes& last = last_serial[acme::normalized(order.names)];
    leaf.serial = leaf.fault == CertificateFault::previous_serial && !last.empty() ? last : random_bytes(16);
    leaf.serial[0] &= 0x7f;
    last = leaf.serial;
    Certificate certificate = sign_leaf(leaf);
    Certificate other = certificate;
    if (knobs().alternate_fault == AlternateFault::other_leaf) {
        leaf.serial = random_bytes(16);
        other = sign_leaf(leaf);
    }
    certificate_of_id[acme::certificate_id(certificate).value_or("")] = certificates.size();
    certificates.push_back({order.account, std::move(certificate), std::move(other)});
    return certificates.size() - 1;
}

HttpResponse FakeCa::State::certificate(Request& request) {
    must_be_empty(request);
    const std::vector<std::size_t>& numbers = request.route.numbers;
    if (numbers.empty() || numbers[0] >= certificates.size()) refuse(404, "malformed", "no such certificate");
    const CertificateEntry& entry = certificates[numbers[0]];
    if (entry.account != request.account->number) refuse(403, "unauthorized", "another account's certificate");
    std::size_t alternate = numbers.size() > 1 ? numbers[1] : 0;
    AlternateFault fault = knobs().alternate_fault;
    if (alternate > 0 && fault == AlternateFault::missing) refuse(404, "malformed", "no such chain");
    HttpResponse response;
    response.status = 200;
    response.headers.add("Content-Type", "application/pem-certificate-chain");
    const Certificate& leaf = alternate > 0 && fault == AlternateFault::other_leaf ? entry.other_leaf : entry.leaf;
    int root = static_cast<int>(alternate % 16);
    response.body = chain_text(leaf, root, alternate == 0 ? knobs().certificate_fault : CertificateFault::none);
    std::string self = url("cert", numbers[0]);
    int count = fault == AlternateFault::thousand ? 1000 : knobs().alternates;
    for (int i = 1; i <= count; ++i) {
        response.headers.add("Link", "<" + self + "/" + std::to_string(i) + ">;rel=\"alternate\"");
    }
    if (fault == AlternateFault::loop) response.headers.add("Link", "<" + self + ">;rel=\"alternate\"");
    return response;
}

}  // namespace certd::test
