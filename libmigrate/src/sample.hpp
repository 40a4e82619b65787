// Which records a verification compares that does not compare all of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "migrate/record.hpp"

MIGRATE_BEGIN

/// Of records of which nobody knows beforehand how many there are: those whose names have the smallest hashes, so that
/// another verification looks at the same ones. Hashes are counted by their first bits, and the sample is made of as
/// many of these counts as it takes to reach its size: never fewer than wanted() where there are as many, a little more
/// where several share a count, and the same memory for a thousand records as for a billion.
class Sample {
 public:
  /// `least` records, or a tenth of them where that is more and `tenth` is asked for.
  Sample(std::uint64_t least, bool tenth);

  /// For records that come twice: note() each of them, then take those which holds().
  void note(const RecordRef& record);
  bool holds(const RecordRef& record) const noexcept;
  /// For records that come once. What is left out stays out, so those that come early are taken for want of better
  /// ones: it never stands at fewer than wanted(), and all that holds() will hold at the end is among them where no
  /// tenth is asked for.
  bool takes(const RecordRef& record);

  /// Of those that it held, `missing` are of no use: as many more. False when there are no more. From then on holds()
  /// is true for the additional ones alone.
  bool widen(std::uint64_t missing);

  std::uint64_t wanted() const noexcept;
  std::uint64_t noted() const noexcept { return noted_; }

 private:
  void adjust();
  std::vector<std::uint32_t> counts_;
  std::size_t begin_ = 0, end_;  ///< it holds the records of counts_[begin_, end_)
  std::uint64_t least_, noted_ = 0, taken_ = 0;
  std::uint64_t below_ = 0;  ///< records before end_
  bool tenth_;
};

MIGRATE_END
