// Undoing what a deployment interrupted by a crash had changed, from its journal.
#pragma once

#include "daemon/deploy/deploy_shared.hpp"

namespace certd {

// Of this machine; journals of other hosts stay for the next deployment there, which goes back to what they hold.
// A journal found at the start means a deployment that was neither committed nor put back. Its paths get their old
// content (none: they are removed), unless the new content stands complete in places that were empty before, or the old
// certificate has expired and the new one can be completed. `live` goes back with them. The plan then deploys again.
// What this crash was in the middle of is not known, so nothing is run and nothing reloaded.
Task<> undo_interrupted(DeployShared& shared, LineageName lineage, config::ConfigPtr config);

}  // namespace certd
