// certd.yaml(5), written from the schema's rows in the macros of man(7).
#include "config/reference.hpp"

#include "libacme/base/text.hpp"

#include <fmt/format.h>

namespace certd::config {

namespace {

constexpr std::string_view introduction = R"(.\" Generated from the schema by certd \-\-config\-manual; do not edit.
.TH CERTD.YAML 5 "" "certd" "File formats"
.nh
.ad l
.SH NAME
certd.yaml \- configuration of certd
.SH DESCRIPTION
.BR certd (8)
reads
.I /etc/certd/certd.yaml
(or the file given with
.BR \-\-config )
and then
.I conf.d/*.yaml
beside it, in order of their names.
.BR cas ,
.B targets
and
.B lineages
may be spread over the files; each name in them, and every other key, stands in one file only.
.B certd \-\-check\-config
reports every mistake with its place;
.B certctl reload
takes up changes, and a file with errors leaves the configuration in force as it is.
.PP
Neither the files nor
.I conf.d
may be writable by group or others, nor belong to anybody but root and certd's own user.
)";

constexpr std::string_view how_to_read = R"(Keys are joined by dots;
.B *
stands for a name of your choice and
.B []
for each item of a list. A lineage's own key replaces the one in
.B defaults
as a whole.
)";

constexpr std::string_view ending = R"(.SH FILES
.TP
.I /etc/certd/certd.yaml
the configuration
.TP
.I /etc/certd/conf.d/*.yaml
more of it, if you like: a file for each service or team
.TP
.I /usr/share/doc/certd/examples
configurations for common cases; README.md there says what each is for
.SH EXAMPLES
One certificate for an nginx on the same machine, proven through the directory that it serves on port 80:
.PP
.EX
cas:
  letsencrypt:
    directory: https://acme\-v02.api.letsencrypt.org/directory
    contact: [ops@example.com]
    agree_tos: true
defaults:
  cas: [letsencrypt]
  challenge: { http\-01: { webroot: /var/www/html } }
targets:
  web:
    install:
      \- { part: fullchain, path: /etc/ssl/web/fullchain.pem, mode: \(dq0644\(dq }
      \- { part: privkey, path: /etc/ssl/web/privkey.pem, mode: \(dq0600\(dq }
    test: [nginx, \-t]
    reload: { systemd: nginx.service }
    verify: { tls: [\(dq127.0.0.1:443\(dq] }
lineages:
  example.com:
    names: [example.com, www.example.com]
    targets: [web]
.EE
.SH SEE ALSO
.BR certd (8),
.BR certctl (1)
)";

// The code point that begins at `at`, which moves behind it. The texts are our own and valid UTF-8.
char32_t next_code_point(std::string_view text, std::size_t& at) {
    auto lead = static_cast<unsigned char>(text[at++]);
    int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
    char32_t point = more == 0 ? lead : lead & (0x3F >> more);
    for (; more > 0 && at < text.size(); --more)
        point = (point << 6) | (static_cast<unsigned char>(text[at++]) & 0x3F);
    return point;
}

// One character as roff prints it unchanged, whatever it would mean to roff or to a UTF-8 terminal's typography.
std::string literal(char32_t point) {
    switch (point) {
        case '\\':
            return "\\e";
        case '-':
            return "\\-";
        case '"':
            return "\\(dq";
        case '\'':
            return "\\(aq";
        case '^':
            return "\\(ha";
        case '~':
            return "\\(ti";
        default:
            break;
    }
    return point < 0x80 ? std::string(1, static_cast<char>(point))
                        : fmt::format("\\[u{:04X}]", static_cast<std::uint32_t>(point));
}

// A line of Markdown in roff: `code` and **strong** become bold.
std::string inline_text(std::string_view markdown) {
    std::string text;
    bool bold = false;
    std::size_t at = 0;
    auto toggle = [&](std::size_t marks) {
        bold = !bold;
        text += bold ? "\\fB" : "\\fR";
        at += marks;
    };
    while (at < markdown.size()) {
        if (markdown[at] == '`') {
            toggle(1);
        } else if (markdown.substr(at).starts_with("**")) {
            toggle(2);
        } else {
            text += literal(next_code_point(markdown, at));
        }
    }
    bool control = text.starts_with('.') || text.starts_with('\'');
    return (control ? "\\&" : "") + text;
}

std::string line(std::string_view markdown) {
    return inline_text(markdown) + "\n";
}

std::string default_line(const Row& row) {
    std::string type = inline_text(describe_type(row));
    if (row.need == Need::required) return type + "; required\n";
    if (row.default_text.empty()) return type + "\n";
    std::string value = inline_text(row.default_text);
    return default_is_words(row) ? fmt::format("{}; default: {}\n", type, value)
                                 : fmt::format("{}; default: \\fB{}\\fR\n", type, value);
}

// The keys of a row, one above the other, as the tag of a paragraph.
std::string tag(const Row& row) {
    std::string text;
    for (const std::string& key : shown_keys(row))
        text += fmt::format("{}\n\\fB{}\\fR\n", text.empty() ? ".TP" : ".TQ", inline_text(key));
    return text;
}

std::string values() {
    std::string text = ".SS How values are written\n";
    for (std::string_view rule : split(value_rules(), '\n')) {
        if (rule.starts_with("- ")) text += ".IP \\(bu 2\n" + line(rule.substr(2));
    }
    return text;
}

std::string section(const ReferenceGroup& group) {
    std::string text = fmt::format(".SS {}", line(group.title));
    if (!group.doc.empty()) text += line(group.doc);
    for (const Row* row : group.rows)
        text += tag(*row) + line(row->doc) + ".br\n" + default_line(*row);
    return text;
}

std::string refused(std::string_view title, Need need) {
    std::string text = fmt::format(".SS {}\n", title);
    for (const Row* row : rows_with(need))
        text += tag(*row) + line(row->doc);
    return text;
}

}  // namespace

std::string manual_page() {
    std::string page(introduction);
    page += values() + ".SH KEYS\n" + std::string(how_to_read);
    for (const ReferenceGroup& group : reference_groups())
        page += section(group);
    page += refused("Not available in this release", Need::later);
    page += refused("Refused, with what to write instead", Need::refused);
    return page + std::string(ending);
}

}  // namespace certd::config
