// PKCS#12 by OpenSSL's parts: its one-call function draws a random salt each time.
#include "libacme/crypto/pkcs12.hpp"

#include "libacme/crypto/hmac.hpp"
#include "libacme/crypto/openssl.hpp"

#include <openssl/pkcs12.h>

namespace certd {

namespace {

using openssl::Deleter;

constexpr int iterations = 10'000;

void free_bags(STACK_OF(PKCS12_SAFEBAG) * bags) {
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
}
void free_safes(STACK_OF(PKCS7) * safes) {
    sk_PKCS7_pop_free(safes, PKCS7_free);
}

using AlgorithmOwner = std::unique_ptr<X509_ALGOR, Deleter<X509_ALGOR_free>>;
using BagOwner = std::unique_ptr<PKCS12_SAFEBAG, Deleter<PKCS12_SAFEBAG_free>>;
using BagsOwner = std::unique_ptr<STACK_OF(PKCS12_SAFEBAG), Deleter<free_bags>>;
using SafeOwner = std::unique_ptr<PKCS7, Deleter<PKCS7_free>>;
using SafesOwner = std::unique_ptr<STACK_OF(PKCS7), Deleter<free_safes>>;
using PrivateKeyOwner = std::unique_ptr<PKCS8_PRIV_KEY_INFO, Deleter<PKCS8_PRIV_KEY_INFO_free>>;
using EncryptedKeyOwner = std::unique_ptr<X509_SIG, Deleter<X509_SIG_free>>;
using FileOwner = std::unique_ptr<PKCS12, Deleter<PKCS12_free>>;

[[noreturn]] void fail_to_make() {
    fail("crypto.key", "Cannot make a PKCS#12 file", openssl::last_error());
}

template <class Owner>
Owner made(Owner owner) {
    if (!owner) fail_to_make();
    return owner;
}
void require(bool done) {
    if (!done) fail_to_make();
}

class Packer {
   public:
    Packer(const PrivateKey& key, std::span<const Certificate> chain, std::string_view name,
           const std::string& password)
        : key_(key), chain_(chain), name_(name), password_(password) {}

    Bytes pack() {
        SafesOwner safes = made(SafesOwner(sk_PKCS7_new_null()));
        add(*safes, certificates());
        add(*safes, key());
        FileOwner file = made(FileOwner(PKCS12_add_safes(safes.get(), 0)));
        Bytes salt = derived("mac", 16);
        require(PKCS12_set_mac(file.get(), password_.data(), length(password_), salt.data(), length(salt), iterations,
                               EVP_sha256()) == 1);
        unsigned char* der = nullptr;
        int size = i2d_PKCS12(file.get(), &der);
        require(size > 0);
        Bytes octets(der, der + size);
        OPENSSL_free(der);
        return octets;
    }

   private:
    static int length(const auto& text) { return static_cast<int>(text.size()); }

    static void add(STACK_OF(PKCS7) & safes, SafeOwner safe) {
        require(sk_PKCS7_push(&safes, safe.get()) > 0);
        (void)safe.release();
    }
    static void add(STACK_OF(PKCS12_SAFEBAG) & bags, BagOwner bag) {
        require(sk_PKCS12_SAFEBAG_push(&bags, bag.get()) > 0);
        (void)bag.release();
    }

    // What another writer would draw at random. Nobody can foretell it without the key, and it is another one for each
    // key, certificate and use.
    Bytes derived(std::string_view use, std::size_t size) const {
        std::string secret = key_.pem();
        Bytes text(as_bytes(use).begin(), as_bytes(use).end());
        const Bytes& leaf = chain_.front().der();
        text.insert(text.end(), leaf.begin(), leaf.end());
        Bytes octets = hmac(HmacHash::sha256, as_bytes(secret), text);
        OPENSSL_cleanse(secret.data(), secret.size());
        octets.resize(size);
        return octets;
    }

    AlgorithmOwner encryption(const std::string& use) const {
        Bytes salt = derived(use + " salt", 16), start = derived(use + " iv", 16);
        return made(AlgorithmOwner(PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), iterations, salt.data(), length(salt),
                                                     start.data(), NID_hmacWithSHA256)));
    }

    // The certificate that belongs to the key and the key carry the same identifier, so that readers find them.
    void mark(PKCS12_SAFEBAG& bag) const {
        Bytes identifier = parse_hex(chain_.front().fingerprint_sha256()).value_or(Bytes());
        require(PKCS12_add_localkeyid(&bag, identifier.data(), length(identifier)) == 1);
        require(PKCS12_add_friendlyname_utf8(&bag, name_.data(), length(name_)) == 1);
    }

    SafeOwner certificates() const {
        BagsOwner bags = made(BagsOwner(sk_PKCS12_SAFEBAG_new_null()));
        for (const Certificate& certificate : chain_) {
            BagOwner bag = made(BagOwner(PKCS12_SAFEBAG_create_cert(openssl::to_x509(certificate).get())));
            if (&certificate == &chain_.front()) mark(*bag);
            add(*bags, std::move(bag));
        }
        SafeOwner safe = made(SafeOwner(PKCS7_new()));
        require(PKCS7_set_type(safe.get(), NID_pkcs7_encrypted) == 1);
        PKCS7_ENC_CONTENT& content = *safe->d.encrypted->enc_data;
        X509_ALGOR_free(content.algorithm);
        content.algorithm = encryption("certificates").release();
        ASN1_OCTET_STRING_free(content.enc_data);
        content.enc_data = PKCS12_item_i2d_encrypt(content.algorithm, ASN1_ITEM_rptr(PKCS12_SAFEBAGS), password_.data(),
                                                   length(password_), bags.get(), 1);
        require(content.enc_data != nullptr);
        return safe;
    }

    SafeOwner key() const {
        PrivateKeyOwner plain = made(PrivateKeyOwner(EVP_PKEY2PKCS8(key_.handle().key.get())));
        AlgorithmOwner algorithm = encryption("key");
        EncryptedKeyOwner encrypted =
            made(EncryptedKeyOwner(PKCS8_set0_pbe(password_.data(), length(password_), plain.get(), algorithm.get())));
        (void)algorithm.release();
        BagOwner bag = made(BagOwner(PKCS12_SAFEBAG_create0_pkcs8(encrypted.get())));
        (void)encrypted.release();
        mark(*bag);
        BagsOwner bags = made(BagsOwner(sk_PKCS12_SAFEBAG_new_null()));
        add(*bags, std::move(bag));
        return made(SafeOwner(PKCS12_pack_p7data(bags.get())));
    }

    const PrivateKey& key_;
    std::span<const Certificate> chain_;
    std::string_view name_;
    const std::string& password_;
};

}  // namespace

Bytes make_pkcs12(const PrivateKey& key, std::span<const Certificate> chain, std::string_view friendly_name,
                  const std::string& password) {
    return Packer(key, chain, friendly_name, password).pack();
}

}  // namespace certd
