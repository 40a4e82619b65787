// Numbers that depend on nothing but what they are asked for: the same seed, topic and item give the same data.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace migrate::freshdesk::simulation {

/// The finaliser of SplitMix64: equal inputs give equal outputs, near ones unrelated ones.
constexpr std::uint64_t mixed(std::uint64_t x) noexcept {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/// What a stream of numbers is for, so that two questions about one item have unrelated answers.
enum class Topic : std::uint64_t {
  ids,
  row,
  order,
  ticket,
  body,
  conversation,
  files,
  user,
  company,
  time_entries,
  ratings,
  change
};

class Random {
 public:
  Random(std::uint64_t seed, Topic topic, std::uint64_t item = 0, std::uint64_t part = 0) noexcept
      : state_(mixed(mixed(mixed(seed) ^ static_cast<std::uint64_t>(topic)) + mixed(item) * 31 + part)) {}

  std::uint64_t next() noexcept { return mixed(state_++ * 0xd1342543de82ef95ULL); }
  /// In [0, bound).
  std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }
  /// In [least, most].
  std::int64_t between(std::int64_t least, std::int64_t most) noexcept {
    return least + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(most - least) + 1));
  }
  bool chance(unsigned percent) noexcept { return below(100) < percent; }
  template <class T, std::size_t N>
  const T& pick(const std::array<T, N>& choices) noexcept {
    return choices[below(N)];
  }

 private:
  std::uint64_t state_;
};

}  // namespace migrate::freshdesk::simulation
