// Makes what haproxy has in memory agree with the files of a target, over its runtime API in place of a reload.
#pragma once

#include "config/model.hpp"
#include "daemon/deploy/host.hpp"
#include "daemon/deploy/verify.hpp"
#include "libacme/async/clock.hpp"

#include <vector>

namespace certd {

// Brings the files of part combined, as they are on disk now, into haproxy one after another. Where a reload can follow
// (`runs_program`), `expected` must be served within two seconds as well. A cancelled one leaves no transaction open.
// Problems haproxy.*, storage.*.
Task<Result<void>> take_up_by_haproxy(Clock& clock, Host& host, const config::Target& target,
                                      std::vector<Expected> expected);

// Whether that would work now, nothing being changed: socket, level, and the paths that haproxy must know.
Task<Result<void>> check_haproxy(Host& host, const config::Target& target);

}  // namespace certd
