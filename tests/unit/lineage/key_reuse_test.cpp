// For how long keys are used again.
#include "daemon/lineage/key_reuse.hpp"
#include "tests/support/catch.hpp"

using namespace certd;

namespace {

const Time made = *parse_rfc3339("2026-01-01T00:00:00Z");

config::Lineage with_age(std::optional<Duration> age) {
    config::Lineage spec;
    spec.key_max_age = age;
    return spec;
}

}  // namespace

TEST_CASE("a key is used again only where the lineage says so, and only until it is so old") {
    CHECK_FALSE(may_use_key_again(with_age({}), made, made));
    config::Lineage spec = with_age(days(90));
    CHECK(may_use_key_again(spec, made, made));
    CHECK(may_use_key_again(spec, made, made + days(90) - seconds(1)));
    CHECK_FALSE(may_use_key_again(spec, made, made + days(90)));
    CHECK(key_used_until(spec, made) == made + days(90));
    CHECK_FALSE(key_used_until(with_age({}), made));
}

TEST_CASE("a key whose age is not known is not used again, nor one that a clock set back makes younger than new") {
    CHECK_FALSE(may_use_key_again(with_age(days(90)), std::nullopt, made));
    CHECK_FALSE(key_used_until(with_age(days(90)), std::nullopt));
    CHECK_FALSE(may_use_key_again(with_age(days(90)), made + hours(1), made));
}
