// Renders explanations and compares them with what they must say.
#include "tests/flow/explain.hpp"

#include "ctl/render.hpp"
#include "daemon/app/operations.hpp"
#include "libacme/base/json.hpp"
#include "tests/support/catch.hpp"

namespace certd::test {

std::string explained(World& world, const std::string& name) {
    DaemonOperations operations(*world.engine, "", nullptr, nullptr);
    const api::Explanation view = value_or_fail(world.drive(operations.explain(name_of(name))));
    return ctl::render_explanation(ctl::Style{.local_time = false}, view, world.clock.now());
}

void check_explanations(const std::vector<SeededFault>& faults) {
    for (const SeededFault& fault : faults) {
        DYNAMIC_SECTION(fault.name) {
            World world;
            fault.happens(world);
            const std::string page = explained(world);
            INFO(page);
            for (const char* part : {"\nWhy\n  - ", "\nWhat happens next\n  - ", "  - Because: ", "\n  Cause ",
                                     "\n  Remedy ", "\n  Code "}) {
                INFO("Missing: " << part);
                CHECK(page.find(part) != std::string::npos);
            }
            for (const std::string& words : fault.says) {
                INFO("Missing: " << words);
                CHECK(page.find(words) != std::string::npos);
            }
            CHECK(world.ca.violations().empty());
        }
    }
}

void refuse_validations(FakeCa& ca, const std::string& type, const std::string& detail) {
    ca.knobs.validate = [](const Identifier&, const std::string&, const std::string&, const std::string&) {
        return false;
    };
    const std::string error =
        to_text(Json::object({{"type", "urn:ietf:params:acme:error:" + type}, {"detail", detail}}));
    ca.knobs.tamper = [error](RequestKind, HttpResponse& response) {
        const std::string mark = "\"error\":{";
        std::string rest = response.body;
        std::string changed;
        for (std::size_t at = rest.find(mark); at != std::string::npos; at = rest.find(mark)) {
            changed += rest.substr(0, at) + "\"error\":" + error;
            rest.erase(0, rest.find('}', at) + 1);
        }
        response.body = changed + rest;
    };
}

}  // namespace certd::test
