// Commands and answers as the management guide has them: an answer is lines and ends with an empty one.
#include "daemon/deploy/haproxy_answers.hpp"

#include "config/services.hpp"
#include "daemon/deploy/parts.hpp"
#include "libacme/base/text.hpp"
#include "libacme/crypto/certificate.hpp"
#include "libacme/crypto/digest.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>

#include <fmt/format.h>

namespace certd {

namespace {

constexpr std::size_t sha1_digits = 40;

std::string_view without_return(std::string_view line) {
    return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

// What stands outside of the blocks (comments, "Bag Attributes") is of no use to haproxy, and fills its buffer.
std::string pem_blocks(std::string_view text) {
    std::string blocks;
    bool inside = false;
    for (std::string_view line : split(text, '\n')) {
        line = trim(line);
        if (line.starts_with("-----BEGIN ")) inside = true;
        if (inside && !line.empty()) blocks += fmt::format("{}\n", line);
        if (line.starts_with("-----END ")) inside = false;
    }
    return blocks;
}

std::string number(std::string_view digits) {
    const auto first = digits.find_first_not_of('0');
    return first == std::string_view::npos ? "0" : lower_ascii(digits.substr(first));
}

// The lines of a whole answer; nothing of one that was cut off.
std::optional<std::vector<std::string_view>> lines_of(std::string_view answer) {
    if (!answer.ends_with("\n\n")) return std::nullopt;
    std::vector<std::string_view> lines;
    for (std::string_view line : split(answer.substr(0, answer.size() - 2), '\n'))
        lines.push_back(without_return(line));
    return lines;
}

bool begins(const std::vector<std::string_view>& lines, std::string_view text) {
    return std::ranges::any_of(lines, [&](std::string_view line) { return line.starts_with(text); });
}

Problem not_understood(const std::string& what, std::string_view answer) {
    return problem("haproxy.answer", answer.empty() ? what + " with nothing" : what + " with words that are not known",
                   std::string(trim(answer)));
}

// 2.6 answers a listing for a socket of level user so: it has no memory for what may not be seen.
bool is_denial(std::string_view answer) {
    const std::string_view words = trim(answer);
    return words == "Permission denied" || words == "Can't allocate memory!";
}

Problem denied(std::string_view answer) {
    return problem("haproxy.denied", "The level of haproxy's socket is too low", std::string(trim(answer)));
}

}  // namespace

Result<HaproxyCertificate> haproxy_certificate(const std::string& path, std::string_view content) {
    if (!config::haproxy_takes_path(path))
        return failure("haproxy.refused", fmt::format("haproxy's command line cannot name {}", path));
    const auto leaf = first_certificate(content);
    std::string pem = pem_blocks(content);
    if (!leaf || pem.empty())
        return failure("haproxy.refused", fmt::format("There is no certificate in {} that haproxy could take", path));
    return HaproxyCertificate{path, std::move(pem), number(leaf->serial()), sha1_hex(leaf->der())};
}

std::string haproxy_show_level() {
    return "show cli level\n";
}

std::string haproxy_list() {
    return "show ssl cert\n";
}

std::string haproxy_show(const std::string& path) {
    return fmt::format("show ssl cert {}\n", path);
}

std::string haproxy_show_pending(const std::string& path) {
    return fmt::format("show ssl cert *{}\n", path);
}

std::string haproxy_set(const HaproxyCertificate& certificate) {
    return fmt::format("set ssl cert {} <<\n{}\n", certificate.path, certificate.pem);
}

std::string haproxy_commit(const std::string& path) {
    return fmt::format("commit ssl cert {}\n", path);
}

std::string haproxy_abort(const std::string& path) {
    return fmt::format("abort ssl cert {}\n", path);
}

Result<void> parse_haproxy_level(std::string_view answer) {
    const std::string_view level = trim(answer);
    if (level == "admin") return {};
    if (level == "operator" || level == "user") return failure(denied(answer));
    return failure(not_understood("haproxy answered to the question for its level", answer));
}

Result<HaproxyListing> parse_haproxy_listing(std::string_view answer) {
    if (is_denial(answer)) return failure(denied(answer));
    const auto malformed = [&] { return failure(not_understood("haproxy listed its certificates", answer)); };
    const auto lines = lines_of(answer);
    if (!lines) return malformed();
    HaproxyListing listing;
    enum class Part { none, loaded, pending } part = Part::none;
    for (std::string_view line : *lines) {
        if (line == "# filename") {
            part = Part::loaded;
        } else if (line == "# transaction") {
            part = Part::pending;
        } else if (part == Part::loaded && !line.empty() && line.front() != '*' && line.front() != '#') {
            listing.loaded.emplace_back(line);
        } else if (part == Part::pending && line.size() > 1 && line.front() == '*') {
            listing.pending.emplace_back(line.substr(1));
        } else {
            return malformed();
        }
    }
    if (part == Part::none) return malformed();
    return listing;
}

Result<bool> haproxy_shows(std::string_view answer, const HaproxyCertificate& certificate) {
    if (is_denial(answer)) return failure(denied(answer));
    const auto malformed = [&] { return failure(not_understood("haproxy showed " + certificate.path, answer)); };
    const auto lines = lines_of(answer);
    if (!lines) return malformed();
    if (begins(*lines, "Can't display the certificate")) return false;
    std::optional<std::string> file, serial, sha1;
    const auto take = [](std::string_view line, std::string_view key, std::optional<std::string>& value) {
        if (!value && line.starts_with(key)) value = std::string(trim(line.substr(key.size())));
    };
    for (std::string_view line : *lines) {
        take(line, "Filename:", file);
        take(line, "Serial:", serial);
        take(line, "SHA1 FingerPrint:", sha1);
    }
    const bool of_this = file && (*file == certificate.path || *file == "*" + certificate.path);
    if (!of_this || !serial || serial->empty() || !sha1 || sha1->size() != sha1_digits) return malformed();
    return number(*serial) == certificate.serial && lower_ascii(*sha1) == certificate.sha1;
}

Result<HaproxySet> parse_haproxy_set(std::string_view answer, const HaproxyCertificate& certificate) {
    if (is_denial(answer)) return failure(denied(answer));
    if (answer.empty()) {
        // What does not fit is neither taken nor refused: haproxy closes the connection.
        return failure("haproxy.tooLarge", fmt::format("haproxy did not take the {} octets of the command for {}",
                                                       haproxy_set(certificate).size(), certificate.path));
    }
    const auto lines = lines_of(answer);
    if (!lines) return failure(not_understood("haproxy answered for " + certificate.path, answer));
    constexpr std::string_view created = "Transaction created for certificate ";
    constexpr std::string_view updated = "Transaction updated for certificate ";
    const std::string_view last = lines->back();
    for (const auto& [words, kind] :
         {std::pair(created, HaproxySet::Kind::created), std::pair(updated, HaproxySet::Kind::updated)}) {
        if (!last.starts_with(words) || !last.ends_with('!')) continue;
        return HaproxySet{kind, std::string(last.substr(words.size(), last.size() - words.size() - 1))};
    }
    if (last == fmt::format("Can't update {}!", certificate.path)) {
        return failure("haproxy.refused", fmt::format("haproxy refused the certificate for {}", certificate.path),
                       std::string(trim(answer)));
    }
    return failure(not_understood("haproxy answered for " + certificate.path, answer));
}

Result<HaproxyCommit> parse_haproxy_commit(std::string_view answer, const std::string& path) {
    if (is_denial(answer)) return failure(denied(answer));
    const auto lines = lines_of(answer);
    if (!lines) return failure(not_understood("haproxy answered to the commit of " + path, answer));
    if (lines->front().starts_with("No ongoing transaction")) return HaproxyCommit::nothing_open;
    if (lines->front().starts_with("The ongoing transaction is about ")) return HaproxyCommit::other_open;
    const bool failed = begins(*lines, "Can't ") || begins(*lines, "Failed!");
    if (failed) return failure("haproxy.refused", "haproxy refused to commit " + path, std::string(trim(answer)));
    const bool done = lines->front().starts_with("Committing " + path) && lines->back() == "Success!";
    if (done) return HaproxyCommit::done;
    return failure(not_understood("haproxy answered to the commit of " + path, answer));
}

Problem haproxy_unreachable(const Problem& cause) {
    Problem result = problem("haproxy.unreachable", cause.what, cause.remote);
    result.parts.push_back(cause);
    return result;
}

bool haproxy_aborted(std::string_view answer) {
    const auto lines = lines_of(answer);
    return lines && (begins(*lines, "Transaction aborted for certificate") ||
                     lines->front().starts_with("No ongoing transaction") ||
                     lines->front().starts_with("The ongoing transaction is about "));
}

}  // namespace certd
