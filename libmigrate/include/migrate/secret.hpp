// A password or token that cannot be printed by accident.
#pragma once

#include <iosfwd>
#include <string>
#include <utility>

#include "migrate/abi.hpp"

MIGRATE_BEGIN

/// Only reveal() gives the text away. Streams show "***"; fmt and Boost.JSON have no conversion and do not compile.
class MIGRATE_API Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  const std::string& reveal() const noexcept { return text_; }
  bool empty() const noexcept { return text_.empty(); }

 private:
  std::string text_;
};

MIGRATE_API std::ostream& operator<<(std::ostream& out, const Secret& secret);

MIGRATE_END
