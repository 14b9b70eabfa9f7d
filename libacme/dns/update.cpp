// UPDATE messages and the judgement of their replies.
#include "libacme/dns/update.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace certd::dns {

namespace {

constexpr std::uint16_t bad_time = 18;

Message update_message(const Name& zone, Record change) {
    Message message = query(zone, Type::soa, false);  // RFC 2136 §2.3: the zone section
    message.opcode = Opcode::update;
    message.authorities.push_back(std::move(change));
    return message;
}

std::string place_of(const Endpoint& server, const Name& zone) {
    return fmt::format("{} on {}", zone.text(), text_of(server));
}

// One exchange with one server, until a reply with a good signature has come.
class SignedExchange {
   public:
    SignedExchange(Clock& clock, Endpoint server, const TsigKey& key, Name zone)
        : clock_(clock), server_(std::move(server)), key_(key), zone_(std::move(zone)) {}

    Task<Message> run(Message message, Duration timeout) {
        SignedMessage request = sign(to_wire(message), key_, clock_.now());
        ExchangeOptions options;
        options.timeout = timeout;
        options.accept = [&](const Reply& reply) {
            TsigVerdict verdict = verify(reply.octets, reply.message, key_, request.mac, clock_.now());
            bool accepted = verdict.kind == TsigVerdict::Kind::good;
            if (accepted || !last_ || verdict.error != 0) last_ = verdict;
            return accepted;
        };
        try {
            Reply reply =
                co_await exchange(clock_, server_, std::move(message), std::move(request.octets), std::move(options));
            if (last_->error == bad_time) fail_for_time();
            co_return std::move(reply.message);
        } catch (const Failure& failure) {
            // Nothing came that was signed with the key: what came instead explains it, and is believed no further.
            if (failure.problem().code != "dns.noAnswer" || !last_) throw;
        }
        fail(not_signed());
    }

   private:
    [[noreturn]] void fail_for_time() const {
        std::string theirs = last_->server_time ? format_rfc3339(*last_->server_time) : "unknown";
        fail("dns.clockSkew",
             fmt::format("The server of {} refused the update because the clocks differ: here it is {}, there {}",
                         place_of(server_, zone_), format_rfc3339(clock_.now()), theirs));
    }

    Problem not_signed() const {
        using Kind = TsigVerdict::Kind;
        std::string why = last_->kind == Kind::wrong_key    ? "its replies are signed with another key"
                          : last_->kind == Kind::wrong_mac  ? "the signatures of its replies are wrong"
                          : last_->kind == Kind::wrong_time ? "its replies are signed with a time too far from ours"
                                                            : "its replies are not signed";
        return problem("dns.notSigned",
                       fmt::format("The update of {} was not confirmed with the key {}: {}", place_of(server_, zone_),
                                   key_.name.text(), why),
                       last_->error != 0 ? tsig_error_text(last_->error) : "");
    }

    Clock& clock_;
    Endpoint server_;
    const TsigKey& key_;
    Name zone_;
    std::optional<TsigVerdict> last_;
};

void check_rcode(const Message& reply, const Endpoint& server, const Name& zone) {
    if (reply.rcode == Rcode::no_error) return;
    fail("dns.updateRefused", fmt::format("The update of {} was refused", place_of(server, zone)),
         to_string(reply.rcode));
}

// RFC 2136 §3.4.2.2: a TXT record added where a CNAME stands is passed over with NOERROR, so look.
Task<> check_added(Clock& clock, Endpoint server, Name zone, Name name, std::string value, Duration timeout) {
    Message question = query(name, Type::txt, false);
    Bytes octets = to_wire(question);
    ExchangeOptions options;
    options.timeout = timeout;
    Reply reply = co_await exchange(clock, server, std::move(question), std::move(octets), std::move(options));
    bool alias = false;
    for (const Record& record : reply.message.answers) {
        if (record.name == name && text_of(record) == value) co_return;
        if (record.name == name && record.type == Type::cname) alias = true;
    }
    fail("dns.updateIgnored",
         fmt::format("The server of {} accepted the update of {} and did not do it: {}", place_of(server, zone),
                     name.text(), alias ? "a CNAME stands there" : "the TXT value is not there"));
}

// The first server that answers; what it says is final.
Task<Endpoint> change(Clock& clock, const UpdateTarget& target, const TsigKey& key, Record record) {
    Problem last = problem("dns.noAnswer", fmt::format("There is no server for updates of {}", target.zone.text()));
    for (const Endpoint& server : target.servers) {
        try {
            SignedExchange signed_exchange(clock, server, key, target.zone);
            Message reply = co_await signed_exchange.run(update_message(target.zone, record), target.timeout);
            check_rcode(reply, server, target.zone);
            co_return server;
        } catch (const Failure& failure) {
            if (failure.problem().code != "dns.noAnswer") throw;
            last = failure.problem();
        }
    }
    fail(std::move(last));
}

}  // namespace

Task<> add_text(Clock& clock, UpdateTarget target, TsigKey key, Name name, std::string value, std::uint32_t ttl) {
    Record record{name, Type::txt, Class::in, ttl, text_data(value)};
    Endpoint server = co_await change(clock, target, key, std::move(record));
    co_await check_added(clock, server, target.zone, std::move(name), std::move(value), target.timeout);
}

Task<> remove_text(Clock& clock, UpdateTarget target, TsigKey key, Name name, std::string value) {
    // RFC 2136 §2.5.4: class NONE and our data takes away this one value only.
    Record record{std::move(name), Type::txt, Class::none, 0, text_data(value)};
    co_await change(clock, target, key, std::move(record));
}

}  // namespace certd::dns
