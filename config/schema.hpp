// Every key of the configuration: one row each, from which unknown keys, types, ranges and the reference page follow.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace certd::config {

enum class Type {
    section,   // a mapping with the keys below it
    sections,  // a mapping from names to sections
    by_name,   // a mapping from names for certificates, or endings of them, to sections
    steps,     // a list of sections
    boolean,   // true, false
    integer,   // low to high
    size,      // "10MB"; low to high octets
    duration,  // "30s"; low to high milliseconds
    choice,    // one word of `words`
    text,
    name,             // of a CA, target or lineage
    identifier,       // what a certificate is for: a DNS name or an IP address
    path,             // absolute
    secret_file,      // a path, or "credential:NAME" for one that systemd passes
    mode,             // octal digits
    account,          // a user or group: name or number
    account_or_none,  // the same, or "" for none
    email,
    https_url,
    proxy_url,
    listen,         // "ADDRESS:PORT" or "systemd:NAME"
    endpoint,       // "HOST:PORT"; ":PORT" where a target has hosts
    remote_host,    // "HOST" or "HOST:PORT"; 22 unless given
    host,           // a server name
    name_server,    // "HOST" or "HOST:PORT"; 53 unless given
    resolver,       // "ADDRESS" or "ADDRESS:PORT"; 53 unless given
    secret,         // an absolute path, or "credential:NAME" for a credential of systemd
    api_url,        // https, or http on this machine
    unit,           // of systemd
    window,         // "Sat 02:00-05:00"
    command,        // an argv list or { shell: "…" }
    json_template,  // JSON with placeholders
    hooks,          // a command, a section with `command`, or a list of these
    reload,         // a command or a section with `systemd` or `haproxy`
};

enum class Need {
    optional,
    required,
    later,    // known, but not available in this release; `doc` names the feature
    refused,  // will never be; `doc` says why and what to write instead
};

struct Row {
    // Keys joined by "."; "*" is any name, "[]" any item of a list, "{a,b}" stands for each of the alternatives.
    std::string_view path;
    Type type = Type::text;
    bool many = false;              // a list of these; a single value counts as a list of one
    std::string_view default_text;  // as it would be written; may be words: "the lineage's own name"
    std::string_view doc;           // one line
    Need need = Need::optional;
    std::int64_t low = 0, high = 0;
    std::string_view words;  // of a choice: "none|letsencrypt"
};

std::span<const Row> rows();

// `path` of a row without braces: one text per alternative.
std::vector<std::string> expand(std::string_view path);

// The rows as a tree, to be walked beside the document's.
struct SchemaNode {
    const Row* row = nullptr;                             // null: a section by name, an item of a list
    std::map<std::string, SchemaNode, std::less<>> keys;  // "*" and "[]" are kept apart:
    std::unique_ptr<SchemaNode> any;
};
const SchemaNode& schema();

// "none, letsencrypt or …": the words of a choice.
std::string list_words(std::string_view words);
// "duration from 1s to 1h": the type as the reference page and messages put it.
std::string describe_type(const Row& row);

}  // namespace certd::config
