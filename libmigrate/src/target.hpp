// Which target a state belongs to: kept at the first run that writes, compared ever after.
#pragma once

#include <optional>

#include "migrate/checkpoint_store.hpp"
#include "migrate/sink.hpp"

MIGRATE_BEGIN

struct TargetMatch {
  TargetIdentity given;                 ///< what the sink says now
  std::optional<TargetIdentity> known;  ///< what the state has kept; nothing before the first run, or in older states
  /// The state's own target, whatever it calls itself: also where the sink cannot tell, where the state has kept
  /// nothing yet, and where the target has receipts of this state (the two were moved together).
  bool same = true;
};
awaitable<TargetMatch> match_target(CheckpointStore& store, Sink& sink);
/// Throws Error(conflict, foreign_target) when it does not match.
awaitable<void> require_target(CheckpointStore& store, Sink& sink);
Error foreign_target(const TargetMatch& match);
/// From now on the state belongs to match.given; what it was called before is kept beside it.
awaitable<void> keep_target(CheckpointStore& store, TargetMatch match, std::uint64_t run);

MIGRATE_END
