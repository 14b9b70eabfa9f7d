// Would this deployment work? Looks at everything it needs and changes nothing.
#pragma once

#include "daemon/deploy/deploy_shared.hpp"

namespace certd {

// All that is wrong, the first as the problem itself and the others as its parts. The service's own test and what is
// served are left out for a target none of whose files exists yet: before the first deployment they cannot be in order.
Task<Result<void>> rehearse_order(DeployShared& shared, DeployOrder order, VersionFiles files, VersionFacts facts);

}  // namespace certd
