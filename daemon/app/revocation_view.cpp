// Views of what CRLs say.
#include "daemon/app/revocation_view.hpp"

#include "libacme/base/text.hpp"

#include <fmt/format.h>

namespace certd {

namespace {

std::string stamp(Time time) {
    return format_rfc3339(std::chrono::floor<seconds>(time));
}

std::string when(Time at, Time now) {
    return at <= now ? "now" : fmt::format("in {} ({})", format_approximate(at - now), stamp(at));
}

}  // namespace

std::optional<api::Revocation> revocation_view(const std::optional<CrlSight>& sight) {
    if (!sight) return std::nullopt;
    api::Revocation view;
    view.status = to_string(sight->status);
    view.url = escape_untrusted(sight->crl.url);
    view.checked_at = sight->crl.checked_at;
    if (sight->crl.checked_at) view.good_until = sight->crl.next_update;
    view.next_check = sight->next_check;
    view.problem = sight->crl.problem;
    if (sight->revoked) {
        view.revoked_at = sight->revoked->since;
        view.reason = sight->revoked->reason;
    }
    return view;
}

std::vector<std::string> revocation_sentences(const api::Lineage& view, Time now) {
    std::vector<std::string> sentences;
    if (!view.revocation) return sentences;
    const api::Revocation& known = *view.revocation;
    if (known.status == "not-checked") {
        return {"Whether the certificate was revoked is not looked at: it names no CRL that can be fetched."};
    }
    if (known.status == "revoked") {
        sentences.push_back(fmt::format("The live certificate was revoked at {} ({}), says {}.",
                                        stamp(known.revoked_at.value_or(now)), known.reason, known.url));
    } else if (known.status == "good") {
        sentences.push_back(
            fmt::format("The live certificate is not revoked, says {}, as it was {}; that holds until {}.", known.url,
                        stamp(known.checked_at.value_or(now)), stamp(known.good_until.value_or(now))));
    } else {
        sentences.push_back(fmt::format("Whether the live certificate was revoked is not known{}.",
                                        known.checked_at ? " since " + stamp(known.good_until.value_or(now)) : " yet"));
    }
    if (known.problem) {
        sentences.push_back(fmt::format("The last look at its CRL brought nothing: {}. Nothing else depends on it.",
                                        describe(*known.problem)));
    }
    if (known.next_check)
        sentences.push_back(fmt::format("The CRL is fetched again {}.", when(*known.next_check, now)));
    return sentences;
}

}  // namespace certd
