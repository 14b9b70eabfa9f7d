// CRLs through OpenSSL's objects.
#include "tests/support/crl_maker.hpp"

#include "libacme/crypto/der.hpp"
#include "libacme/crypto/openssl.hpp"

#include <openssl/x509v3.h>

#include <stdexcept>

namespace certd::test {

namespace {

template <auto free_function>
using Owner = openssl::Deleter<free_function>;
using TimeOwner = std::unique_ptr<ASN1_TIME, Owner<ASN1_TIME_free>>;
using IntegerOwner = std::unique_ptr<ASN1_INTEGER, Owner<ASN1_INTEGER_free>>;
using OctetOwner = std::unique_ptr<ASN1_OCTET_STRING, Owner<ASN1_OCTET_STRING_free>>;
using ObjectOwner = std::unique_ptr<ASN1_OBJECT, Owner<ASN1_OBJECT_free>>;
using ExtensionOwner = std::unique_ptr<X509_EXTENSION, Owner<X509_EXTENSION_free>>;
using ListOwner = std::unique_ptr<X509_CRL, Owner<X509_CRL_free>>;
using EnumeratedOwner = std::unique_ptr<ASN1_ENUMERATED, Owner<ASN1_ENUMERATED_free>>;

void need(bool done) {
    if (!done) throw std::runtime_error("OpenSSL: " + openssl::last_error());
}

TimeOwner asn1_time(Time time) {
    return TimeOwner(ASN1_TIME_set(nullptr, std::chrono::system_clock::to_time_t(time)));
}

ExtensionOwner extension_of(const CrlExtension& extension) {
    OctetOwner value(ASN1_OCTET_STRING_new());
    need(ASN1_OCTET_STRING_set(value.get(), extension.value.data(), static_cast<int>(extension.value.size())) == 1);
    ObjectOwner object(OBJ_txt2obj(extension.oid.c_str(), 1));
    ExtensionOwner made(X509_EXTENSION_create_by_OBJ(nullptr, object.get(), extension.critical ? 1 : 0, value.get()));
    need(made != nullptr);
    return made;
}

void add_entry(X509_CRL* list, const CrlSpec::Entry& entry) {
    X509_REVOKED* revoked = X509_REVOKED_new();
    Bytes octets = parse_hex(entry.serial).value();
    openssl::BignumOwner number(BN_bin2bn(octets.data(), static_cast<int>(octets.size()), nullptr));
    IntegerOwner serial(BN_to_ASN1_INTEGER(number.get(), nullptr));
    need(X509_REVOKED_set_serialNumber(revoked, serial.get()) == 1);
    need(X509_REVOKED_set_revocationDate(revoked, asn1_time(entry.since).get()) == 1);
    if (entry.reason) {
        EnumeratedOwner reason(ASN1_ENUMERATED_new());
        need(ASN1_ENUMERATED_set(reason.get(), *entry.reason) == 1);
        need(X509_REVOKED_add1_ext_i2d(revoked, NID_crl_reason, reason.get(), 0, 0) == 1);
    }
    for (const CrlExtension& extension : entry.extensions)
        need(X509_REVOKED_add_ext(revoked, extension_of(extension).get(), -1) == 1);
    need(X509_CRL_add0_revoked(list, revoked) == 1);
}

}  // namespace

Bytes make_crl(const Certificate& issuer, const PrivateKey& key, const CrlSpec& spec) {
    ListOwner list(X509_CRL_new());
    need(X509_CRL_set_version(list.get(), 1) == 1);
    need(X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(openssl::to_x509(issuer).get())) == 1);
    need(X509_CRL_set1_lastUpdate(list.get(), asn1_time(spec.this_update).get()) == 1);
    if (spec.next_update) need(X509_CRL_set1_nextUpdate(list.get(), asn1_time(*spec.next_update).get()) == 1);
    for (const CrlSpec::Entry& entry : spec.entries)
        add_entry(list.get(), entry);
    for (const CrlExtension& extension : spec.extensions)
        need(X509_CRL_add_ext(list.get(), extension_of(extension).get(), -1) == 1);
    need(X509_CRL_sign(list.get(), key.handle().key.get(), EVP_sha256()) > 0);
    unsigned char* encoded = nullptr;
    int length = i2d_X509_CRL(list.get(), &encoded);
    need(length > 0);
    Bytes der(encoded, encoded + length);
    OPENSSL_free(encoded);
    return der;
}

Bytes issuing_point(const std::string& url, std::uint8_t flag) {
    static constexpr std::uint8_t yes[] = {0xff};
    Bytes point, more;
    if (!url.empty()) {
        Bytes name = der::encode(der::context_constructed(0), der::encode(der::context(6), as_bytes(url)));
        point = der::encode(der::context_constructed(0), name);
    }
    if (flag != 0) more = der::encode(der::context(flag), yes);
    return der::encode(der::sequence, {point, more});
}

}  // namespace certd::test
