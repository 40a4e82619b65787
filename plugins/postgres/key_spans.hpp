// Ranges of integer keys that may hold rows, of a table whose key has no index.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>

namespace migrate::postgres {

/// Disjoint closed spans. What is added stays covered; a gap may be forgotten, so that memory stays small.
class KeySpans {
 public:
  void add(std::int64_t least, std::int64_t most) {
    auto next = spans_.upper_bound(most);
    while (next != spans_.begin()) {
      const auto span = std::prev(next);
      if (span->second < least - (least > INT64_MIN ? 1 : 0)) break;
      least = std::min(least, span->first);
      most = std::max(most, span->second);
      next = spans_.erase(span);
    }
    spans_.emplace(least, most);
    if (spans_.size() > most_spans) close_narrowest_gap();
  }
  bool touches(std::int64_t least, std::int64_t most) const {
    const auto next = spans_.upper_bound(most);
    return next != spans_.begin() && std::prev(next)->second >= least;
  }

 private:
  static constexpr std::size_t most_spans = 256;
  void close_narrowest_gap() {
    auto narrowest = std::next(spans_.begin());
    std::uint64_t width = UINT64_MAX;
    for (auto span = std::next(spans_.begin()); span != spans_.end(); ++span) {
      const std::uint64_t gap =
          static_cast<std::uint64_t>(span->first) - static_cast<std::uint64_t>(std::prev(span)->second);
      if (gap < width) width = gap, narrowest = span;
    }
    std::prev(narrowest)->second = narrowest->second;
    spans_.erase(narrowest);
  }
  std::map<std::int64_t, std::int64_t> spans_;  ///< least -> most
};

}  // namespace migrate::postgres
