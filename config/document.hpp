// One YAML file as a compact, read-only tree that knows the place of every key and value. The only user of yaml-cpp.
// A subset of YAML: one document, text keys that occur once, no aliases, no tags.
#pragma once

#include "config/report.hpp"
#include "config/source.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace certd::config {

class Document;

// A cheap handle; the document outlives it.
class TreeNode {
   public:
    enum class Kind : std::uint8_t { null, scalar, sequence, map };

    Kind kind() const;
    bool is_scalar() const { return kind() == Kind::scalar; }
    bool is_sequence() const { return kind() == Kind::sequence; }
    bool is_map() const { return kind() == Kind::map; }
    Location location() const;
    const std::string& file() const;

    std::string_view text() const;                             // of a scalar, else empty
    std::size_t size() const;                                  // items of a sequence, entries of a map, else 0
    TreeNode item(std::size_t index) const;                    // of a sequence
    TreeNode key(std::size_t index) const;                     // of a map, in the order of the text
    TreeNode value(std::size_t index) const;                   // of a map
    std::optional<TreeNode> find(std::string_view key) const;  // of a map; nothing for other kinds

   private:
    friend class Document;
    TreeNode(const Document* document, std::uint32_t index) : document_(document), index_(index) {}
    const Document* document_;
    std::uint32_t index_;
};

class Document {
   public:
    // Nothing after a syntax error, which is in the report then. `source` outlives the document.
    static std::optional<Document> parse(const Source& source, Report& report);

    TreeNode root() const { return TreeNode(this, root_); }  // an empty file has a null root

   private:
    friend class TreeNode;
    friend class TreeBuilder;
    struct Record {  // 20 octets: a file with 10,000 lineages has about 100,000 of them
        TreeNode::Kind kind = TreeNode::Kind::null;
        std::uint32_t line = 0, column = 0;
        std::uint32_t first = 0,
                      count = 0;  // octets of text_ for a scalar; links_ for the others (a map: key, value, key …)
    };
    explicit Document(const Source& source) : source_(&source) {}
    const Record& record(std::uint32_t index) const { return records_[index]; }

    const Source* source_;
    std::vector<Record> records_;
    std::vector<std::uint32_t> links_;
    std::string text_;
    std::uint32_t root_ = 0;
};

}  // namespace certd::config
