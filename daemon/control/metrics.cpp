// What monitoring asks for: metrics in the format it likes and a sign of life.
#include "daemon/control/routes.hpp"

namespace certd::control {

Task<> show_metrics(Exchange& exchange) {
    const MetricsFormat format = accepted_format(exchange.request.headers.find("Accept").value_or(""));
    co_await exchange.answer.text(std::string(content_type(format)), exchange.operations.metrics(format));
}

Task<> show_health(Exchange& exchange) {
    co_await exchange.answer.text("text/plain; charset=utf-8", "ok\n");
}

}  // namespace certd::control
