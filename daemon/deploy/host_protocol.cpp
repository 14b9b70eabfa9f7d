// Writing requests, reading answers.
#include "daemon/deploy/host_protocol.hpp"

#include "libacme/base/bytes.hpp"
#include "libacme/base/text.hpp"
#include "libacme/crypto/digest.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

namespace certd {

namespace {

// Above what contrib/host/certd-host sends.
constexpr std::size_t largest_file = default_read_limit, largest_output = std::size_t{64} << 10;

template <class Number>
std::optional<Number> number_from(std::string_view text, int base = 10) {
    Number value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// What is left of a text that is read from its beginning.
class Rest {
   public:
    explicit Rest(std::string_view text) : text_(text) {}

    std::optional<std::string_view> line() {
        const auto end = text_.find('\n');
        if (end == std::string_view::npos) return std::nullopt;
        const auto line = text_.substr(0, end);
        text_.remove_prefix(end + 1);
        return line;
    }
    std::optional<std::string_view> octets(std::size_t count) {
        if (text_.size() <= count || text_[count] != '\n') return std::nullopt;
        const auto content = text_.substr(0, count);
        text_.remove_prefix(count + 1);
        return content;
    }
    bool done() const { return text_.empty(); }

   private:
    std::string_view text_;
};

std::optional<HostAnswer::Status> status_from(std::string_view word) {
    using Status = HostAnswer::Status;
    if (word == "ok") return Status::ok;
    if (word == "refused") return Status::refused;
    if (word == "failed") return Status::failed;
    if (word == "stale") return Status::stale;
    if (word == "unsupported") return Status::unsupported;
    return std::nullopt;
}

// Where a line begins with `start`, the text after that.
std::optional<std::string_view> after_line_start(std::string_view text, std::string_view start) {
    for (auto at = text.find(start); at != std::string_view::npos; at = text.find(start, at + 1)) {
        if (at == 0 || text[at - 1] == '\n') return text.substr(at + start.size());
    }
    return std::nullopt;
}

bool contains(std::string_view text, std::string_view part) {
    return lower_ascii(text).find(part) != std::string::npos;
}

}  // namespace

HostRequest::HostRequest(std::string_view token, std::string_view verb)
    : text_(fmt::format("certd-host 1 {} {}\n", token, verb)) {}

HostRequest& HostRequest::line(std::string_view key, std::string_view value) {
    const bool plain = std::ranges::all_of(value, [](unsigned char octet) { return octet >= 0x20 && octet != 0x7F; });
    if (!plain && !problem_) {
        problem_ = certd::problem("host.refused",
                                  fmt::format("{} cannot be sent to another host", escape_untrusted(value, 200)));
    }
    text_ += fmt::format("{} {}\n", key, value);
    return *this;
}

HostRequest& HostRequest::delivery(const Delivery& delivery) {
    line("lineage", delivery.lineage).line("target", delivery.target.text);
    line("version", std::to_string(delivery.version.value));
    return delivery.backwards ? line("backwards", "yes") : *this;
}

HostRequest& HostRequest::file(const InstalledFile& file, std::string_view owner, std::string_view group) {
    line("file", fmt::format("{:04o} {} {} {} {} {}", file.attributes.mode, owner, group, file.content.size(),
                             sha256_hex(file.content), file.path));
    content(file.content);
    return *this;
}

HostRequest& HostRequest::input(std::string_view text) {
    line("input", std::to_string(text.size()));
    content(text);
    return *this;
}

void HostRequest::content(std::string_view content) {
    text_ += content;
    text_ += '\n';
}

std::string HostRequest::take() {
    return std::move(text_) + "end\n";
}

// Before it may stand what ssh or a login shell says, and after it what ssh says. A body is held against its own
// lengths by those who read it, so the last line that can end the answer does.
std::optional<HostAnswer> parse_answer(std::string_view output, std::string_view token) {
    const auto begun = after_line_start(output, fmt::format("certd-host 1 {} ", token));
    if (!begun) return std::nullopt;
    Rest rest(*begun);
    const auto first = rest.line();
    if (!first) return std::nullopt;
    const auto status = status_from(first->substr(0, first->find(' ')));
    if (!status) return std::nullopt;
    HostAnswer answer{*status, std::string(trim(first->substr(std::min(first->find(' '), first->size())))), {}};
    const auto body = begun->substr(first->size() + 1);
    const auto end_line = fmt::format("end {}\n", token);
    const auto end = body.rfind(end_line);
    if (end == std::string_view::npos || (end > 0 && body[end - 1] != '\n')) return std::nullopt;
    answer.body = body.substr(0, end);
    return answer;
}

std::optional<std::optional<InstalledFile>> parse_file(std::string_view body) {
    Rest rest(body);
    const auto head = rest.line();
    if (!head) return std::nullopt;
    if (*head == "missing" && rest.done()) return std::make_optional<std::optional<InstalledFile>>();
    const auto words = split(*head, ' ');
    if (words.size() != 6 || words[0] != "file") return std::nullopt;
    const auto mode = number_from<mode_t>(words[1], 8);
    const auto owner = number_from<uid_t>(words[2]);
    const auto group = number_from<gid_t>(words[3]);
    const auto size = number_from<std::size_t>(words[4]);
    if (!mode || *mode > 07777 || !owner || !group || !size || *size > largest_file) return std::nullopt;
    const auto content = rest.octets(*size);
    if (!content || !rest.done() || sha256_hex(*content) != words[5]) return std::nullopt;
    return InstalledFile{{}, std::string(*content), {*mode & 0777, *owner, *group}};
}

std::optional<ProcessResult> parse_run(std::string_view body) {
    Rest rest(body);
    const auto ended = rest.line(), length = rest.line();
    if (!ended || !ended->starts_with("exit ") || !length || !length->starts_with("output ")) return std::nullopt;
    ProcessResult result;
    const auto word = ended->substr(5);
    const auto code = number_from<unsigned>(word);
    if (code && *code > 128 && *code <= 128 + 64) {
        result.signal = static_cast<int>(*code) - 128;  // as a shell tells it
    } else if (code && *code <= 255) {
        result.exit_code = static_cast<int>(*code);
    } else if (word == "timeout") {
        result.timed_out = true;
    } else if (word == "held") {  // it ended, and left something behind that held its output
        result.timed_out = true;
        result.exit_code = 0;
    } else {
        return std::nullopt;
    }
    const auto size = number_from<std::size_t>(length->substr(7));
    if (!size || *size > largest_output) return std::nullopt;
    const auto output = rest.octets(*size);
    if (!output || !rest.done()) return std::nullopt;
    result.output = *output;
    return result;
}

std::string_view code_of_failure(std::string_view words) {
    struct Known {
        std::string_view words, code;
    };
    static constexpr std::array known = {Known{"no space left", "storage.full"},
                                         Known{"quota exceeded", "storage.full"},
                                         Known{"read-only file system", "storage.readOnly"},
                                         Known{"permission denied", "storage.permission"},
                                         Known{"not permitted", "storage.permission"},
                                         Known{"no such file", "storage.missing"},
                                         Known{"nonexistent directory", "storage.missing"},
                                         Known{"invalid user", "deploy.install"},
                                         Known{"invalid group", "deploy.install"},
                                         Known{"unknown user", "deploy.install"},
                                         Known{"unknown group", "deploy.install"}};
    const auto* found = std::ranges::find_if(known, [&](const Known& one) { return contains(words, one.words); });
    return found == known.end() ? "storage.io" : found->code;
}

}  // namespace certd
