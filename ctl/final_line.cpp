#include "ctl/final_line.hpp"

namespace certd::ctl {

Result<Json> final_line(Context context, Exchange exchange) {
    for (;;) {
        Result<bool> more = exchange.read_available();
        if (!more) return failure(std::move(more).error());
        while (std::optional<std::string> text = exchange.take_line()) {
            Result<Json> json = parse_json(*text, {context.client.limits().line, 64});
            if (!json)
                return failure("control.protocol", "A line on the control socket is not JSON", json.error().what);
            if ((*json)["problem"].is_object()) return failure(problem_from_json((*json)["problem"]));
            if ((*json)["result"].is_object()) return (*json)["result"];
        }
        if (!*more) return failure("control.connectionLost", "certd ended its answer without a result");
        if (exchange.silent_for() > context.client.limits().silence)
            return failure("control.timeout", "certd has fallen silent");
        wait_readable({&exchange}, milliseconds(100));
    }
}

}  // namespace certd::ctl
