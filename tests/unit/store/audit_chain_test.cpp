// The chain of the audit journal under tampering of every kind.
#include "daemon/store/audit_chain.hpp"
#include "tests/support/catch.hpp"

#include <fmt/format.h>

using namespace certd;

namespace {

Time at(int minute) {
    return Time{} + hours(24 * 365 * 50) + minutes(minute);
}

Json record(int number) {
    return Json::object(
        {{"at", to_json(std::optional(at(number)))}, {"type", "test"}, {"message", fmt::format("m{}", number)}});
}

// Two files: the first with lines 1 to 6, the second with 7 to 10; each begins with its own line.
struct Sample {
    std::vector<std::string> first, second;
    AuditHead head;
    Sample() {
        first.push_back(audit_line(head, audit_file_record(head, at(0))));
        for (int i = 0; i < 5; ++i)
            first.push_back(audit_line(head, record(i)));
        second.push_back(audit_line(head, audit_file_record(head, at(9))));
        for (int i = 10; i < 13; ++i)
            second.push_back(audit_line(head, record(i)));
    }
};

std::string text_of(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines)
        text += line;
    return text;
}

AuditReport walk(const std::string& first, const std::string& second) {
    AuditWalk walk;
    walk.file("000001.jsonl", first);
    walk.file("000002.jsonl", second);
    return std::move(walk).finish();
}
AuditReport walk(const Sample& sample) {
    return walk(text_of(sample.first), text_of(sample.second));
}

// "000001.jsonl:3 was …", one each.
std::vector<std::string> places(const AuditReport& report) {
    std::vector<std::string> texts;
    for (const AuditFinding& finding : report.findings)
        texts.push_back(fmt::format("{}:{} {}", finding.file, finding.line, finding.what));
    return texts;
}

void check_first(const AuditReport& report, const std::string& beginning) {
    REQUIRE_FALSE(report.holds());
    CHECK_THAT(places(report).front(), Catch::Matchers::StartsWith(beginning));
}

}  // namespace

TEST_CASE("an untouched journal holds over two files, and its end is known") {
    Sample sample;
    AuditReport report = walk(sample);
    CHECK(places(report).empty());
    CHECK(report.files == 2);
    CHECK(report.lines == 10);
    CHECK(report.first == 1);
    CHECK(report.head == sample.head);
    CHECK(report.since == at(0));
    CHECK(report.until == at(12));
}

TEST_CASE("each single changed octet is found in its line, or in the one after it when only the hash was changed") {
    Sample sample;
    for (std::size_t line = 0; line < sample.first.size(); ++line) {
        for (std::size_t octet = 0; octet + 1 < sample.first[line].size(); ++octet) {
            Sample bad;
            bad.first[line][octet] = static_cast<char>(bad.first[line][octet] ^ 1);
            AuditReport report = walk(bad);
            INFO("line " << line + 1 << ", octet " << octet);
            REQUIRE_FALSE(report.holds());
            REQUIRE(report.findings.front().file == "000001.jsonl");
            REQUIRE(report.findings.front().line == line + 1);
        }
    }
}

TEST_CASE("an edited line whose hash was made to fit is found where the next one does not follow on it") {
    Sample sample;
    AuditHead before;
    for (int i = 0; i < 3; ++i)
        before = {before.sequence + 1, sample.first[static_cast<std::size_t>(i)].substr(
                                           sample.first[static_cast<std::size_t>(i)].size() - 67, 64)};
    sample.first[3] = audit_line(before, record(77));
    AuditReport report = walk(sample);
    check_first(report, "000001.jsonl:5 (number 5) does not have the hash of its content behind the line before");
    CHECK(report.findings.size() == 1);
}

TEST_CASE("removed lines are found, with their numbers, also at the seam between files") {
    Sample one, three, seam, file;
    one.first.erase(one.first.begin() + 2);
    check_first(walk(one), "000001.jsonl:3 comes where line number 3 is missing");
    three.first.erase(three.first.begin() + 1, three.first.begin() + 4);
    check_first(walk(three), "000001.jsonl:2 comes where lines number 2 to 4 are missing");
    seam.first.pop_back();
    check_first(walk(seam), "000002.jsonl:1 comes where line number 6 is missing");
    check_first(walk("", text_of(file.second)), "000002.jsonl:1 begins with the number 7");
}

TEST_CASE("inserted, repeated and reordered lines are found") {
    Sample repeated, reordered, inserted;
    repeated.first.insert(repeated.first.begin() + 3, repeated.first[2]);
    check_first(walk(repeated), "000001.jsonl:4 has the number 3 where 4 is due: it was inserted or moved");
    std::swap(reordered.first[2], reordered.first[3]);
    check_first(walk(reordered), "000001.jsonl:3 comes where line number 3 is missing");
    inserted.first.insert(inserted.first.begin() + 3, "{}\n");
    check_first(walk(inserted), "000001.jsonl:4 is not a line of the journal any more");
}

TEST_CASE("files in the wrong order do not hold") {
    Sample sample;
    CHECK_FALSE(walk(text_of(sample.second), text_of(sample.first)).holds());
}

TEST_CASE("a last line without an end is told apart from tampering, but not in a file that is not the last") {
    Sample sample;
    std::string second = text_of(sample.second), first = text_of(sample.first);
    AuditReport torn = walk(first, second.substr(0, second.size() - 5));
    CHECK(torn.holds());
    CHECK(torn.unfinished == "000002.jsonl");
    check_first(walk(first.substr(0, first.size() - 5), second), "000001.jsonl:6 has no end");
}

TEST_CASE("what retention removed is explained by its line, and only exactly that") {
    Sample sample;
    AuditHead through{6, sample.first.back().substr(sample.first.back().size() - 67, 64)};
    AuditHead head = sample.head;
    std::string told = text_of(sample.second) + audit_line(head, audit_removal_record(through, "000001.jsonl", at(20)));
    AuditWalk good;
    good.file("000002.jsonl", told);
    CHECK(places(std::move(good).finish()).empty());

    AuditHead other = sample.head;
    through.sequence = 5;
    std::string wrong =
        text_of(sample.second) + audit_line(other, audit_removal_record(through, "000001.jsonl", at(20)));
    AuditWalk bad;
    bad.file("000002.jsonl", wrong);
    check_first(std::move(bad).finish(), "000002.jsonl:1 begins with the number 7");
}
