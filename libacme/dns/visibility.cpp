// Rounds of questions to authoritative servers.
#include "libacme/dns/visibility.hpp"

#include "libacme/async/task_group.hpp"
#include "libacme/base/text.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

namespace certd::dns {

namespace {

constexpr int rounds_to_agree = 2;
constexpr Duration first_pause = milliseconds(500);

std::string instead_of(const Message& answer, const Name& name, bool recursive) {
    std::size_t values = 0;
    for (const Record& record : answer.answers) {
        if (record.name == name && record.type == Type::cname) return "a CNAME";
        if (record.name == name && record.type == Type::txt) ++values;
    }
    if (answer.rcode != Rcode::no_error) return to_string(answer.rcode);
    if (!answer.authoritative && !recursive) return "an answer that is not authoritative";
    return values == 0 ? "no TXT record" : fmt::format("{} other value{}", values, values == 1 ? "" : "s");
}

bool shows(const Message& answer, const Name& name, const Wanted& wanted) {
    if (answer.rcode != Rcode::no_error) return false;
    return std::ranges::any_of(answer.answers, [&](const Record& record) {
        if (record.name != name || record.klass != Class::in) return false;
        std::optional<std::string> text = text_of(record);
        return text && wanted(*text);
    });
}

std::string lag_text(const std::vector<Sighting>& sightings) {
    std::vector<std::string> texts;
    for (const Sighting& sighting : sightings) {
        if (!sighting.shown) texts.push_back(fmt::format("{} has {}", sighting.server, sighting.instead));
    }
    return join(texts, "; ");
}

// All servers at once.
Task<std::vector<Sighting>> look_round(Clock& clock, const std::vector<NameServer>& servers, const Name& name,
                                       const Wanted& wanted, Duration timeout, bool recursive) {
    std::vector<Sighting> sightings(servers.size());
    TaskGroup group(co_await asio::this_coro::executor, [](const std::string&, std::exception_ptr) {});
    for (std::size_t i = 0; i < servers.size(); ++i) {
        sightings[i] = {servers[i].name, false, "no answer"};
        group.spawn("look at " + servers[i].name,
                    [](Clock& with, NameServer server, Name of, Wanted what, Duration limit, bool from_memory,
                       Sighting& into) -> Task<> {
                        into =
                            co_await look(with, std::move(server), std::move(of), std::move(what), limit, from_memory);
                    }(clock, servers[i], name, wanted, timeout, recursive, sightings[i]));
    }
    co_await group.join();
    co_return sightings;
}

}  // namespace

Wanted equal_to(std::string value) {
    return [value = std::move(value)](const std::string& text) { return text == value; };
}

Task<Sighting> look(Clock& clock, NameServer server, Name name, Wanted wanted, Duration timeout, bool recursive) {
    Sighting sighting{server.name, false, server.addresses.empty() ? "no address" : ""};
    bool answered = false;
    for (const Endpoint& address : server.addresses) {
        std::string place =
            text_of(address) == server.name ? server.name : fmt::format("{} ({})", server.name, text_of(address));
        try {
            Message question = query(name, Type::txt, recursive);
            Bytes octets = to_wire(question);
            ExchangeOptions options;
            options.timeout = timeout;
            Reply reply = co_await exchange(clock, address, std::move(question), std::move(octets), std::move(options));
            answered = true;
            sighting.shown = shows(reply.message, name, wanted);
            sighting.server = place;
            if (!sighting.shown) sighting.instead = instead_of(reply.message, name, recursive);
            if (!sighting.shown) break;
        } catch (const Failure&) {
            if (!answered) sighting = {place, false, "no answer"};
        }
    }
    co_return sighting;
}

bool agree(const std::vector<Sighting>& sightings, std::size_t quorum) {
    auto shown = static_cast<std::size_t>(std::ranges::count(sightings, true, &Sighting::shown));
    std::size_t needed = quorum == 0 ? sightings.size() : std::min(quorum, sightings.size());
    return shown > 0 && shown >= needed;
}

Task<> wait_until_visible(Clock& clock, std::vector<NameServer> servers, Name name, Wanted wanted,
                          VisibilityOptions options) {
    Duration end = clock.monotonic() + options.timeout;
    Duration pause = std::min(first_pause, options.interval);
    int agreed = 0;
    for (;;) {
        std::vector<Sighting> sightings = co_await look_round(
            clock, servers, name, wanted, std::min(options.query_timeout, options.timeout), options.recursive);
        agreed = agree(sightings, options.quorum) ? agreed + 1 : 0;
        if (agreed == rounds_to_agree) co_return;
        if (clock.monotonic() + pause > end) {
            fail("dns.notVisible",
                 fmt::format("The TXT record of {} did not become visible on every {} server within {}", name.text(),
                             options.recursive ? "recursive" : "authoritative", format_duration(options.timeout)),
                 lag_text(sightings));
        }
        co_await clock.sleep(pause);
        // While they agree the second look is quick; while they lag each one is a little more patient.
        if (agreed == 0) pause = std::min(pause * 3 / 2, options.interval);
    }
}

}  // namespace certd::dns
