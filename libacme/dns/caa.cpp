// CAA: reading, climbing the tree, judging.
#include "libacme/dns/caa.hpp"

#include "libacme/base/text.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace certd::dns {

namespace {

constexpr std::size_t alias_limit = 10;
constexpr std::size_t shown = 200;  // octets of others' text in a sentence
// Understood by CAs; the last two restrict no TLS certificates.
constexpr std::array<std::string_view, 7> known_tags = {"issue",     "issuewild", "iodef",       "contactemail",
                                                        "issuemail", "issuevmc",  "contactphone"};

bool is_alphanumeric(char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9');
}

// RFC 8659 §4.2: letters and digits, with hyphens between them.
bool is_word(std::string_view text) {
    return !text.empty() && is_alphanumeric(text.front()) && is_alphanumeric(text.back()) &&
           std::ranges::all_of(text, [](char letter) { return is_alphanumeric(letter) || letter == '-'; });
}

bool is_domain(std::string_view text) {
    return std::ranges::all_of(split(text, '.'), is_word);
}

bool is_parameter_value(std::string_view text) {
    return std::ranges::all_of(text, [](char letter) { return letter > 0x20 && letter < 0x7F && letter != ';'; });
}

std::string_view strip(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

// The values of the parameter `tag`.
std::vector<std::string> values_of(const IssueValue& value, std::string_view tag) {
    std::vector<std::string> found;
    for (const auto& [name, text] : value.parameters) {
        if (name == tag) found.push_back(text);
    }
    return found;
}

std::optional<Name> alias_in(const Message& answer, const Name& name) {
    for (const Record& record : answer.answers) {
        if (record.name == name && record.type == Type::cname && record.klass == Class::in) return target_of(record);
    }
    return std::nullopt;
}

// A verdict with its weight among several: a property for this CA explains more than one for another.
struct Weighed {
    int weight = 0;
    CaaVerdict verdict;
};

std::optional<CaaVerdict> judge_account(const IssueValue& value, const CaaQuestion& question) {
    std::vector<std::string> accounts = values_of(value, "accounturi");
    if (accounts.empty()) return std::nullopt;
    // RFC 8657 §3: more than one is unsatisfiable.
    if (accounts.size() > 1) return CaaVerdict{CaaAnswer::forbidden, "its property for this CA names several accounts"};
    std::string wanted = escape_untrusted(accounts.front(), shown);
    if (question.account_url.empty())
        return CaaVerdict{CaaAnswer::unclear, "only the account " + wanted + " may order, and there is no account yet"};
    if (accounts.front() == question.account_url) return std::nullopt;
    return CaaVerdict{CaaAnswer::forbidden, fmt::format("only the account {} may order, and this is {}", wanted,
                                                        escape_untrusted(question.account_url, shown))};
}

std::optional<CaaVerdict> judge_method(const IssueValue& value, const CaaQuestion& question) {
    std::vector<std::string> methods = values_of(value, "validationmethods");
    if (methods.empty()) return std::nullopt;
    if (methods.size() > 1)
        return CaaVerdict{CaaAnswer::forbidden, "its property for this CA lists methods several times"};
    auto listed = split(methods.front(), ',');
    if (std::ranges::find(listed, question.method) != listed.end()) return std::nullopt;
    return CaaVerdict{CaaAnswer::forbidden, fmt::format("only the methods {} are allowed, not {}",
                                                        escape_untrusted(methods.front(), shown), question.method)};
}

Weighed judge_property(const CaaProperty& property, const CaaQuestion& question) {
    auto value = parse_issue_value(property.value);
    if (!value) {
        return {0,
                {CaaAnswer::forbidden, fmt::format("its property \"{}\" is against the grammar and allows nobody",
                                                   escape_untrusted(property.value, shown))}};
    }
    if (value->issuer.empty()) return {0, {CaaAnswer::forbidden, "it allows nobody to issue"}};
    std::string issuer = escape_untrusted(value->issuer, shown);
    auto is_issuer = [&](const std::string& identity) { return equals_ignoring_case(identity, value->issuer); };
    if (question.identities.empty()) {
        return {2,
                {CaaAnswer::unclear, fmt::format("{} may issue, and the CA's directory does not say by which name "
                                                 "it goes",
                                                 issuer)}};
    }
    if (std::ranges::none_of(question.identities, is_issuer)) return {0, {CaaAnswer::forbidden, "it allows others"}};
    if (auto refused = judge_account(*value, question))
        return {refused->answer == CaaAnswer::unclear ? 2 : 1, *refused};
    if (auto refused = judge_method(*value, question)) return {1, *refused};
    // Whether a CA minds a parameter it does not know is its own affair (RFC 8659 §4.2).
    for (const auto& [tag, text] : value->parameters) {
        if (tag == "accounturi" || tag == "validationmethods") continue;
        return {2,
                {CaaAnswer::unclear, fmt::format("{} may issue under the condition {}={}, which the CA may not know",
                                                 issuer, escape_untrusted(tag, shown), escape_untrusted(text, shown))}};
    }
    return {3, {CaaAnswer::allowed, issuer + " may issue"}};
}

// Why nobody of `relevant` is this CA, in one sentence.
std::string others_text(const std::vector<const CaaProperty*>& relevant, const CaaQuestion& question) {
    std::vector<std::string> issuers, names;
    for (const CaaProperty* property : relevant) {
        auto value = parse_issue_value(property->value);
        if (value && !value->issuer.empty() && issuers.size() < 10)
            issuers.push_back(escape_untrusted(value->issuer, shown));
    }
    for (const std::string& identity : question.identities)
        names.push_back(escape_untrusted(identity, shown));
    std::ranges::sort(issuers);
    issuers.erase(std::ranges::unique(issuers).begin(), issuers.end());
    return fmt::format("only {} may issue, and this CA is {}", join(issuers, ", "), join(names, ", "));
}

}  // namespace

// RFC 8659 §4.1: flags, length of the tag, tag, value.
std::optional<CaaProperty> caa_of(const Record& record) {
    if (record.type != Type::caa) return std::nullopt;
    const Bytes& data = record.data;
    if (data.size() < 2 || data[1] == 0 || data.size() - 2 < data[1]) return CaaProperty{true, {}, {}};
    std::string_view rest = as_text(ByteView(data).subspan(2));
    std::string_view tag = rest.substr(0, data[1]);
    if (!std::ranges::all_of(tag, is_alphanumeric)) return CaaProperty{true, {}, {}};
    return CaaProperty{(data[0] & 0x80U) != 0, lower_ascii(tag), std::string(rest.substr(data[1]))};
}

std::optional<IssueValue> parse_issue_value(std::string_view text) {
    IssueValue value;
    std::size_t end = text.find(';');
    std::string_view issuer = strip(text.substr(0, end));
    if (!issuer.empty() && !is_domain(issuer)) return std::nullopt;
    value.issuer = lower_ascii(issuer);
    if (end == std::string_view::npos) return value;
    std::string_view rest = strip(text.substr(end + 1));
    if (rest.empty()) return value;
    for (std::string_view parameter : split(rest, ';')) {
        parameter = strip(parameter);
        // A ";" at the very end is not in the grammar, and common.
        if (parameter.empty() && rest.ends_with(';') && parameter.data() == rest.data() + rest.size()) break;
        std::size_t equals = parameter.find('=');
        if (equals == std::string_view::npos) return std::nullopt;
        std::string_view tag = strip(parameter.substr(0, equals)), content = strip(parameter.substr(equals + 1));
        if (!is_word(tag) || !is_parameter_value(content)) return std::nullopt;
        value.parameters.emplace_back(tag, content);
    }
    return value;
}

Task<CaaSet> CaaLookup::relevant(Name name) {
    for (Name place = name; !place.is_root(); place = place.parent()) {
        std::vector<CaaProperty> found = co_await at(place);
        if (!found.empty()) co_return CaaSet{place, std::move(found)};
    }
    co_return CaaSet{};
}

// The records of `name` itself or of the end of its CNAMEs. A resolver brings those along; where it has not, they are
// asked for (faults S8: of the answer only what is about the name counts).
Task<std::vector<CaaProperty>> CaaLookup::at(Name name) {
    if (auto known = known_.find(name); known != known_.end()) co_return known->second;
    std::vector<CaaProperty> found;
    Name current = name;
    std::size_t aliases = 0;
    for (Name asked;;) {
        asked = current;
        Message answer = co_await resolver_.ask(asked, Type::caa);
        while (std::optional<Name> target = alias_in(answer, current)) {
            if (*target == name || ++aliases > alias_limit)
                fail("dns.cnameLoop", fmt::format("The CNAMEs of {} lead nowhere", name.text()));
            current = std::move(*target);
        }
        for (const Record& record : answer.answers) {
            if (record.name != current || record.klass != Class::in) continue;
            if (auto property = caa_of(record)) found.push_back(std::move(*property));
        }
        if (current == asked || !found.empty()) break;
    }
    known_[name] = found;
    co_return found;
}

CaaVerdict judge_caa(const CaaSet& set, const CaaQuestion& question) {
    if (set.properties.empty()) return {CaaAnswer::allowed, "no CAA record restricts who may issue"};
    std::string place = "CAA of " + set.found_at.text() + ": ";
    std::vector<const CaaProperty*> issue, wild;
    for (const CaaProperty& property : set.properties) {
        if (property.tag.empty()) return {CaaAnswer::forbidden, place + "a record is damaged"};
        // RFC 8659 §4.5: what is critical and not understood forbids.
        if (property.critical && std::ranges::find(known_tags, property.tag) == known_tags.end()) {
            return {CaaAnswer::forbidden,
                    fmt::format("{}the critical property {} is not known to CAs", place, property.tag)};
        }
        if (property.tag == "issue") issue.push_back(&property);
        if (property.tag == "issuewild") wild.push_back(&property);
    }
    // RFC 8659 §4.3: for wildcards issuewild takes the place of issue.
    const auto& relevant = question.wildcard && !wild.empty() ? wild : issue;
    if (relevant.empty()) return {CaaAnswer::allowed, place + "nothing restricts who may issue"};
    Weighed best{-1, {}};
    bool foreign = false;
    for (const CaaProperty* property : relevant) {
        Weighed weighed = judge_property(*property, question);
        auto value = parse_issue_value(property->value);
        foreign = foreign || (value && !value->issuer.empty());
        if (weighed.weight > best.weight) best = std::move(weighed);
    }
    if (best.weight == 0 && foreign) best.verdict.reason = others_text(relevant, question);
    best.verdict.reason.insert(0, place);
    return best.verdict;
}

}  // namespace certd::dns
