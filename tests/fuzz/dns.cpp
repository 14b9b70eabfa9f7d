// DNS messages from anybody: what is read can be looked into and judged without leaving its octets, and is read again
// from what is written of it as the same.
#include "libacme/dns/caa.hpp"
#include "libacme/dns/tsig.hpp"
#include "tests/fuzz/input.hpp"

#include <cstdlib>

using namespace certd;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes octets(data, data + size);
    auto message = dns::read_message(octets);
    if (!message) return 0;
    for (const auto* section : {&message->answers, &message->authorities, &message->additionals}) {
        for (const dns::Record& record : *section) {
            if (auto target = dns::target_of(record); target && target->wire().size() > 255) std::abort();
            if (auto text = dns::text_of(record); text && text->size() > record.data.size()) std::abort();
            if (auto property = dns::caa_of(record); property && dns::parse_issue_value(property->value)) {
                if (property->tag.empty() && !property->value.empty()) std::abort();
            }
            dns::primary_of(record);
            dns::address_of(record);
            if (record.name.text().empty()) std::abort();
        }
    }
    static const dns::TsigKey key{*dns::Name::parse("k.example"), HmacHash::sha256, Bytes(32, 1)};
    if (dns::verify(octets, *message, key, {}, Time(seconds(1'700'000'000))).kind == dns::TsigVerdict::Kind::good)
        std::abort();  // nobody here has the key

    const Bytes written = dns::to_wire(*message);
    if (written.size() > 65535) return 0;  // names written out may need more room than pointers did
    auto again = dns::read_message(written);
    if (!again || again->answers != message->answers || again->questions != message->questions) std::abort();
    return 0;
}
