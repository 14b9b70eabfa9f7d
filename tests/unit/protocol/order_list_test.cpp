// The list of an account's orders (acme-facts B11): pages that lead nowhere, in circles or away.
#include "libacme/protocol/order_list.hpp"

#include "tests/unit/protocol/issuance_bed.hpp"

using namespace certd;
using namespace certd::test;
using acme::RequestKind;

namespace {

struct ListBed : IssuanceBed {
    acme::OrderList list() { return test::run(io, clock, acme::list_orders(*session)); }
    std::string code_of_list() {
        try {
            (void)list();
        } catch (const Failure& failure) {
            return failure.problem().code;
        }
        return "none";
    }
    void place(int count) {
        for (int i = 0; i < count; ++i)
            REQUIRE(issue());
        ca.clear_log();
    }
};

}  // namespace

TEST_CASE("the pages of the list are read to the end") {
    ListBed bed;
    bed.ca.knobs.lists_orders = true;
    bed.place(7);
    acme::OrderList list = bed.list();
    CHECK(list.offered);
    CHECK(list.complete);
    CHECK(list.urls.size() == 7);
    CHECK(list.urls.front() == "https://ca.test/order/0");
    CHECK(bed.ca.count(RequestKind::account) == 1 + 3);
    bed.check_nothing_left();
}

TEST_CASE("a CA without the list is no failure") {
    ListBed bed;
    bed.place(1);
    acme::OrderList list = bed.list();
    CHECK_FALSE(list.offered);
    CHECK(list.urls.empty());
    CHECK(bed.ca.count(RequestKind::account) == 1);
}

TEST_CASE("pages in circles and pages without end cost a bounded number of requests") {
    ListBed bed;
    bed.ca.knobs.lists_orders = true;
    bed.place(1);
    SECTION("a page that leads to itself") {
        bed.ca.knobs.orders_run_in_circles = true;
        CHECK_FALSE(bed.list().complete);
        CHECK(bed.ca.count(RequestKind::account) == 2);
    }
    SECTION("always another one") {
        int page = 0;
        bed.ca.knobs.tamper = [&](RequestKind kind, HttpResponse& response) {
            if (kind != RequestKind::account) return;
            ++page;
            response.headers.add("Link", "<https://ca.test/orders/" + std::to_string(page) + ">;rel=\"next\"");
        };
        CHECK_FALSE(bed.list().complete);
        CHECK(bed.ca.count(RequestKind::account) == 1 + 20);
    }
}

TEST_CASE("orders and pages elsewhere are not followed, and garbage is a problem") {
    ListBed bed;
    bed.ca.knobs.lists_orders = true;
    bed.place(1);
    SECTION("the list itself") {
        bed.ca.knobs.tamper = replacing(RequestKind::account, "https://ca.test/orders/0", "http://169.254.169.254/x");
        CHECK(bed.code_of_list() == "acme.badUrl");
    }
    SECTION("an order") {
        bed.ca.knobs.tamper = replacing(RequestKind::account, "https://ca.test/order/0", "https://evil.test/order/0");
        acme::OrderList list = bed.list();
        CHECK(list.urls.empty());
        CHECK_FALSE(list.complete);
    }
    SECTION("the next page") {
        bed.ca.knobs.tamper = [](RequestKind kind, HttpResponse& response) {
            if (kind == RequestKind::account) response.headers.add("Link", "<https://evil.test/2>;rel=\"next\"");
        };
        CHECK(bed.code_of_list() == "acme.badUrl");
    }
    SECTION("a page that is no object") {
        bed.ca.knobs.tamper = [](RequestKind kind, HttpResponse& response) {
            if (kind == RequestKind::account && response.body.find("status") == std::string::npos) response.body = "[";
        };
        CHECK(bed.code_of_list() == "acme.badResponse");
    }
    for (const FakeCa::Exchange& exchange : bed.ca.log())
        CHECK(exchange.url.starts_with("https://ca.test/"));
}
