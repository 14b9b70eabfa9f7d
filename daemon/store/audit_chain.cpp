// Making and checking lines of the audit journal.
#include "daemon/store/audit_chain.hpp"

#include "libacme/crypto/digest.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr std::string_view before_hash = R"(,"hash":")";
constexpr std::string_view after_hash = R"("})";
constexpr std::size_t digest_size = 64;
constexpr std::size_t tail_size = before_hash.size() + digest_size + after_hash.size();
constexpr std::size_t most_findings = 100;

std::string chained(const std::string& previous, std::string_view content) {
    return sha256_hex(std::string(previous).append(content));
}

bool is_digest(std::string_view text) {
    return text.size() == digest_size && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// What a line says its hash is, and the text that it covers beside the hash before.
std::optional<std::pair<std::string_view, std::string>> take_apart(std::string_view line) {
    if (line.size() <= tail_size || !line.ends_with(after_hash)) return std::nullopt;
    std::string_view content = line.substr(0, line.size() - tail_size);
    if (line.substr(content.size(), before_hash.size()) != before_hash) return std::nullopt;
    std::string_view hash = line.substr(content.size() + before_hash.size(), digest_size);
    if (!is_digest(hash)) return std::nullopt;
    return std::pair(content, std::string(hash));
}

std::uint64_t sequence_in(const Json& json, std::string_view key = "sequence") {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, json.int_or(key)));
}

}  // namespace

std::string audit_line(AuditHead& head, const Json& record) {
    Json numbered = Json::object({{"sequence", static_cast<std::int64_t>(head.sequence + 1)}});
    if (const Json::Object* members = record.if_object()) {
        for (const auto& [key, value] : *members)
            numbered.set(key, value);
    }
    std::string line = to_text(numbered);
    line.pop_back();  // "}"
    head = {head.sequence + 1, chained(head.hash, line)};
    return line.append(before_hash).append(head.hash).append(after_hash).append("\n");
}

Json audit_file_record(const AuditHead& head, Time now) {
    return Json::object({{"at", to_json(std::optional(now))}, {"type", "journal.file"}, {"previous", head.hash}});
}

Json audit_removal_record(const AuditHead& through, const std::string& file, Time now) {
    return Json::object({{"at", to_json(std::optional(now))},
                         {"type", "journal.removed"},
                         {"message", fmt::format("{} is older than the journal is kept, and is removed", file)},
                         {"through_sequence", static_cast<std::int64_t>(through.sequence)},
                         {"through_hash", through.hash}});
}

void AuditWalk::find(std::string what) {
    if (report_.findings.size() < most_findings) report_.findings.push_back({file_, line_, std::move(what)});
}

void AuditWalk::file(const std::string& name, std::string_view text) {
    if (!report_.unfinished.empty()) {
        report_.findings.push_back({std::exchange(report_.unfinished, {}), line_ + 1, "has no end"});
        hash_known_ = false;
    }
    file_ = name;
    line_ = 0;
    ++report_.files;
    while (!text.empty()) {
        std::size_t end = text.find('\n');
        if (end == std::string_view::npos) {
            report_.unfinished = name;
            return;
        }
        ++line_;
        line(text.substr(0, end));
        text.remove_prefix(end + 1);
    }
}

void AuditWalk::line(std::string_view text) {
    auto parts = take_apart(text);
    Result<Json> json = parse_json(text);
    bool readable = parts && json && sequence_in(*json) != 0;
    if (report_.lines++ == 0) {
        first_file_ = file_;
        report_.first = readable ? sequence_in(*json) : 1;
        cut_ = {report_.first - 1, readable ? json->string_or("previous") : AuditHead{}.hash};
        cut_explained_ = cut_ == AuditHead{};
        report_.head = cut_;
    }
    if (readable) {
        check(*json, parts->first, parts->second);
        return;
    }
    find("is not a line of the journal any more: it was edited or damaged");
    ++report_.head.sequence;
    hash_known_ = parts.has_value();
    report_.head.hash = parts ? parts->second : sha256_hex(text);
}

void AuditWalk::check(const Json& json, std::string_view content, const std::string& hash) {
    std::uint64_t sequence = sequence_in(json), expected = report_.head.sequence + 1;
    if (sequence > expected) {
        find(sequence == expected + 1
                 ? fmt::format("comes where line number {} is missing", expected)
                 : fmt::format("comes where lines number {} to {} are missing", expected, sequence - 1));
    } else if (sequence < expected) {
        find(fmt::format("has the number {} where {} is due: it was inserted or moved", sequence, expected));
    } else if (hash_known_ && (chained(report_.head.hash, content) != hash ||
                               (line_ == 1 && json.string_or("previous") != report_.head.hash))) {
        find(
            fmt::format("(number {}) does not have the hash of its content behind the line before: it was edited, or "
                        "the line before was replaced",
                        sequence));
    }
    report_.head = {std::max(sequence, report_.head.sequence), hash};
    hash_known_ = true;
    if (json.string_or("type") == "journal.removed")
        removals_.push_back({sequence_in(json, "through_sequence"), json.string_or("through_hash")});
    if (std::optional<Time> at = time_in(json, "at")) {
        if (!report_.since) report_.since = at;
        report_.until = at;
    }
}

AuditReport AuditWalk::finish() && {
    if (!cut_explained_ && std::ranges::find(removals_, cut_) == removals_.end()) {
        report_.findings.insert(
            report_.findings.begin(),
            {first_file_, 1,
             fmt::format("begins with the number {}, and no later line tells that retention removed "
                         "what was before",
                         report_.first)});
    }
    return std::move(report_);
}

}  // namespace certd
