// From yaml-cpp's events to the tree. Syntax errors are put into words an administrator can act on.
#include "config/document.hpp"

#include <algorithm>
#include <array>
#include <sstream>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace certd::config {

namespace {

constexpr std::size_t depth_limit = 32;
// The scanner keeps a token for every bracket that is still open, long before the tree's own limit is asked.
constexpr std::ptrdiff_t open_brackets_limit = 10'000;

struct Refusal {
    std::uint32_t line, column;
    std::string message, hint;
};

std::uint32_t one_based(int value) {
    return value < 0 ? 1 : static_cast<std::uint32_t>(value) + 1;
}

[[noreturn]] void refuse(const YAML::Mark& mark, std::string message, std::string hint = {}) {
    throw Refusal{one_based(mark.line), one_based(mark.column), std::move(message), std::move(hint)};
}

// Where the mistake is rather seen than where the scanner gave up, which may be the end of the file.
enum class Place { here, opening, last_value };

struct Wording {
    std::string_view theirs, message, hint;
    Place place = Place::here;
};
constexpr std::string_view quote_hint = "put a value with special characters in quotation marks";
// clang-format off
const std::array wordings = {
    Wording{YAML::ErrorMsg::MAP_VALUE, "Unexpected ':'",
            "check the indentation here and above, the ':' of the line before, and put a value that contains ': ' in quotation marks"},
    Wording{YAML::ErrorMsg::MAP_KEY, "Unexpected key", "check the indentation"},
    Wording{YAML::ErrorMsg::BLOCK_ENTRY, "Unexpected '-'", "check the indentation; a list begins on a line of its own"},
    Wording{YAML::ErrorMsg::END_OF_SEQ_FLOW, "This list has no end", "add the missing ']' or ','", Place::opening},
    Wording{YAML::ErrorMsg::END_OF_MAP_FLOW, "This mapping has no end", "add the missing '}' or ','", Place::opening},
    Wording{YAML::ErrorMsg::FLOW_END, "A closing bracket without an opening one", ""},
    Wording{YAML::ErrorMsg::END_OF_MAP, "This line does not belong to the mapping above it", "check the indentation"},
    Wording{YAML::ErrorMsg::END_OF_SEQ, "This line does not belong to the list above it", "check the indentation and the '-'"},
    Wording{YAML::ErrorMsg::UNKNOWN_TOKEN, "A value cannot begin with this character", quote_hint},
    Wording{YAML::ErrorMsg::UNKNOWN_ANCHOR, "A value that begins with '*' needs quotation marks", "write \"*.example.com\""},
    Wording{YAML::ErrorMsg::ALIAS_NOT_FOUND, "A value that begins with '*' needs quotation marks", "write \"*\""},
    Wording{YAML::ErrorMsg::CHAR_IN_ALIAS, "A value that begins with '*' needs quotation marks", "write \"*.example.com\""},
    Wording{YAML::ErrorMsg::ANCHOR_NOT_FOUND, "A value that begins with '&' needs quotation marks", quote_hint},
    Wording{YAML::ErrorMsg::CHAR_IN_ANCHOR, "A value that begins with '&' needs quotation marks", quote_hint},
    Wording{YAML::ErrorMsg::DOC_IN_SCALAR, "A text after this point has no closing quotation mark", "", Place::last_value},
    Wording{YAML::ErrorMsg::EOF_IN_SCALAR, "A text after this point has no closing quotation mark", "", Place::last_value},
    Wording{YAML::ErrorMsg::TAB_IN_INDENTATION, "A tab cannot indent", "use spaces"},
    Wording{YAML::ErrorMsg::BAD_FILE, "The file is nested too deeply", ""},
};
// clang-format on

bool is_indented_with_tab(std::string_view line) {
    return line.substr(0, line.find_first_not_of(" \t")).find('\t') != std::string_view::npos;
}

// Whether so many brackets stay open that only an attack, or no YAML at all, can be the reason.
bool opens_too_many_brackets(std::string_view text) {
    std::ptrdiff_t open = 0;
    for (char letter : text) {
        open += (letter == '[' || letter == '{') - (letter == ']' || letter == '}');
        if (open > open_brackets_limit) return true;
        open = std::max<std::ptrdiff_t>(open, 0);
    }
    return false;
}

}  // namespace

