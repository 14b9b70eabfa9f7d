// What monitoring asks for: Prometheus text and a sign of life.
#include "daemon/control/routes.hpp"

namespace certd::control {

Task<> show_metrics(Exchange& exchange) {
    co_await exchange.answer.text("text/plain; version=0.0.4; charset=utf-8", exchange.operations.metrics());
}

Task<> show_health(Exchange& exchange) {
    co_await exchange.answer.text("text/plain; charset=utf-8", "ok\n");
}

}  // namespace certd::control
