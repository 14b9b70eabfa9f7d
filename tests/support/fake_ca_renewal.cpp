// The fake CA's renewal information and its rules for `replaces` (RFC 9773).
#include "tests/support/fake_ca_state.hpp"

#include <algorithm>

namespace certd::test {

namespace {

constexpr std::string_view path = "/renewal-info/";
constexpr Duration tolerance = seconds(1);

// §4.3: when a client may ask again.
Time earliest_poll(const std::vector<std::string>& retry_after, Time now) {
    std::optional<Time> asked;
    if (!retry_after.empty()) asked = parse_retry_after(retry_after.front(), now);
    return std::clamp(asked.value_or(now), now + minutes(1), now + days(1)) - tolerance;
}

// As Boulder does: around two thirds of the validity.
std::pair<Time, Time> usual_window(const Certificate& leaf) {
    Duration life = leaf.not_after() - leaf.not_before();
    Time middle = leaf.not_before() + life / 3 * 2;
    return {middle - life / 100, middle + life / 100};
}

}  // namespace

HttpResponse FakeCa::State::renewal_info(const HttpRequest& request) {
    if (!knobs().renewal_info) refuse(404, "malformed", "not offered");
    if (request.method != "GET" || !request.body.empty())
        violation("renewal information is not asked for by plain GET");
    if (!request.url.target.starts_with(path)) violation("the path of renewal information is wrong");
    auto found = certificate_of_id.find(request.url.target.substr(path.size()));
    if (found == certificate_of_id.end()) refuse(404, "malformed", "no such certificate");
    CertificateEntry& entry = certificates[found->second];
    Time now = clock.now();
    if (entry.replaced) violation("renewal information is asked for after the replacement");
    if (entry.leaf.not_after() <= now) violation("renewal information is asked for after expiry");
    if (now < entry.next_poll) violation("renewal information is asked for too often");
    entry.next_poll = earliest_poll(knobs().renewal_retry_after, now);

    auto [start, end] = knobs().renewal_window.value_or(usual_window(entry.leaf));
    Json document = Json::object(
        {{"suggestedWindow", Json::object({{"start", format_rfc3339(start)}, {"end", format_rfc3339(end)}})}});
    if (!knobs().explanation_url.empty()) document.set("explanationURL", knobs().explanation_url);
    HttpResponse response = json_answer(200, document);
    if (knobs().renewal_body) response.body = *knobs().renewal_body;
    for (const std::string& value : knobs().renewal_retry_after)
        response.headers.add("Retry-After", value);
    return response;
}

// §5: known, of the same account, with a name in common, and not replaced by an order that came to its end.
void FakeCa::State::check_replaces(const std::string& id, std::size_t account, const std::vector<Identifier>& names) {
    if (id.empty()) return;
    if (!knobs().renewal_info) violation("replaces is sent to a CA without renewal information");
    auto found = certificate_of_id.find(id);
    if (found == certificate_of_id.end() || knobs().refuse_replaces) refuse(404, "malformed", "no such predecessor");
    const CertificateEntry& entry = certificates[found->second];
    if (entry.account != account) refuse(403, "unauthorized", "another account's predecessor");
    std::vector<Identifier> known = entry.leaf.names();
    auto shared = [&](const Identifier& name) { return std::ranges::find(known, name) != known.end(); };
    if (std::ranges::none_of(names, shared)) refuse(400, "malformed", "the predecessor has other names");
    if (entry.replaced) refuse(409, "alreadyReplaced", "the predecessor was replaced before");
}

void FakeCa::State::note_replaced(const OrderEntry& order) {
    auto found = certificate_of_id.find(order.replaces);
    if (!order.replaces.empty() && found != certificate_of_id.end()) certificates[found->second].replaced = true;
}

}  // namespace certd::test
