// Would this deployment work? Looks at everything it needs and changes nothing.
#pragma once

#include "daemon/deploy/deploy_shared.hpp"

namespace certd {

// All that is wrong, the first as the problem itself and the others as its parts. On this machine the service's test
// sees the new files in a view of its own; exec commands, reload and verification have effects and are never rehearsed,
// nor is anything on another machine than whether it is reached, and would let certd write the files and run the
// commands. What is served is looked at where there is something of an earlier deployment.
Task<Result<std::vector<RehearsedPlace>>> rehearse_order(DeployShared& shared, DeployOrder order, VersionFiles files,
                                                         VersionFacts facts);

}  // namespace certd
