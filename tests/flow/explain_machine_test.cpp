// The machine that certd runs on is in the way: what an operator reads of it.
#include "tests/flow/explain.hpp"
#include "tests/support/catch.hpp"

using namespace certd;
using namespace certd::test;

namespace {

std::function<void(World&)> disk_fails(const std::string& code) {
    return [code](World& world) {
        world.start();
        world.run_for(days(1));
        world.files.plan({.fail_at = 0, .code = code, .lasting = true});
        (void)world.renew({true, false});
    };
}

}  // namespace

TEST_CASE("a disk that takes nothing is explained before an order is lost to it") {
    check_explanations({
        {"full disk", disk_fails("storage.full"), {"The file system or quota is full", "df -h, df -i"}},
        {"read-only disk",
         disk_fails("storage.readOnly"),
         {"The file system is mounted read-only", "`ReadWritePaths=` of its unit"}},
    });
}

TEST_CASE("a clock that cannot be right is explained by what it contradicts") {
    check_explanations({
        {"clock set back",
         [](World& world) {
             world.start();
             world.run_for(days(10));
             world.clock.jump_wall(-days(300));
             world.run_for(hours(1));
         },
         {"The clock cannot be right", "not valid before 2026-11-22T23:00:00Z", "The clock is looked at again in ",
          "timedatectl"}},
    });
}
