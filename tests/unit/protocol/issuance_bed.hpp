// One client and one fake CA in virtual time, ready to issue.
#pragma once

#include "libacme/protocol/issue.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_ca.hpp"
#include "tests/support/recording_solver.hpp"
#include "tests/support/virtual_clock.hpp"

#include <boost/asio/io_context.hpp>

#include <memory>

namespace certd::test {

inline Identifier dns(std::string name) {
    return {Identifier::Type::dns, std::move(name)};
}

struct IssuanceBed {
    explicit IssuanceBed(FakeCaOptions options = {}) : ca(clock, std::move(options)) {
        request.names = {dns("example.com")};
        restart();
    }

    VirtualClock clock;
    asio::io_context io{1};
    FakeCa ca;
    Workers workers{0};
    RecordingSolver solver{clock};
    std::vector<acme::Solver*> solvers{&solver};
    std::vector<acme::OrderRecord> journal;
    std::vector<std::string> progress;
    std::vector<std::string> refused;  // ways of proof that led to nothing
    acme::IssueRequest request;
    std::string account_key = PrivateKey::generate(KeyType::ecdsa_p256).pem();
    std::unique_ptr<acme::Session> session;
    Duration round_trip{};

    PrivateKey key() const { return value_or_fail(PrivateKey::from_pem(account_key)); }

    acme::SessionOptions session_options() {
        acme::SessionOptions options;
        options.ca = "fake";
        options.directory = ca.directory_url();
        options.user_agent = "certd/test";
        options.round_trip = [this] { return round_trip; };
        return options;
    }

    // A session without an account, as at the first start.
    void open_session() { session = std::make_unique<acme::Session>(session_options(), ca, clock); }

    // A session with the account, as after a restart; what that took is not in the log.
    void restart() {
        open_session();
        auto tamper = std::exchange(ca.knobs.tamper, nullptr);
        auto intercept = std::exchange(ca.knobs.intercept, nullptr);
        bool unavailable = std::exchange(ca.knobs.unavailable, false);
        acme::Session::AccountRequest asked;
        asked.agree_terms = true;
        PrivateKey signing = key();
        acme::Account account = test::run(io, clock, session->find_or_create_account(signing, asked));
        session->use_account(key(), account);
        ca.knobs.tamper = tamper;
        ca.knobs.intercept = intercept;
        ca.knobs.unavailable = unavailable;
        ca.clear_log();
    }

    acme::IssueHooks hooks() {
        acme::IssueHooks hooks;
        hooks.journal = [this](acme::OrderRecord record) -> Task<> {
            journal.push_back(std::move(record));
            co_return;
        };
        hooks.solvers = [this](const Identifier&, bool) { return solvers; };
        hooks.refused = [this](const std::string& type) { refused.push_back(type); };
        hooks.progress = [this](acme::IssueStep step, std::string detail) {
            progress.push_back(std::string(to_string(step)) + ": " + detail);
        };
        return hooks;
    }

    Result<acme::Issued> issue(std::optional<acme::OrderRecord> resume = {}) {
        return test::run(io, clock, acme::issue(*session, workers, request, std::move(resume), hooks()));
    }

    bool progress_mentions(std::string_view text) const {
        for (const std::string& line : progress) {
            if (line.find(text) != std::string::npos) return true;
        }
        return false;
    }

    // What must hold after whatever happened.
    void check_nothing_left() const {
        CHECK(solver.presented.empty());
        CHECK(solver.count("clean_up") == solver.count("present"));
        CHECK(ca.violations().empty());
        CHECK(clock.sleepers() == 0);
    }
};

// Replaces the first occurrence of a text in answers of one kind.
inline auto replacing(acme::RequestKind kind, std::string from, std::string to) {
    return [=](acme::RequestKind seen, HttpResponse& response) {
        if (seen != kind) return;
        if (auto at = response.body.find(from); at != std::string::npos) response.body.replace(at, from.size(), to);
    };
}

}  // namespace certd::test
