// What is said to haproxy's runtime API about certificates, and what its answers mean (haproxy's management guide,
// "set ssl cert"; seen of 2.6 and of the sources up to 3.4). Pure. Answers are foreign text: what is not understood
// wholly counts as a problem, never as success.
#pragma once

#include "libacme/base/problem.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace certd {

// A file of part combined as it is to be in haproxy's memory.
struct HaproxyCertificate {
    std::string path;          // its name in haproxy
    std::string pem;           // the PEM blocks alone: the first empty line ends what haproxy takes for the certificate
    std::string serial, sha1;  // of the leaf: lower-case hex, the serial without zeros in front
};
// Problem haproxy.refused when there is no certificate in `content`, or the path cannot be said to haproxy.
Result<HaproxyCertificate> haproxy_certificate(const std::string& path, std::string_view content);

// The commands, each for a connection of its own.
std::string haproxy_show_level();
std::string haproxy_list();
std::string haproxy_show(const std::string& path);
std::string haproxy_show_pending(const std::string& path);
std::string haproxy_set(const HaproxyCertificate& certificate);
std::string haproxy_commit(const std::string& path);
std::string haproxy_abort(const std::string& path);

// haproxy.denied unless certificates may be changed over the socket.
Result<void> parse_haproxy_level(std::string_view answer);

struct HaproxyListing {
    std::vector<std::string> loaded;
    std::vector<std::string> pending;  // in a transaction that is open; there is one at most
};
// Problems haproxy.answer, haproxy.denied.
Result<HaproxyListing> parse_haproxy_listing(std::string_view answer);

// Whether the answer to a question for one certificate shows this one; false: another, or none.
// Problems haproxy.answer, haproxy.denied.
Result<bool> haproxy_shows(std::string_view answer, const HaproxyCertificate& certificate);

struct HaproxySet {
    enum class Kind {
        created,  // a transaction with it is open now
        updated   // one that was open before has it now: that of `path`, whatever had been asked for
    };
    Kind kind = Kind::created;
    std::string path;
};
// Problems haproxy.answer, haproxy.denied, haproxy.refused, haproxy.tooLarge.
Result<HaproxySet> parse_haproxy_set(std::string_view answer, const HaproxyCertificate& certificate);

enum class HaproxyCommit {
    done,
    nothing_open,  // a reload dropped the transaction, or another program did
    other_open     // for another certificate
};
// Problems haproxy.answer, haproxy.denied, haproxy.refused.
Result<HaproxyCommit> parse_haproxy_commit(std::string_view answer, const std::string& path);

// haproxy.unreachable, for a question or an answer that did not come through.
Problem haproxy_unreachable(const Problem& cause);

// Whether no transaction of this path can be open any more.
bool haproxy_aborted(std::string_view answer);

}  // namespace certd
