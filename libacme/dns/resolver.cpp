// Look-ups by recursive servers.
#include "libacme/dns/resolver.hpp"

#include "libacme/base/text.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include <fmt/format.h>

namespace certd::dns {

namespace {

constexpr int rounds = 2;
constexpr std::size_t cname_limit = 10;
constexpr std::size_t name_server_limit = 16;
constexpr std::size_t address_limit = 8;

bool is_usable(const Message& answer) {
    return answer.rcode == Rcode::no_error || answer.rcode == Rcode::nx_domain;
}

// What of `answer` is about `name` itself, of this type (faults S8: whatever else came along is passed over).
std::vector<const Record*> records_of(const std::vector<Record>& section, const Name& name, Type type) {
    std::vector<const Record*> found;
    for (const Record& record : section) {
        if (record.name == name && record.type == type && record.klass == Class::in) found.push_back(&record);
    }
    return found;
}

// The SOA of a zone that `name` can be in: in the answer when it is the apex, else in the authority section
// (RFC 2308 §2).
std::optional<Zone> zone_in(const Message& answer, const Name& name) {
    for (const auto* section : {&answer.answers, &answer.authorities}) {
        for (const Record& record : *section) {
            if (record.type != Type::soa || record.klass != Class::in || !name.is_at_or_below(record.name)) continue;
            if (auto primary = primary_of(record)) return Zone{record.name, *primary};
        }
    }
    return std::nullopt;
}

}  // namespace

Task<Message> Resolver::ask(Name name, Type type) {
    Problem last = problem("dns.noAnswer", "There is no name server to ask about " + name.text());
    for (int round = 0; round < rounds; ++round) {
        for (const Endpoint& server : options_.servers) {
            try {
                Message question = query(name, type, true);
                Bytes octets = to_wire(question);
                ExchangeOptions options;
                options.timeout = options_.timeout;
                Reply reply =
                    co_await exchange(clock_, server, std::move(question), std::move(octets), std::move(options));
                if (is_usable(reply.message)) co_return std::move(reply.message);
                last = problem("dns.failed",
                               fmt::format("The name server {} answered {} to the question for {} {}", text_of(server),
                                           to_string(reply.message.rcode), name.text(), to_string(type)));
            } catch (const Failure& failure) {
                last = failure.problem();
            }
        }
    }
    fail(std::move(last));
}

Task<Name> Resolver::final_name(Name name) {
    std::set<Name> seen = {name};
    for (Name current = name;;) {
        Message answer = co_await ask(current, Type::cname);
        auto aliases = records_of(answer.answers, current, Type::cname);
        if (aliases.empty()) co_return current;
        auto target = target_of(*aliases.front());
        if (!target || !seen.insert(*target).second || seen.size() > cname_limit + 1) {
            fail("dns.cnameLoop",
                 fmt::format("The CNAMEs of {} lead nowhere: after {} of them the chain {}", name.text(),
                             seen.size() - 1, seen.size() > cname_limit ? "still has no end" : "comes back to itself"));
        }
        current = *target;
    }
}

Task<Zone> Resolver::zone_of(Name name) {
    for (Name candidate = name; !candidate.is_root(); candidate = candidate.parent()) {
        Message answer = co_await ask(candidate, Type::soa);
        auto zone = zone_in(answer, candidate);
        if (zone && !zone->apex.is_root()) co_return std::move(*zone);
    }
    fail("dns.noZone", fmt::format("No zone was found that {} is in", name.text()));
}

Task<std::vector<Endpoint>> Resolver::addresses(Name host) {
    std::vector<Endpoint> found;
    std::optional<Problem> failed;
    for (Type type : {Type::aaaa, Type::a}) {
        Message answer;
        try {
            answer = co_await ask(host, type);
        } catch (const Failure& failure) {
            failed = failure.problem();  // some servers fail for a type they do not know; the other may do
        }
        // An alias is followed by the server asked; the addresses are then those of its target.
        for (const Record& record : answer.answers) {
            auto text = record.type == type && record.klass == Class::in ? address_of(record) : std::nullopt;
            if (text && found.size() < address_limit)
                found.emplace_back(asio::ip::make_address(*text), options_.authority_port);
        }
    }
    if (found.empty() && failed) fail(std::move(*failed));
    co_return found;
}

Task<std::vector<NameServer>> Resolver::authorities(Zone zone) {
    Message answer = co_await ask(zone.apex, Type::ns);
    std::vector<NameServer> servers;
    for (const Record* record : records_of(answer.answers, zone.apex, Type::ns)) {
        auto name = target_of(*record);
        if (!name || servers.size() == name_server_limit) continue;
        std::vector<Endpoint> found;
        try {
            found = co_await addresses(*name);
        } catch (const Failure&) {
            // One server less to ask; whether that is too few is decided below and by the quorum.
        }
        servers.push_back({name->text(), std::move(found)});
    }
    bool reachable = std::ranges::any_of(servers, [](const NameServer& server) { return !server.addresses.empty(); });
    if (reachable) co_return servers;
    fail("dns.noZone", fmt::format("No name server of the zone {} has an address", zone.apex.text()));
}

std::vector<Endpoint> nameservers_in(std::string_view resolv_conf) {
    std::vector<Endpoint> servers;
    for (std::string_view line : split(resolv_conf, '\n')) {
        line = trim(line);
        constexpr std::string_view keyword = "nameserver";
        if (!line.starts_with(keyword)) continue;
        boost::system::error_code error;
        auto address = asio::ip::make_address(std::string(trim(line.substr(keyword.size()))), error);
        if (!error) servers.emplace_back(address, std::uint16_t{53});
    }
    if (servers.empty()) servers.emplace_back(asio::ip::address_v4::loopback(), std::uint16_t{53});
    return servers;
}

}  // namespace certd::dns
