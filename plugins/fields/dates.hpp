// Dates as people typed them: formats compiled once, zones, and the text of an instant.
#pragma once

#include <date/tz.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace migrate::fields {

/// "a[b|c]" stands for "a", "ab" and "ac"; brackets nest. Throws Error(invalid) when they do not pair up.
std::vector<std::string> expand(std::string_view pattern);

/// What a text says, before it is known to be a day of the calendar.
struct DateParts {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  std::int32_t microseconds = 0;
  std::optional<std::chrono::minutes> offset;  ///< from UTC, where the format has a `Z`
};

/// One format without brackets. YYYY YY MM DD hh mm ss take exactly as many digits as they have letters, `f` takes one
/// or more digits of a second's fraction, `Z` takes Z, +hh:mm, +hhmm or +hh. Everything else stands for itself.
class DateFormat {
 public:
  /// Throws Error(invalid) when year, month or day is missing or stands there twice.
  DateFormat(std::string_view pattern, int pivot);
  /// Number of bytes that match; 0 where it varies.
  std::size_t size() const noexcept { return size_; }
  bool match(std::string_view text, DateParts& parts) const noexcept;

 private:
  enum class Kind : std::uint8_t { literal, year4, year2, month, day, hour, minute, second, fraction, offset };
  struct Token {
    Kind kind;
    char literal;
  };
  bool take(const Token& token, std::string_view& text, DateParts& parts) const noexcept;

  std::vector<Token> tokens_;
  std::size_t size_ = 0;
  int pivot_;
};

/// A zone of the IANA database or a fixed offset ("+04:00", "UTC"). Safe for any number of threads.
class Zone {
 public:
  /// Throws Error(invalid) when there is no such zone.
  explicit Zone(const std::string& name);

  enum class Exactness { exact, ambiguous, nonexistent };
  struct Instant {
    date::sys_seconds time;
    Exactness exactness = Exactness::exact;
  };
  /// Of the two instants of an ambiguous local time the first; a nonexistent one is moved on by the gap.
  Instant to_utc(date::local_seconds local) const;

 private:
  const date::time_zone* zone_ = nullptr;
  std::chrono::seconds offset_{0};
};

/// Every format and what is blank; parse() is pure.
class DateParser {
 public:
  /// `formats` and `zero` may have brackets. Two-digit years below `pivot` are 20xx. Throws Error(invalid).
  DateParser(const std::vector<std::string>& formats, const std::vector<std::string>& zero, int pivot);

  bool is_zero(std::string_view text) const noexcept;
  /// The first format that fits and is a day and a time that exist, in the years 1 to 9999.
  std::optional<DateParts> parse(std::string_view text) const noexcept;

 private:
  static constexpr std::size_t longest = 40;
  std::array<std::vector<DateFormat>, longest> by_size_;  ///< [0]: those that vary
  std::vector<std::string> zero_;
};

date::local_seconds to_local(const DateParts& parts) noexcept;

/// YYYY-MM-DDTHH:MM:SS[.ffffff]Z into `out`; returns the length. The year is 1 to 9999.
std::size_t write_instant(date::sys_seconds time, std::int32_t microseconds, std::array<char, 32>& out) noexcept;

}  // namespace migrate::fields
