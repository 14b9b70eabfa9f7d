// The same issuance again and again, each time with another exchange failing or the wait cancelled at another point.
#include "libacme/base/catalog.hpp"
#include "tests/unit/protocol/issuance_bed.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

using namespace certd;
using namespace certd::test;
using acme::RequestKind;

namespace {

FakeCaOptions slow() {
    FakeCaOptions options;
    options.latency = milliseconds(10);
    return options;
}

void prepare(IssuanceBed& bed) {
    bed.request.names = {dns("a.example.com"), dns("b.example.com")};
    bed.ca.knobs.validation_polls = 1;
    bed.ca.knobs.issuance_polls = 1;
    bed.ca.knobs.alternates = 1;
    bed.solver.delay = milliseconds(3);
}

// After any interruption: nothing left behind, and the last record leads to a certificate with its key.
void check_goes_on(IssuanceBed& bed) {
    bed.check_nothing_left();
    bed.ca.knobs.intercept = nullptr;
    bed.restart();
    std::optional<acme::OrderRecord> record;
    if (!bed.journal.empty()) record = bed.journal.back();
    auto resumed = bed.issue(record);
    REQUIRE(resumed);
    if (record) CHECK(resumed->key_pem == record->key_pem);
    if (record && !record->order_url.empty()) CHECK(resumed->order_url == record->order_url);
    CHECK(bed.ca.accounts() == 1);
    CHECK(bed.ca.orders() <= 2);
    bed.check_nothing_left();
}

}  // namespace

TEST_CASE("every exchange failing once ends in a certificate or a typed problem, and the next attempt goes on") {
    std::string how = GENERATE(as<std::string>{}, "500", "429", "html", "lost", "refused");
    bool fired = true;
    for (std::size_t n = 1; fired; ++n) {
        IssuanceBed bed;
        prepare(bed);
        // Directory and nonce are among the exchanges that fail.
        acme::Account account = bed.session->account();
        bed.open_session();
        bed.session->use_account(bed.key(), account);
        fired = false;
        bed.ca.knobs.intercept = [&](std::size_t number, RequestKind) -> std::optional<Fault> {
            if (number != n) return std::nullopt;
            fired = true;
            if (how == "lost") return Fault{Fault::Kind::lose, {}};
            if (how == "refused") return Fault{Fault::Kind::refuse, {}};
            HttpResponse response =
                problem_answer(how == "429" ? 429 : 500, how == "429" ? "rateLimited" : "serverInternal", "sorry");
            if (how == "html") {
                response = {};
                response.status = 502;
                response.body = "<html>Bad gateway</html>";
            }
            return Fault{Fault::Kind::respond, response};
        };
        auto issued = bed.issue();
        INFO(how << " at exchange " << n);
        if (issued) {
            bed.check_nothing_left();
            CHECK(bed.ca.orders() <= 2);
            continue;
        }
        INFO(describe(issued.error()));
        CHECK(find_catalog(issued.error().code) != nullptr);
        CHECK(issued.error().code != "internal.unexpected");
        check_goes_on(bed);
    }
}

TEST_CASE("an issuance cancelled at any point cleans up and can be resumed") {
    bool done_before = false;
    for (int n = 0; !done_before; ++n) {
        IssuanceBed bed(slow());
        prepare(bed);
        asio::cancellation_signal signal;
        bool done = false;
        std::exception_ptr error;
        bool succeeded = false;
        asio::co_spawn(
            bed.io, acme::issue(*bed.session, bed.workers, bed.request, std::nullopt, bed.hooks()),
            asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr failed, Result<acme::Issued> issued) {
                error = failed;
                succeeded = !failed && issued.has_value();
                done = true;
            }));
        for (int step = 0; !done; ++step) {
            bed.clock.run_until_idle(bed.io);
            if (done) break;
            if (step == n) {
                signal.emit(asio::cancellation_type::all);
                continue;
            }
            REQUIRE(bed.clock.advance_to_next_timer());
        }
        INFO("cancelled at step " << n);
        if (succeeded) {
            bed.check_nothing_left();
            done_before = true;
            continue;
        }
        REQUIRE(error);
        CHECK_THROWS_AS(std::rethrow_exception(error), boost::system::system_error);
        CHECK(problem_of(error).code == "control.cancelled");
        check_goes_on(bed);
    }
}

TEST_CASE("a hundred issuances in virtual time, with every tenth nonce refused") {
    FakeCaOptions options;
    options.seed = 11;
    IssuanceBed bed(options);
    bed.ca.knobs.nonce_rejections_percent = 10;
    bed.ca.knobs.reuse_percent = 50;
    for (int i = 0; i < 100; ++i) {
        bed.request.names = {dns("n" + std::to_string(i % 10) + ".example.com")};
        REQUIRE(bed.issue());
    }
    CHECK(bed.ca.certificates() == 100);
    bed.check_nothing_left();
}
