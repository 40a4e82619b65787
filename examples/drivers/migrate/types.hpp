// Whether the types exist that a person has named: a slip of the pen must not move everything, nothing, or all again.
#pragma once

#include <string>

#include "session.hpp"

namespace migrate::program {

/// Throws Error(invalid) that names the nearest type where RunOptions::only or ::where is about a type that the source
/// does not have. A source that cannot be asked is for the checks of the run to report. Writes nothing.
void require_types(const Plan& plan, int verbosity, const RunOptions& options);

/// The same for the type of a mapping file: one of the source, of the target, or of the id map. Where a transformer may
/// name types of its own, one that is near to none of them is only warned of. Asks source and state; writes nothing.
awaitable<void> require_mapped_type(Pipeline pipeline, std::string type, LogTarget& log);

/// The same for a type of the id map that is asked for: what a transformer has made is on the id map, or there is
/// nothing to tell of it. Only where the source cannot be asked a type that nobody knows is warned of.
awaitable<void> require_known_type(Pipeline pipeline, std::string type);

}  // namespace migrate::program
