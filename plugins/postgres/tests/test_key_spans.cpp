#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <set>

#include "key_spans.hpp"

using migrate::postgres::KeySpans;

TEST_CASE("key spans cover exactly what was added while they are few") {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    KeySpans spans;
    std::set<std::int64_t> keys;
    for (int i = 0; i < 20; ++i) {
      const std::int64_t least = static_cast<std::int64_t>(random() % 200) - 100;
      const std::int64_t most = least + static_cast<std::int64_t>(random() % 15);
      spans.add(least, most);
      for (std::int64_t key = least; key <= most; ++key) keys.insert(key);
      for (std::int64_t from = -110; from < 130; from += 3) {
        const std::int64_t to = from + static_cast<std::int64_t>(random() % 4);
        const auto first = keys.lower_bound(from);
        CHECK(spans.touches(from, to) == (first != keys.end() && *first <= to));
      }
    }
  }
}

TEST_CASE("many key spans forget gaps, never keys") {
  KeySpans spans;
  for (std::int64_t i = 0; i < 5000; ++i) spans.add(i * 10 + i * i % 7, i * 10 + i * i % 7);
  for (std::int64_t i = 0; i < 5000; ++i) CHECK(spans.touches(i * 10 + i * i % 7, i * 10 + i * i % 7));
  CHECK_FALSE(spans.touches(60000, 70000));
  CHECK_FALSE(spans.touches(-5, -1));
}

TEST_CASE("key spans hold the extremes") {
  KeySpans spans;
  spans.add(INT64_MIN, INT64_MIN);
  spans.add(INT64_MAX, INT64_MAX);
  CHECK(spans.touches(INT64_MIN, 0));
  CHECK(spans.touches(0, INT64_MAX));
  CHECK_FALSE(spans.touches(-1, 1));
}
