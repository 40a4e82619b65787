#include "sample.hpp"

#include <algorithm>
#include <limits>

#include "resolver.hpp"

MIGRATE_BEGIN

namespace {
constexpr int bits = 16;

std::size_t place_of(const RecordRef& record) {
  return RefHash()(record) >> (std::numeric_limits<std::size_t>::digits - bits);
}
}  // namespace

Sample::Sample(std::uint64_t least, bool tenth)
    : counts_(std::size_t{1} << bits), end_(counts_.size()), least_(least), tenth_(tenth) {}

std::uint64_t Sample::wanted() const noexcept { return tenth_ ? std::max(least_, (noted_ + 9) / 10) : least_; }

void Sample::note(const RecordRef& record) {
  const std::size_t place = place_of(record);
  ++noted_;
  ++counts_[place];
  if (place < end_) ++below_;
  adjust();
}

/// No more counts than it takes.
void Sample::adjust() {
  while (end_ > 0 && below_ - counts_[end_ - 1] >= wanted()) below_ -= counts_[--end_];
  while (end_ < counts_.size() && below_ < wanted()) below_ += counts_[end_++];
}

bool Sample::holds(const RecordRef& record) const noexcept {
  const std::size_t place = place_of(record);
  return place >= begin_ && place < end_;
}

bool Sample::takes(const RecordRef& record) {
  note(record);
  if (!holds(record) && taken_ >= wanted()) return false;
  ++taken_;
  return true;
}

bool Sample::widen(std::uint64_t missing) {
  if (missing == 0 || below_ == noted_) return false;
  begin_ = end_;
  least_ = below_ + missing;
  tenth_ = false;
  adjust();
  return true;
}

MIGRATE_END
