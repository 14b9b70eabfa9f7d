// The noun "event": the history kept in memory, and what happens from now on.
#include "daemon/control/routes.hpp"
#include "daemon/control/stream.hpp"
#include "libacme/base/text.hpp"

#include <charconv>

#include <fmt/format.h>

namespace certd::control {

namespace {

std::uint64_t after_parameter(const ServerRequest& request) {
    std::optional<std::string> text = request.parameter("after");
    if (!text) return 0;
    std::uint64_t id = 0;
    auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), id);
    if (error == std::errc() && end == text->data() + text->size()) return id;
    fail("control.badRequest",
         fmt::format("The parameter after is \"{}\": not the number of an event", escape_untrusted(*text, 64)));
}

bool follow_parameter(const ServerRequest& request) {
    std::string text = request.parameter("follow").value_or("0");
    if (text != "0" && text != "1") {
        fail("control.badRequest",
             fmt::format("The parameter follow is \"{}\": neither 0 nor 1", escape_untrusted(text, 64)));
    }
    return text == "1";
}

}  // namespace

Task<> list_events(Exchange& exchange) {
    EventCursor cursor(exchange.operations.events(), after_parameter(exchange.request));
    bool follow = follow_parameter(exchange.request);
    std::string lineage = exchange.request.parameter("lineage").value_or("");
    auto wanted = [lineage](const Event& event) { return lineage.empty() || event.lineage == lineage; };
    co_await stream_events(exchange.answer, cursor, exchange.clock, wanted, follow);
}

}  // namespace certd::control
