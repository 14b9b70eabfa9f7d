// Fetching the certificate chain and its alternates (RFC 8555 §7.4.2) and the choice among them.
#pragma once

#include "libacme/crypto/certificate.hpp"
#include "libacme/protocol/session.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace certd::acme {

// The URLs of the alternate links of a download: usable, each once, not the download itself, at most ten.
std::vector<Url> alternate_urls(const Session& session, const Url& download, const HttpHeaders& headers);

struct Downloaded {
    std::vector<Chain> chains;       // the default first, all with the same leaf and within the expectation
    std::vector<std::string> notes;  // alternates that were left out, and why
};
// Throws Failure (crypto.*) when the default chain is not what was expected; a bad alternate is only left out.
Task<Downloaded> download_chains(Session& session, Url certificate, ChainExpectation expectation);

// The first chain that fits `preferred`, else nullopt: the common name of the issuer of its topmost certificate, the
// SHA-256 fingerprint of a certificate in it (hex, colons or not), or "shortest".
std::optional<std::size_t> preferred_chain(std::span<const Chain> chains, const std::string& preferred);

}  // namespace certd::acme
