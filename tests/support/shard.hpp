// A part of a matrix: for builds that have no time for all of it, and for machines that do it side by side.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace testing_support {

/// Whether this process does that point of a matrix: all of them, or with MIGRATE_CRASH_SHARD=2/4 every fourth one.
inline bool in_shard(long long number) {
  const char* text = std::getenv("MIGRATE_CRASH_SHARD");
  int part = 1, of = 1;
  if (text && (std::sscanf(text, "%d/%d", &part, &of) != 2 || of < 1)) part = of = 1;
  return number % of == part - 1;
}

}  // namespace testing_support