class TreeBuilder final : public YAML::EventHandler {
   public:
    explicit TreeBuilder(Document& document) : document_(document) {}

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (++documents_ > 1) second_document_ = mark;
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
        if (documents_ > 1) return;  // nothing but a "---" or "..." at the end
        refuse_as_key(mark);
        Document::Record record = at(mark);
        if (expects_value()) {  // the mark is that of the next token: take the key's place
            const Document::Record& key = document_.records_[open_.back().children.back()];
            record.line = key.line;
            record.column = key.column;
        }
        add(record);
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        refuse(mark, "Aliases are not supported", "write the value out, or use 'defaults'");
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, const std::string& value) override {
        check(mark, tag);
        Document::Record record = at(mark);
        record.kind = TreeNode::Kind::scalar;
        record.first = static_cast<std::uint32_t>(document_.text_.size());
        record.count = static_cast<std::uint32_t>(value.size());
        document_.text_ += value;
        add(record);
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                         YAML::EmitterStyle::value) override {
        begin(mark, tag, TreeNode::Kind::sequence);
    }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                    YAML::EmitterStyle::value) override {
        begin(mark, tag, TreeNode::Kind::map);
    }
    void OnSequenceEnd() override { end(); }
    void OnMapEnd() override {
        find_duplicates(open_.back().children);
        end();
    }

    // Repeated keys do not keep the rest of the file from being read, so they are collected.
    const std::vector<Refusal>& duplicates() const { return duplicates_; }

    Refusal in_our_words(const YAML::Exception& error) const {
        std::uint32_t line = one_based(error.mark.line), column = one_based(error.mark.column);
        if (is_indented_with_tab(document_.source_->line(line))) return {line, 1, "A tab cannot indent", "use spaces"};
        auto wording = std::ranges::find(wordings, std::string_view(error.msg), &Wording::theirs);
        if (wording == wordings.end()) return {line, column, fmt::format("Not valid YAML: {}", error.msg), ""};
        if (wording->place != Place::here && !document_.records_.empty()) {
            bool opening = wording->place == Place::opening && !open_.empty();
            const Document::Record& seen =
                opening ? document_.records_[open_.back().record] : document_.records_.back();
            line = seen.line;
            column = seen.column;
        }
        return {line, column, std::string(wording->message), std::string(wording->hint)};
    }

   private:
    struct Open {
        std::uint32_t record;
        bool is_map;
        std::vector<std::uint32_t> children;
    };

    static Document::Record at(const YAML::Mark& mark) {
        return {TreeNode::Kind::null, one_based(mark.line), one_based(mark.column), 0, 0};
    }

    bool expects_key() const { return !open_.empty() && open_.back().is_map && open_.back().children.size() % 2 == 0; }
    bool expects_value() const {
        return !open_.empty() && open_.back().is_map && open_.back().children.size() % 2 == 1;
    }

    void refuse_as_key(const YAML::Mark& mark) const {
        if (expects_key()) refuse(mark, "A key must be a plain word");
    }

    void check(const YAML::Mark& mark, const std::string& tag) const {
        if (documents_ > 1)
            refuse(second_document_, "A file holds one document only", "put the rest into a file in conf.d");
        if (tag != "?" && tag != "!" && !tag.empty() && tag != "tag:yaml.org,2002:str")
            refuse(mark, "Tags are not supported");
    }

    std::uint32_t add(const Document::Record& record) {
        auto index = static_cast<std::uint32_t>(document_.records_.size());
        document_.records_.push_back(record);
        if (open_.empty()) {
            document_.root_ = index;
        } else {
            open_.back().children.push_back(index);
        }
        return index;
    }

    void begin(const YAML::Mark& mark, const std::string& tag, TreeNode::Kind kind) {
        check(mark, tag);
        refuse_as_key(mark);
        if (open_.size() >= depth_limit) refuse(mark, "The file is nested too deeply");
        Document::Record record = at(mark);
        record.kind = kind;
        std::uint32_t index = add(record);
        open_.push_back({index, kind == TreeNode::Kind::map, {}});
    }

    void end() {
        const Open& closed = open_.back();
        Document::Record& record = document_.records_[closed.record];
        record.first = static_cast<std::uint32_t>(document_.links_.size());
        record.count = static_cast<std::uint32_t>(closed.is_map ? closed.children.size() / 2 : closed.children.size());
        document_.links_.insert(document_.links_.end(), closed.children.begin(), closed.children.end());
        open_.pop_back();
    }

    std::string_view text(std::uint32_t index) const {
        const Document::Record& record = document_.records_[index];
        return std::string_view(document_.text_).substr(record.first, record.count);
    }

    void find_duplicates(const std::vector<std::uint32_t>& children) {
        std::vector<std::uint32_t> keys;
        keys.reserve(children.size() / 2);
        for (std::size_t i = 0; i < children.size(); i += 2)
            keys.push_back(children[i]);
        std::ranges::stable_sort(keys, {}, [&](std::uint32_t key) { return text(key); });
        for (std::size_t i = 1, first = 0; i < keys.size(); ++i) {
            if (text(keys[i]) != text(keys[first])) {
                first = i;
                continue;
            }
            const Document::Record& again = document_.records_[keys[i]];
            duplicates_.push_back({again.line, again.column,
                                   fmt::format("The key {} is here for the second time; it is on line {} already",
                                               in_quotes(text(keys[i])), document_.records_[keys[first]].line),
                                   "keep one of the two"});
        }
    }

    Document& document_;
    std::vector<Open> open_;
    int documents_ = 0;
    YAML::Mark second_document_;
    std::vector<Refusal> duplicates_;
};

