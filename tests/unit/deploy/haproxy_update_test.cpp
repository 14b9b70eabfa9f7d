// What is asked of haproxy next, answer by answer.
#include "daemon/deploy/haproxy_update.hpp"

#include "tests/support/catch.hpp"

using namespace certd;

namespace {

const std::string path = "/certs/shop.pem";
const std::string sha1 = "b4dcfb249012e0746758c39e0a2146f1ef0a1262";

HaproxyUpdate update() {
    return HaproxyUpdate({path, "PEM\n", "32", sha1});
}

const std::string nothing_open = "# filename\n/certs/other.pem\n" + path + "\n\n";
const std::string ours_open = "# transaction\n*" + path + "\n" + nothing_open;
const std::string other_open = "# transaction\n*/certs/other.pem\n" + nothing_open;
const std::string created = "Transaction created for certificate " + path + "!\n\n";
const std::string updated = "Transaction updated for certificate " + path + "!\n\n";
const std::string committed = "Committing " + path + ".\nSuccess!\n\n";
const std::string gone = "No ongoing transaction! !\nCan't commit " + path + "!\n\n";
const std::string aborted = "Transaction aborted for certificate '" + path + "'!\n\n";

std::string shown(const std::string& name, const std::string& serial = "32") {
    return "Filename: " + name + "\nSerial: " + serial + "\nSHA1 FingerPrint: " + sha1 + "\n\n";
}

void answer(HaproxyUpdate& update, std::initializer_list<std::string> answers) {
    for (const auto& text : answers) {
        if (update.next() == HaproxyStep::pause) update.paused();
        update.answered(text);
    }
}

std::string code(const HaproxyUpdate& update) {
    return update.problem() ? update.problem()->code : "";
}

}  // namespace

TEST_CASE("a certificate is set, committed and seen, each by a command of its own") {
    HaproxyUpdate it = update();
    CHECK(it.command() == "show ssl cert\n");
    it.answered(nothing_open);
    CHECK(it.command() == "set ssl cert " + path + " <<\nPEM\n\n");
    it.answered(created);
    CHECK(it.command() == "commit ssl cert " + path + "\n");
    it.answered(committed);
    CHECK(it.command() == "show ssl cert " + path + "\n");
    it.answered(shown(path));
    CHECK(it.next() == HaproxyStep::done);
    CHECK(code(it).empty());
}

TEST_CASE("a path that haproxy does not know is not set") {
    HaproxyUpdate it = update();
    answer(it, {"# filename\n/certs/other.pem\n\n"});
    CHECK(it.next() == HaproxyStep::done);
    REQUIRE(it.problem());
    CHECK(it.problem()->code == "haproxy.unknown");
    CHECK(it.problem()->what == "haproxy has no certificate " + path);
}

TEST_CASE("the transaction of another program is waited for, then left alone") {
    HaproxyUpdate it = update();
    answer(it, {other_open, other_open, nothing_open});
    CHECK(it.next() == HaproxyStep::set);
    HaproxyUpdate never = update();
    for (std::size_t i = 0; i < HaproxyUpdate::busy_pauses; ++i)
        answer(never, {other_open});
    CHECK(never.next() == HaproxyStep::pause);
    answer(never, {other_open});
    CHECK(never.next() == HaproxyStep::done);
    REQUIRE(never.problem());
    CHECK(never.problem()->code == "haproxy.busy");
    CHECK(never.problem()->what == "Another program has a transaction for /certs/other.pem open in haproxy");
}

TEST_CASE("a transaction for the file that holds the certificate already is one of ours, and goes on") {
    HaproxyUpdate it = update();
    answer(it, {ours_open});
    CHECK(it.command() == "show ssl cert *" + path + "\n");
    answer(it, {shown("*" + path)});
    CHECK(it.next() == HaproxyStep::set);
    answer(it, {updated});
    CHECK(it.next() == HaproxyStep::commit);
    HaproxyUpdate foreign = update();
    answer(foreign, {ours_open, shown("*" + path, "33")});
    CHECK(foreign.next() == HaproxyStep::pause);
}

TEST_CASE("what was given to the transaction of another program is dropped with it") {
    HaproxyUpdate it = update();
    answer(it, {nothing_open, "Transaction updated for certificate /certs/other.pem!\n\n"});
    CHECK(it.command() == "abort ssl cert /certs/other.pem\n");
    answer(it, {"Transaction aborted for certificate '/certs/other.pem'!\n\n"});
    CHECK(it.next() == HaproxyStep::done);
    CHECK(code(it) == "haproxy.busy");
    // Also when it is for the same file, and never by a word that would be another command.
    HaproxyUpdate same = update();
    answer(same, {nothing_open, updated});
    CHECK(same.command() == "abort ssl cert " + path + "\n");
    HaproxyUpdate hostile = update();
    answer(hostile, {nothing_open, "Transaction updated for certificate /a;quit!\n\n"});
    CHECK(hostile.command() == "abort ssl cert " + path + "\n");
}

