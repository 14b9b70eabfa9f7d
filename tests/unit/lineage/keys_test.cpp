// Several keys in one lineage: what makes it due, and which of a version's certificates decides when.
#include "daemon/lineage/ari.hpp"
#include "daemon/lineage/issue_need.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/lineage/lineage_builders.hpp"

using namespace certd;
using namespace certd::test;

namespace {

CertificateFacts rsa_certificate(Time not_before, Duration lifetime = days(90)) {
    CertificateFacts facts;
    facts.key_type = KeyType::rsa_2048;
    facts.serial = "0b";
    facts.fingerprint = "f-rsa";
    facts.issuer = "CN=Test";
    facts.not_before = not_before;
    facts.not_after = not_before + lifetime;
    facts.authority_key_id = "aa";
    return facts;
}

Scene scene_with_two_keys(Time rsa_not_before = day(0)) {
    Scene scene(spec_of());
    scene.spec.keys = {KeyType::ecdsa_p256, KeyType::rsa_2048};
    scene.newest->further = {rsa_certificate(rsa_not_before)};
    scene.live = scene.newest;
    return scene;
}

}  // namespace

TEST_CASE("a key added to the list, one taken out and another order make the lineage due") {
    Scene scene(spec_of());
    scene.spec.keys = {KeyType::ecdsa_p256, KeyType::rsa_2048};
    Plan plan = scene.at(day(1));
    CHECK(plan.at == day(1));
    CHECK(plan.reasons == std::vector<std::string>{"key types changed: ecdsa-p256, rsa-2048 instead of ecdsa-p256"});

    scene = scene_with_two_keys();
    CHECK(scene.at(day(1)).at == day(60));
    scene.spec.keys = {KeyType::rsa_2048, KeyType::ecdsa_p256};
    CHECK(scene.at(day(1)).at == day(1));
    scene.spec.keys = {KeyType::ecdsa_p256};
    CHECK(scene.at(day(1)).reasons ==
          std::vector<std::string>{"key types changed: ecdsa-p256 instead of ecdsa-p256, rsa-2048"});
}

TEST_CASE("the certificate that needs it first decides when a version is renewed, urgent and over") {
    Scene scene = scene_with_two_keys(day(-20));
    CHECK(scene.at(day(1)).at == day(40));
    CHECK(emergency_point(*scene.newest) == day(55));
    CHECK(scene.newest->valid_until() == day(70));
    CHECK(scene.at(day(71)).health == Health::critical);
    scene.newest->further = {rsa_certificate(day(0), days(6))};
    CHECK(renewal_time(*scene.newest, "example.com", Duration::zero()) == day(3));
}

TEST_CASE("each certificate has renewal information of its own, and the earliest instant counts") {
    Scene scene = scene_with_two_keys();
    scene.newest->authority_key_id = "bb";
    scene.live = scene.newest;
    begin_ari(scene.state, *scene.newest, day(0));
    CHECK(next_ari_certificate(scene.state, *scene.newest, day(0))->fingerprint == scene.newest->fingerprint);
    AriState* first = ari_of(scene.state, *scene.newest, scene.newest->fingerprint);
    AriState* rsa = ari_of(scene.state, *scene.newest, "f-rsa");
    REQUIRE(first != nullptr);
    REQUIRE(rsa != nullptr);
    CHECK(ari_of(scene.state, *scene.newest, "other") == nullptr);
    record_ari_suggestion(*first, {day(50), day(51), "", hours(6)}, day(0), 0);
    CHECK(next_ari_certificate(scene.state, *scene.newest, day(0))->fingerprint == "f-rsa");
    record_ari_suggestion(*rsa, {day(20), day(21), "", hours(12)}, day(0), 0);
    CHECK(scene.at(day(1)).at == day(20));
    CHECK(next_ari_poll(scene.state, *scene.newest, day(0)) == day(0) + hours(6));
    forget_ari(scene.state);
    CHECK_FALSE(next_ari_poll(scene.state, *scene.newest, day(0)));

    begin_ari(scene.state, *scene.newest, day(0));
    Result<LineageState> read = lineage_state_from_json(to_json(scene.state));
    REQUIRE(read);
    CHECK(*read == scene.state);
}

TEST_CASE("the facts of further keys are read back as they were written, and impossible dates are not") {
    Scene scene = scene_with_two_keys();
    scene.newest->order_urls = {"https://ca.example/1", "https://ca.example/2"};
    scene.newest->key_created = day(-3);
    Result<VersionFacts> read = version_facts_from_json(to_json(*scene.newest));
    REQUIRE(read);
    CHECK(*read == *scene.newest);
    CHECK(read->key_types() == std::vector{KeyType::ecdsa_p256, KeyType::rsa_2048});
    scene.newest->further = {rsa_certificate(day(0), -days(1))};
    CHECK_FALSE(version_facts_from_json(to_json(*scene.newest)));
}