namespace {

void read(const Source& source, TreeBuilder& builder) {
    // A closing "..." of our own makes a quotation mark that is missing an error; at the end of input it would be none.
    std::istringstream input(std::string(source.text()) + "\n...\n");
    YAML::Parser parser(input);
    while (parser.HandleNextDocument(builder))
        continue;
}

void report_refusal(const Source& source, Report& report, const Refusal& refusal) {
    report.error(source.at(refusal.line, refusal.column), refusal.message, refusal.hint);
}

}  // namespace

std::optional<Document> Document::parse(const Source& source, Report& report) {
    if (auto fault = source.fault()) {
        report.error(source.at(fault->line, fault->column), fault->message);
        return std::nullopt;
    }
    if (opens_too_many_brackets(source.text())) {
        report.error(source.at(0, 0), "The file is nested too deeply");
        return std::nullopt;
    }
    Document document(source);
    document.text_.reserve(source.text().size() / 2);
    TreeBuilder builder(document);
    try {
        read(source, builder);
    } catch (const Refusal& refusal) {
        report_refusal(source, report, refusal);
        return std::nullopt;
    } catch (const YAML::Exception& error) {
        report_refusal(source, report, builder.in_our_words(error));
        return std::nullopt;
    }
    for (const Refusal& duplicate : builder.duplicates())
        report_refusal(source, report, duplicate);
    if (document.records_.empty()) document.records_.push_back({TreeNode::Kind::null, 1, 1, 0, 0});
    return document;
}

TreeNode::Kind TreeNode::kind() const {
    return document_->record(index_).kind;
}

Location TreeNode::location() const {
    const Document::Record& record = document_->record(index_);
    return document_->source_->at(record.line, record.column);
}

const std::string& TreeNode::file() const {
    return document_->source_->name();
}

std::string_view TreeNode::text() const {
    const Document::Record& record = document_->record(index_);
    if (record.kind != Kind::scalar) return {};
    return std::string_view(document_->text_).substr(record.first, record.count);
}

std::size_t TreeNode::size() const {
    const Document::Record& record = document_->record(index_);
    return record.kind == Kind::sequence || record.kind == Kind::map ? record.count : 0;
}

TreeNode TreeNode::item(std::size_t index) const {
    return {document_, document_->links_[document_->record(index_).first + index]};
}
TreeNode TreeNode::key(std::size_t index) const {
    return {document_, document_->links_[document_->record(index_).first + 2 * index]};
}
TreeNode TreeNode::value(std::size_t index) const {
    return {document_, document_->links_[document_->record(index_).first + 2 * index + 1]};
}

std::optional<TreeNode> TreeNode::find(std::string_view name) const {
    if (!is_map()) return std::nullopt;
    for (std::size_t i = 0; i < size(); ++i) {
        if (key(i).text() == name) return value(i);
    }
    return std::nullopt;
}

}  // namespace certd::config
