#include "simulator/instant.hpp"

#include <date/date.h>

#include <array>
#include <chrono>
#include <sstream>

namespace migrate::freshdesk::simulation {
namespace {

/// The digits of `value`, with zeros before them up to `width`.
void put(std::string& out, unsigned value, int width) {
  std::array<char, 4> digits;
  for (int i = width; i-- > 0; value /= 10) digits[static_cast<std::size_t>(i)] = static_cast<char>('0' + value % 10);
  out.append(digits.data(), static_cast<std::size_t>(width));
}

void put_date(std::string& out, Seconds time, const char* separator) {
  const date::sys_seconds point{std::chrono::seconds(time)};
  const date::year_month_day calendar(date::floor<date::days>(point));
  put(out, static_cast<unsigned>(static_cast<int>(calendar.year())), 4);
  out += separator;
  put(out, static_cast<unsigned>(calendar.month()), 2);
  out += separator;
  put(out, static_cast<unsigned>(calendar.day()), 2);
}

void put_time(std::string& out, Seconds time, const char* separator) {
  const auto of_day = static_cast<unsigned>((time % day + day) % day);
  out += 'T';
  put(out, of_day / 3600, 2);
  out += separator;
  put(out, of_day / 60 % 60, 2);
  out += separator;
  put(out, of_day % 60, 2);
  out += 'Z';
}

std::optional<Seconds> parse(std::string_view text, const char* format) {
  std::istringstream in{std::string(text)};
  date::sys_seconds time;
  std::chrono::minutes offset{0};
  in >> date::parse(format, time, offset);
  if (in.fail() || in.peek() != std::istringstream::traits_type::eof()) return std::nullopt;
  return time.time_since_epoch().count();
}

}  // namespace

std::string instant(Seconds time) {
  std::string out;
  out.reserve(20);
  put_date(out, time, "-");
  put_time(out, time, ":");
  return out;
}

std::string date_of(Seconds time) {
  std::string out;
  put_date(out, time, "-");
  return out;
}

std::string compact_instant(Seconds time) {
  std::string out;
  put_date(out, time, "");
  put_time(out, time, "");
  return out;
}

std::optional<Seconds> parse_instant(std::string_view text) {
  struct Form {
    std::size_t size;
    const char* format;
  };
  // The size rules out what the parser would take kindly: "2016-2-1".
  static constexpr std::array<Form, 8> forms{{{10, "%Y-%m-%d"},
                                              {16, "%Y-%m-%dT%H:%M"},
                                              {17, "%Y-%m-%dT%H:%MZ"},
                                              {19, "%Y-%m-%dT%H:%M:%S"},
                                              {20, "%Y-%m-%dT%H:%M:%SZ"},
                                              {25, "%Y-%m-%dT%H:%M:%S%Ez"},
                                              {22, "%Y-%m-%dT%H:%M:%S%Ez"},
                                              {24, "%Y-%m-%dT%H:%M:%S%z"}}};
  for (const Form& form : forms) {
    if (text.size() != form.size) continue;
    if (form.size == 22) {
      // An offset of hours alone.
      const auto time = parse(std::string(text) + ":00", form.format);
      if (time) return time;
    } else if (const auto time = parse(text, form.format)) {
      return time;
    }
  }
  return std::nullopt;
}

std::optional<Seconds> parse_compact_instant(std::string_view text) {
  if (text.size() != 16) return std::nullopt;
  return parse(text, "%Y%m%dT%H%M%SZ");
}

}  // namespace migrate::freshdesk::simulation