TEST_CASE("a transaction that a reload has dropped is begun again, but not for ever") {
    HaproxyUpdate it = update();
    answer(it, {nothing_open, created, gone});
    CHECK(it.next() == HaproxyStep::pause);
    answer(it, {nothing_open, created, committed, shown(path)});
    CHECK(it.next() == HaproxyStep::done);
    CHECK(code(it).empty());
    HaproxyUpdate never = update();
    for (std::size_t i = 0; i < HaproxyUpdate::attempts; ++i)
        answer(never, {nothing_open, created, gone});
    CHECK(never.next() == HaproxyStep::done);
    CHECK(code(never) == "haproxy.notTaken");
}

TEST_CASE("a commit counts only when haproxy then shows the certificate") {
    HaproxyUpdate it = update();
    for (std::size_t i = 0; i < HaproxyUpdate::attempts; ++i)
        answer(it, {nothing_open, created, committed, shown(path, "31")});
    CHECK(it.next() == HaproxyStep::done);
    REQUIRE(it.problem());
    CHECK(it.problem()->code == "haproxy.notTaken");
    CHECK(it.problem()->what == "haproxy does not show the certificate committed for " + path);
}

TEST_CASE("after a refused commit the transaction is aborted") {
    HaproxyUpdate it = update();
    answer(it, {nothing_open, created, "inconsistencies\nCan't commit " + path + "!\n\n"});
    CHECK(it.command() == "abort ssl cert " + path + "\n");
    answer(it, {aborted});
    CHECK(it.next() == HaproxyStep::done);
    CHECK(code(it) == "haproxy.refused");
    CHECK(it.problem()->parts.empty());
}

TEST_CASE("an abort that fails is told with the failure it followed") {
    HaproxyUpdate it = update();
    answer(it, {nothing_open, created, "Failed!\n\n", "no\n\n"});
    CHECK(it.next() == HaproxyStep::done);
    CHECK(code(it) == "haproxy.refused");
    REQUIRE(it.problem()->parts.size() == 1);
    CHECK(it.problem()->parts[0].what == "The transaction in haproxy could not be aborted");
}

TEST_CASE("no abort follows where no transaction was opened") {
    for (const char* refusal : {"Permission denied\n\n", "Can't update /certs/shop.pem!\n\n", ""}) {
        HaproxyUpdate it = update();
        answer(it, {nothing_open, refusal});
        CHECK(it.next() == HaproxyStep::done);
        CHECK_FALSE(code(it).empty());
    }
    HaproxyUpdate unclear = update();
    answer(unclear, {nothing_open, "what?\n\n"});
    CHECK(unclear.next() == HaproxyStep::abort);
}

TEST_CASE("a question without an answer ends it, and is followed by an abort where one may be needed") {
    const Problem late = problem("net.timeout", "/run/h.sock did not answer within 10s");
    HaproxyUpdate listing = update();
    listing.not_answered(late);
    CHECK(listing.next() == HaproxyStep::done);
    CHECK(code(listing) == "haproxy.unreachable");
    CHECK(listing.problem()->what == late.what);
    HaproxyUpdate setting = update();
    answer(setting, {nothing_open});
    setting.not_answered(late);
    CHECK(setting.next() == HaproxyStep::abort);
    setting.not_answered(late);
    CHECK(setting.next() == HaproxyStep::done);
    CHECK(code(setting) == "haproxy.unreachable");
    HaproxyUpdate committing = update();
    answer(committing, {nothing_open, created});
    committing.not_answered(late);
    CHECK(committing.next() == HaproxyStep::abort);
    // A connection that is closed under a large command is how tune.bufsize shows.
    HaproxyUpdate large = update();
    answer(large, {nothing_open});
    large.not_answered(problem("net.closed", "The connection to /run/h.sock broke"));
    CHECK(large.next() == HaproxyStep::abort);
    CHECK(code(large) == "haproxy.tooLarge");
}

TEST_CASE("a cancelled update aborts what it may have opened, and nothing else") {
    HaproxyUpdate before = update();
    before.cancel();
    CHECK(before.next() == HaproxyStep::done);
    HaproxyUpdate setting = update();
    answer(setting, {nothing_open});
    setting.cancel();
    CHECK(setting.command() == "abort ssl cert " + path + "\n");
    HaproxyUpdate looking = update();
    answer(looking, {nothing_open, created, committed});
    looking.cancel();
    CHECK(looking.next() == HaproxyStep::done);
}
