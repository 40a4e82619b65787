// A migration's state in a PostgreSQL database.
#pragma once

#include <memory>

#include "config.hpp"
#include "migrate/checkpoint_store.hpp"

namespace migrate::postgres {

/// One state a schema. Locked on the server for the life of the object, so that of several hosts one runs: the first
/// call of a second one waits two seconds (the session of a run that was killed a moment ago needs them to go), and then
/// gets Error(conflict) naming the holder.
std::shared_ptr<CheckpointStore> make_store(StoreConfig config, const Services& services);

}  // namespace migrate::postgres
