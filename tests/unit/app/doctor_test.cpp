// The doctor over the real engine: a CA and a disk in memory, a name server on loopback.
#include "daemon/app/doctor.hpp"

#include "tests/support/engine_bed.hpp"

#include <algorithm>

using namespace certd;
using namespace certd::test;
using dns::Type;

namespace {

Doctor doctor_of(EngineBed& bed, DoctorLimits limits = {}) {
    return Doctor({*bed.engine, "/etc/certd/certd.yaml", [&bed] { return Result<config::ConfigPtr>(bed.config); },
                   [] { return api::Notifications(); }, limits});
}

const api::DoctorGroup& group_of(const api::DoctorReport& report, const std::string& name) {
    auto found = std::ranges::find(report.groups, name, &api::DoctorGroup::group);
    REQUIRE(found != report.groups.end());
    return *found;
}

std::string of(const api::DoctorGroup& group, const std::string& check) {
    auto found = std::ranges::find(group.findings, check, &api::CheckFinding::check);
    return found == group.findings.end() ? "" : found->result + ": " + found->text;
}

const std::string lineage = "{ names: [a.example.org], challenge: { http-01: {} } }";

}  // namespace

TEST_CASE("the doctor goes through every group, asks each CA once and orders nothing") {
    EngineBed bed({record("example.org", Type::soa, "ns1.example.org"), record("a.example.org", Type::a, "127.0.0.1")});
    bed.start(lineage);
    Doctor doctor = doctor_of(bed);
    CHECK_FALSE(doctor.last());
    const api::DoctorReport report = bed.drive(doctor.examine());
    CHECK(of(group_of(report, "service"), "config") == "ok: /etc/certd/certd.yaml can be loaded");
    CHECK(of(group_of(report, "state"), "store.permissions").starts_with("ok: "));
    CHECK(of(group_of(report, "cas"), "ca.main.reachable") == "ok: https://ca.test/dir answers");
    CHECK(of(group_of(report, "monitoring"), "monitoring").starts_with("warning: "));
    CHECK(of(group_of(report, "notification"), "notification").starts_with("warning: "));
    const api::DoctorGroup& shop = group_of(report, "lineage");
    CHECK(shop.lineage == "shop");
    CHECK(of(shop, "slack").starts_with("warning: There is no certificate yet"));
    CHECK(of(shop, "ca.main.caa").starts_with("ok: "));
    CHECK(of(shop, "reach.http-01").starts_with("ok: "));
    CHECK(of(shop, "ca.main.reachable").empty());
    CHECK(bed.ca.orders() == 0);
    REQUIRE(doctor.last());
    CHECK(doctor.last()->groups.size() == report.groups.size());
}

TEST_CASE("a lineage that cannot be looked at in time says so, begun or not") {
    EngineBed bed({record("example.org", Type::soa, "ns1.example.org")});
    bed.silent = true;
    bed.start(lineage);
    Doctor hurried = doctor_of(bed, {.each = milliseconds(500)});
    CHECK(of(group_of(bed.drive(hurried.examine()), "lineage"), "unseen")
              .starts_with("warning: Not everything could be looked at within 0.5s"));
    Doctor late = doctor_of(bed, {.all = Duration::zero()});
    CHECK(of(group_of(bed.drive(late.examine()), "lineage"), "unseen").starts_with("warning: It was not looked at: "));
}

TEST_CASE("a key in the state directory that others may read is found wherever it lies") {
    EngineBed bed({record("example.org", Type::soa, "ns1.example.org")});
    bed.silent = true;
    bed.start(lineage);
    const std::string key = "/state/lineages/shop/versions/0001/privkey.pem";
    REQUIRE(make_directories(bed.files, Path(key).parent_path()));
    REQUIRE(bed.files.create(key, "key", {.mode = 0644}));
    Doctor doctor = doctor_of(bed, {.all = Duration::zero()});
    const std::string found = of(group_of(bed.drive(doctor.examine()), "state"), "store.permissions");
    CHECK(found.starts_with("blocked: "));
    CHECK(found.find("versions/0001/privkey.pem can be read or changed by others (mode 0644)") != std::string::npos);
}
