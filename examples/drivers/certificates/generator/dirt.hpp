// How values get spoilt by thirty years of typing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cell.hpp"
#include "random.hpp"

namespace certificates {

/// A moment as a clerk knows it.
struct Moment {
  int year = 2020, month = 1, day = 1, hour = 0, minute = 0, second = 0;
};

/// Makes the values of one row. `percent` is the share of values that are spoilt.
class Typist {
 public:
  Typist(Random& random, double percent) : random_(random), per_million_(static_cast<std::int64_t>(percent * 10'000)) {}

  /// True for `factor` times the share of spoilt values.
  bool slips(double factor = 1.0);

  Cell text(std::string value);
  Cell text_or_null(std::string value, double nulls);
  Cell phone();
  Cell date(const Moment& moment, bool with_time);
  Cell speed();
  Cell boolean(bool value);
  Cell status(std::string_view name);
  Cell ecu(std::string number);
  Cell technician(std::string name);
  Cell vehicle(std::string type);
  Cell remark();

 private:
  std::string spaced(std::string value);
  std::string foreign_digits(const std::string& value);
  std::string blank();
  std::string clean_date(const Moment& moment, bool with_time);
  std::string bad_date(const Moment& moment);
  std::string spoilt_technician(std::string name);
  Cell encoded(std::string value);

  Random& random_;
  std::int64_t per_million_;
};

/// The text in the Windows code page for Arabic; nothing where a character has no place in it.
std::optional<std::string> to_cp1256(std::string_view utf8);

}  // namespace certificates
