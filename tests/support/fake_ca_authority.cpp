// Key pairs are made once per process: they cost more than everything else.
#include "tests/support/fake_ca_authority.hpp"

#include <map>

namespace certd::test {

namespace {

struct Authority {
    Authority(std::string name, const PrivateKey& intermediate_key) : key(PrivateKey::generate(KeyType::ecdsa_p256)) {
        CertificateTemplate subject;
        subject.common_name = std::move(name);
        subject.not_before = Time(days(0));
        subject.not_after = Time(days(365 * 200));
        subject.ca = true;
        root.push_back(issue_certificate(subject, key, nullptr));
        subject.common_name = "Fake Intermediate";
        subject.public_key_der = intermediate_key.public_key_der();
        intermediate.push_back(issue_certificate(subject, key, &root.front()));
    }

    PrivateKey key;
    std::vector<Certificate> root, intermediate;  // one each
};

const PrivateKey& intermediate_key() {
    static const PrivateKey key = PrivateKey::generate(KeyType::ecdsa_p256);
    return key;
}

// Root 0 is the default.
const Authority& authority(int number) {
    static std::map<int, Authority> authorities;
    auto found = authorities.find(number);
    if (found == authorities.end()) {
        found = authorities.try_emplace(number, "Fake Root " + std::to_string(number), intermediate_key()).first;
    }
    return found->second;
}

const PrivateKey& stray_key() {
    static const PrivateKey key = PrivateKey::generate(KeyType::ecdsa_p256);
    return key;
}

}  // namespace

const Certificate& fake_root() {
    return authority(0).root.front();
}

const Certificate& fake_intermediate() {
    return authority(0).intermediate.front();
}

const PrivateKey& fake_intermediate_key() {
    return intermediate_key();
}

Certificate sign_leaf(LeafOrder order) {
    CertificateTemplate subject;
    subject.names = std::move(order.names);
    subject.not_before = order.not_before;
    subject.not_after = order.not_after;
    subject.public_key_der = std::move(order.public_key_der);
    subject.serial = std::move(order.serial);
    subject.crl_url = std::move(order.crl_url);
    switch (order.fault) {
        case CertificateFault::other_key:
            subject.public_key_der = stray_key().public_key_der();
            break;
        case CertificateFault::missing_name:
            subject.names.pop_back();
            break;
        case CertificateFault::extra_name:
            subject.names.push_back({Identifier::Type::dns, "extra.example.com"});
            break;
        case CertificateFault::expired:
            subject.not_after = subject.not_before + seconds(1);
            break;
        case CertificateFault::not_yet_valid:
            subject.not_before += days(2);
            break;
        case CertificateFault::ca_leaf:
            subject.ca = true;
            break;
        default:
            break;
    }
    return issue_certificate(subject, intermediate_key(), &authority(0).intermediate.front());
}

std::string chain_text(const Certificate& leaf, int alternate, CertificateFault fault) {
    std::string intermediate = authority(alternate).intermediate.front().pem();
    switch (fault) {
        case CertificateFault::empty_chain:
            return "";
        case CertificateFault::reversed_chain:
            return intermediate + leaf.pem();
        case CertificateFault::private_key_inside:
            return leaf.pem() + stray_key().pem() + intermediate;
        case CertificateFault::text_around:
            return leaf.pem() + "include /etc/passwd;\n" + intermediate;
        default:
            return leaf.pem() + intermediate;
    }
}

}  // namespace certd::test
