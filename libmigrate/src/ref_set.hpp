// Which records were met, in as little room as is safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "migrate/record.hpp"

MIGRATE_BEGIN

/// 128 bits of the whole name. What is known by its print alone is believed: two records must not have the same.
struct RefPrint {
  std::uint64_t first, second;
  bool operator==(const RefPrint&) const = default;
};

inline RefPrint print_of(const RecordRef& ref) noexcept {
  const std::hash<std::string_view> hash;
  // FNV-1a beside the library's hash: what one of them confuses the other tells apart.
  std::uint64_t other = 0xCBF29CE484222325u;
  const auto feed = [&other](std::string_view text) {
    for (const char sign : text) other = (other ^ static_cast<unsigned char>(sign)) * 0x100000001B3u;
  };
  feed(ref.type);
  feed(std::string_view("", 1));
  feed(ref.id);
  return RefPrint{hash(ref.id) + hash(ref.type) * 0x9E3779B97F4A7C15u, other};
}

/// A set of records without their names: some forty bytes each.
class RefSet {
 public:
  /// False: it was in there already.
  bool add(const RecordRef& ref) { return prints_.insert(print_of(ref)).second; }
  bool holds(const RecordRef& ref) const { return !prints_.empty() && prints_.count(print_of(ref)) != 0; }
  bool empty() const noexcept { return prints_.empty(); }
  std::size_t size() const noexcept { return prints_.size(); }

 private:
  struct Hash {
    std::size_t operator()(const RefPrint& print) const noexcept { return print.first; }
  };
  std::unordered_set<RefPrint, Hash> prints_;
};

/// Says of a record that it was not added, or that it may have been: in the same room for one as for a billion.
class RefFilter {
 public:
  void add(const RecordRef& ref) {
    bits_.resize(size);
    bits_[print_of(ref).first % size] = true;
  }
  bool may_hold(const RecordRef& ref) const { return !bits_.empty() && bits_[print_of(ref).first % size]; }

 private:
  static constexpr std::size_t size = std::size_t{1} << 20;
  std::vector<bool> bits_;
};

MIGRATE_END
