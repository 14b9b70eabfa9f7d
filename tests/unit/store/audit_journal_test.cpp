// The audit journal's files: rotation, retention, failures, and crashes at every operation.
#include "daemon/store/audit_journal.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/memory_appender.hpp"
#include "tests/support/memory_file_system.hpp"
#include "tests/support/temp_directory.hpp"

#include <algorithm>

#include <fmt/format.h>

using namespace certd;
using namespace certd::test;

namespace {

const Path directory = "/state/audit";
const Time start = Time{} + days(20'000);

Json record(const std::string& message, Time at = start) {
    return Json::object(
        {{"at", to_json(std::optional(at))}, {"type", "renewal.issued"}, {"lineage", "shop"}, {"message", message}});
}

std::vector<std::string> messages(FileSystem& files) {
    std::vector<std::string> texts;
    const std::vector<Json> lines = audit_history(files, directory, "shop", 1000).value();
    for (const Json& line : lines)
        texts.push_back(line.string_or("message"));
    return texts;
}

std::string finding_in(FileSystem& files) {
    AuditReport report = verify_audit(files, directory).value();
    if (report.holds()) return "";
    const AuditFinding& first = report.findings.front();
    return fmt::format("{}:{} {}", first.file, first.line, first.what);
}

struct Bed {
    MemoryFileSystem files;
    MemoryAppender appender{files};
    std::optional<AuditJournal> journal;
    AuditLimits limits;

    Bed() {
        REQUIRE(make_directories(files, "/state"));
        restart();
    }
    void restart() { journal.emplace(files, appender, directory); }
    void append(const std::string& message, Time at = start) {
        REQUIRE(journal->append({record(message, at)}, limits, at));
    }
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("what was appended is there after a restart, in order, in one chain") {
    Bed bed;
    bed.append("one");
    bed.append("two");
    bed.restart();
    bed.append("three");
    CHECK(messages(bed.files) == Texts{"one", "two", "three"});
    CHECK(finding_in(bed.files).empty());
    CHECK(bed.files.list(directory).value() == Texts{"000001.jsonl"});
    CHECK(bed.files.inspect(directory / "000001.jsonl")->mode == 0600);
    CHECK(bed.files.inspect(directory)->mode == 0700);
}

TEST_CASE("the chain goes on over files that were begun because the one before was full or old") {
    Bed bed;
    bed.limits.max_size = 1;
    bed.append("one");
    bed.append("two");
    bed.limits.max_size = 1'000'000;
    bed.append("three", start + days(49));
    bed.append("four", start + days(51));
    CHECK(bed.files.list(directory).value() == Texts{"000001.jsonl", "000002.jsonl", "000003.jsonl"});
    CHECK(messages(bed.files) == Texts{"one", "two", "three", "four"});
    CHECK(finding_in(bed.files).empty());
}

TEST_CASE("files older than the retention go, and the rest still holds") {
    Bed bed;
    bed.append("one");
    bed.append("two", start + days(60));
    bed.append("three", start + days(402));
    CHECK(bed.files.list(directory).value() == Texts{"000002.jsonl", "000003.jsonl"});
    CHECK(messages(bed.files) == Texts{"two", "three"});
    CHECK(finding_in(bed.files).empty());
    REQUIRE(bed.files.change(change::Remove{directory / "000002.jsonl"}));
    CHECK_THAT(finding_in(bed.files), Catch::Matchers::StartsWith("000003.jsonl:1 begins with the number"));
}

TEST_CASE("a torn last line is set aside and told, and the chain goes on") {
    Bed bed;
    bed.append("one");
    std::string text = bed.files.read(directory / "000001.jsonl", 10'000).value();
    bed.files.overwrite(directory / "000001.jsonl", text + "{\"sequence\":3,");
    bed.restart();
    bed.append("two");
    CHECK(bed.journal->take_notes() ==
          Texts{"The last line of 000001.jsonl of the audit journal was cut off after 14 octets, which are kept in "
                "000001.jsonl.torn-14"});
    CHECK(bed.files.read(directory / "000001.jsonl.torn-14", 100).value() == "{\"sequence\":3,");
    CHECK(messages(bed.files) == Texts{"one", "two"});
    CHECK(finding_in(bed.files).empty());
}

TEST_CASE("a line that was cut off is told in the journal, too, at whichever operation the first try failed") {
    bool finished = false;
    for (std::size_t operation = 0; !finished; ++operation) {
        INFO("failure at operation " << operation);
        Bed bed;
        bed.append("one");
        const Path file = directory / "000001.jsonl";
        bed.files.overwrite(file, bed.files.read(file, 10'000).value() + "{\"sequence\":3,");
        bed.restart();
        bed.files.plan({.fail_at = operation});
        finished = true;
        while (!bed.journal->append({record("two")}, bed.limits, start))
            finished = false;
        bed.files.plan({});
        const std::string text = bed.files.read(file, 10'000).value();
        CHECK_THAT(text, Catch::Matchers::Contains(R"("type":"journal.damaged","message":"The last line of 000001.)"));
        CHECK(finding_in(bed.files).empty());
    }
}

TEST_CASE("a file that was tampered with is left as it is, told, and not appended to") {
    Bed bed;
    bed.append("one");
    bed.append("two");
    std::string text = bed.files.read(directory / "000001.jsonl", 10'000).value();
    text[text.find("one")] = 'O';
    bed.files.overwrite(directory / "000001.jsonl", text);
    bed.restart();
    bed.append("three");
    CHECK(bed.journal->take_notes() ==
          Texts{"000001.jsonl of the audit journal is damaged at line 2 and is left as it is"});
    CHECK(bed.files.read(directory / "000001.jsonl", 10'000).value() == text);
    CHECK_THAT(finding_in(bed.files), Catch::Matchers::StartsWith("000001.jsonl:2 (number 2) does not have the hash"));
    CHECK(verify_audit(bed.files, directory)->findings.size() == 1);
}

TEST_CASE("a batch that fails is written once when it comes again, at whichever operation it failed") {
    bool finished = false;
    for (std::size_t operation = 0; !finished; ++operation) {
        for (bool torn : {false, true}) {
            INFO("failure at operation " << operation << (torn ? ", torn" : ""));
            Bed bed;
            bed.append("old", start - days(400));
            bed.append("one", start - hours(1));
            bed.restart();
            bed.limits.max_size = 1;  // a file is begun and an old one removed as well
            bed.files.plan({.fail_at = operation});
            bed.appender.tear_at = torn ? operation : FaultPlan::never;
            std::vector<Json> batch{record("two"), record("three")};
            finished = true;
            while (!bed.journal->append(batch, bed.limits, start + hours(1))) {
                finished = false;
                bed.appender.tear_at = FaultPlan::never;
            }
            bed.files.plan({});
            Texts found = messages(bed.files);
            if (found.front() == "old") found.erase(found.begin());  // its file goes on the next day
            CHECK(found == Texts{"one", "two", "three"});
            CHECK(finding_in(bed.files).empty());
        }
    }
}

TEST_CASE("at whichever operation the process or the power fails, the chain holds and what was reported is there") {
    bool finished = false;
    for (std::size_t operation = 0; !finished; ++operation) {
        INFO("crash at operation " << operation);
        Bed bed;
        bed.limits.max_size = 600;
        bed.files.plan({.crash_at = operation});
        bed.appender.tear_at = operation;
        Texts reported;
        try {
            for (int i = 0; i < 6; ++i) {
                Time now = start + days(100 * i);
                if (!bed.journal->append({record(fmt::format("m{}", i), now)}, bed.limits, now)) break;
                reported.push_back(fmt::format("m{}", i));
            }
            finished = true;
        } catch (const SimulatedCrash&) {}
        bed.files.plan({});
        bed.files.each_power_loss(16, [&](MemoryFileSystem& files) {
            CHECK(finding_in(files).empty());
            MemoryAppender appender(files);
            AuditJournal journal(files, appender, directory);
            Time now = start + days(100 * static_cast<int>(reported.size()));
            REQUIRE(journal.append({record("last", now)}, AuditLimits{}, now));
            CHECK(finding_in(files).empty());
            Texts found = messages(files);
            REQUIRE(found.back() == "last");
            found.pop_back();
            // What was being written when the crash came is there or not.
            if (!found.empty() && found.back() == fmt::format("m{}", reported.size())) found.pop_back();
            REQUIRE(found.size() <= reported.size());
            CHECK(found.size() >= std::min<std::size_t>(reported.size(), 4));  // of the last 400 days
            CHECK(std::equal(found.rbegin(), found.rend(), reported.rbegin()));
        });
    }
}

TEST_CASE("the real appender adds to a file that exists, and to nothing else") {
    TempDirectory temp;
    RealFileSystem files;
    RealAppender appender;
    Path path = temp.path() / "journal";
    CHECK(appender.append(path, "a").error().code == "storage.missing");
    REQUIRE(files.create(path, "a\n", {}));
    REQUIRE(appender.append(path, "b\n"));
    CHECK(files.read(path, 100).value() == "a\nb\n");
    REQUIRE(files.change(change::Symlink{"journal", temp.path() / "link"}));
    CHECK(appender.append(temp.path() / "link", "c").error().code == "storage.symlink");
}
