// Random numbers that are the same on every machine, compiler and library.
#pragma once

#include <cstddef>
#include <cstdint>

namespace certificates {

/// SplitMix64. Each row has a generator of its own, made from (seed, stream, index), so that any row can be made
/// without the ones before it.
class Random {
 public:
  Random(std::uint64_t seed, std::uint64_t stream, std::uint64_t index) : state_(seed) {
    state_ = next() ^ (stream * 0x9E3779B97F4A7C15ULL);
    state_ = next() ^ (index * 0xD1B54A32D192ED03ULL);
  }

  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }

  /// In [0, bound); `bound` from 1 to 2^32.
  std::int64_t below(std::int64_t bound) {
    return static_cast<std::int64_t>(((next() >> 32) * static_cast<std::uint64_t>(bound)) >> 32);
  }
  /// In [low, high].
  std::int64_t between(std::int64_t low, std::int64_t high) { return low + below(high - low + 1); }
  /// True in `per_million` of a million calls.
  bool chance(std::int64_t per_million) { return below(1'000'000) < per_million; }

  template <typename T, std::size_t N>
  const T& pick(const T (&values)[N]) {
    return values[static_cast<std::size_t>(below(static_cast<std::int64_t>(N)))];
  }

 private:
  std::uint64_t state_;
};

}  // namespace certificates
