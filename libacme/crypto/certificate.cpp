// A certificate's values and whether another one signed it.
#include "libacme/crypto/certificate.hpp"

#include "libacme/crypto/certificate_fields.hpp"
#include "libacme/crypto/digest.hpp"
#include "libacme/crypto/openssl.hpp"
#include "libacme/crypto/pem.hpp"

#include <openssl/crypto.h>
#include <openssl/err.h>

#include <algorithm>

namespace certd {

using openssl::BioOwner;
using openssl::CertificateOwner;
using openssl::KeyOwner;
using openssl::NameOwner;
using openssl::read_public_key;
using openssl::Verdict;
using openssl::verify;

namespace {

NameOwner read_name(ByteView der) {
    const std::uint8_t* at = der.data();
    NameOwner name(d2i_X509_NAME(nullptr, &at, static_cast<long>(der.size())));
    if (!name) ERR_clear_error();
    return name;
}

std::string name_text(ByteView der) {
    NameOwner name = read_name(der);
    BioOwner out(BIO_new(BIO_s_mem()));
    if (!name || !out || X509_NAME_print_ex(out.get(), name.get(), 0, XN_FLAG_RFC2253) < 0) return {};
    char* text = nullptr;
    long length = BIO_get_mem_data(out.get(), &text);
    return std::string(text, static_cast<std::size_t>(length));
}

std::string common_name(ByteView der) {
    NameOwner name = read_name(der);
    int index = name ? X509_NAME_get_index_by_NID(name.get(), NID_commonName, -1) : -1;
    if (index < 0) return {};
    unsigned char* text = nullptr;
    int length = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name.get(), index)));
    std::string value =
        length > 0 ? std::string(as_text(ByteView(text, static_cast<std::size_t>(length)))) : std::string();
    OPENSSL_free(text);
    return value;
}

Bytes copy(ByteView view) {
    return Bytes(view.begin(), view.end());
}

// Signatures with other algorithms than those of openssl::verify, e.g. Ed25519 or RSA-PSS.
bool verify_generally(const Certificate& certificate, EVP_PKEY* key) {
    const Bytes& der = certificate.der();
    const std::uint8_t* at = der.data();
    CertificateOwner parsed(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
    bool good = parsed && X509_verify(parsed.get(), key) == 1;
    ERR_clear_error();
    return good;
}

}  // namespace

bool same_name(ByteView left, ByteView right) {
    if (std::ranges::equal(left, right)) return true;
    NameOwner left_name = read_name(left), right_name = read_name(right);
    return left_name && right_name && X509_NAME_cmp(left_name.get(), right_name.get()) == 0;
}

Result<Certificate> Certificate::from_der(ByteView der) {
    auto handle = read_certificate(copy(der));
    if (!handle) return failure("crypto.certificateMalformed", "The certificate is not valid DER of X.509");
    return Certificate(std::move(handle));
}

const Bytes& Certificate::der() const {
    return handle_->der;
}
std::string Certificate::pem() const {
    return pem_block("CERTIFICATE", handle_->der);
}
std::string Certificate::fingerprint_sha256() const {
    return sha256_hex(handle_->der);
}
std::string Certificate::serial() const {
    return hex(handle_->serial);
}
Time Certificate::not_before() const {
    return handle_->not_before;
}
Time Certificate::not_after() const {
    return handle_->not_after;
}
std::vector<Identifier> Certificate::names() const {
    return handle_->names;
}
std::string Certificate::subject() const {
    return name_text(handle_->subject);
}
std::string Certificate::issuer() const {
    return name_text(handle_->issuer);
}
std::string Certificate::issuer_common_name() const {
    return common_name(handle_->issuer);
}
bool Certificate::is_ca() const {
    return handle_->ca;
}
Bytes Certificate::public_key_der() const {
    return copy(handle_->public_key);
}

std::optional<Bytes> Certificate::authority_key_identifier() const {
    if (!handle_->authority_key_identifier) return std::nullopt;
    return copy(*handle_->authority_key_identifier);
}

bool Certificate::issued_by(const Certificate& issuer) const {
    if (!same_name(handle_->issuer, issuer.handle_->subject)) return false;
    KeyOwner key = read_public_key(issuer.handle_->public_key);
    if (!key) return false;
    switch (verify(key.get(), handle_->signature_algorithm, handle_->to_be_signed, handle_->signature)) {
        case Verdict::good:
            return true;
        case Verdict::bad:
            return false;
        case Verdict::unknown_algorithm:
            return verify_generally(*this, key.get());
    }
    return false;
}

namespace openssl {

CertificateOwner to_x509(const Certificate& certificate) {
    const Bytes& der = certificate.der();
    const std::uint8_t* at = der.data();
    CertificateOwner parsed(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
    if (!parsed) fail("crypto.certificateMalformed", "OpenSSL cannot read the certificate", last_error());
    return parsed;
}

Result<Certificate> from_x509(const X509* certificate) {
    unsigned char* encoded = nullptr;
    int length = i2d_X509(certificate, &encoded);
    if (length <= 0)
        return failure("crypto.certificateMalformed", "OpenSSL cannot write the certificate", last_error());
    std::unique_ptr<unsigned char, Deleter<[](void* memory) { OPENSSL_free(memory); }>> owner(encoded);
    return Certificate::from_der(ByteView(encoded, static_cast<std::size_t>(length)));
}

}  // namespace openssl

}  // namespace certd
