// The members of one JSON object, in an order that is not that of the code.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "migrate/record.hpp"

namespace migrate::freshdesk::simulation {

template <class T>
inline constexpr bool is_optional_value = false;
template <class T>
inline constexpr bool is_optional_value<std::optional<T>> = true;

class Members {
 public:
  explicit Members(boost::json::storage_ptr storage = {}) : storage_(std::move(storage)) { members_.reserve(48); }

  /// Numbers, truth values, texts, nullptr, values, and optional ones: those are null without a value.
  template <class T>
  Members& add(std::string_view name, T&& value) {
    using Plain = std::remove_cvref_t<T>;
    if constexpr (is_optional_value<Plain>) {
      if (value) return add(name, *value);
      members_.emplace_back(name, Value(nullptr, storage_));
    } else if constexpr (std::is_same_v<Plain, bool> || std::is_same_v<Plain, std::nullptr_t>) {
      members_.emplace_back(name, Value(value, storage_));
    } else if constexpr (std::is_integral_v<Plain>) {
      members_.emplace_back(name, Value(static_cast<std::int64_t>(value), storage_));
    } else if constexpr (std::is_constructible_v<std::string_view, T>) {
      members_.emplace_back(name, Value(boost::json::string_view(std::string_view(value)), storage_));
    } else {
      members_.emplace_back(name, Value(std::forward<T>(value), storage_));
    }
    return *this;
  }
  /// Begins with the member number `first`, counted round: JSON promises no order, and no client should rely on one.
  Value object(std::uint64_t first = 0) {
    Object made(storage_);
    made.reserve(members_.size());
    for (std::size_t i = 0; i < members_.size(); ++i) {
      auto& [name, value] = members_[(first + i) % members_.size()];
      made.emplace(name, std::move(value));
    }
    return made;
  }
  const boost::json::storage_ptr& storage() const noexcept { return storage_; }

 private:
  boost::json::storage_ptr storage_;
  std::vector<std::pair<std::string_view, Value>> members_;
};

}  // namespace migrate::freshdesk::simulation
