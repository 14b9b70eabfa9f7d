// How answers about renewal information (RFC 9773) change what is known of a version, and when to ask again. Pure: the
// random draw comes in as a value.
#pragma once

#include "daemon/lineage/lineage.hpp"

namespace certd {

// A good answer of the CA: end > start.
struct AriSuggestion {
    Time start, end;
    std::string explanation_url;  // untrusted text
    Duration poll_again;          // already within the limits of the protocol
};

enum class AriChange { none, first, moved_earlier, moved_later };

// For a version just issued: asked at once.
AriState first_ari(VersionNumber version, Time now);
void begin_ari(LineageState& state, const VersionFacts& newest, Time now);  // for each certificate that CAs know of
void forget_ari(LineageState& state);

// Of the certificate with this fingerprint; nullptr when there is none.
AriState* ari_of(LineageState& state, const VersionFacts& newest, const std::string& fingerprint);

// A window that did not change keeps its instant, whatever `draw` (in [0, 1)) is; a new one gets its own.
AriChange record_ari_suggestion(AriState& state, const AriSuggestion& suggestion, Time now, double draw);

// RFC 9773 §4.3: a temporary failure is tried again after 1, 2, 4 … 32 minutes, then, and after any other, six hours
// pass; or longer, up to a day, when the CA asked for it. What was known stays.
void record_ari_failure(AriState& state, const Problem& problem, bool temporary, Time now);

// Where in its window a version of a lineage is renewed: spread evenly over lineages, the same at every draw, so that
// neither a restart nor a CA that shifts its window a little at each answer moves anything.
double ari_draw(const std::string& lineage, VersionNumber version);

// When the CA is asked next about `newest`; nullopt: not at all, because nothing is offered, the state is about a
// version that was replaced (§4.3), or the certificate will have expired.
std::optional<Time> next_ari_poll(const LineageState& state, const VersionFacts& newest, Time now);
// The one that is asked about then.
std::optional<CertificateFacts> next_ari_certificate(const LineageState& state, const VersionFacts& newest, Time now);

// The window that counts for `newest`, of its certificates the one to be renewed first; nullptr without one.
const AriWindow* window_of(const LineageState& state, const VersionFacts& newest);
// The instant at which the window wants the version renewed: never past the emergency point.
Time suggested_time(const AriWindow& window, const VersionFacts& facts);

}  // namespace certd
