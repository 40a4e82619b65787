#include "dates.hpp"

#include <date/date.h>

#include <algorithm>

#include "migrate/error.hpp"
#include "text.hpp"

namespace migrate::fields {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

Error wrong(const std::string& message) { return Error(ErrorKind::invalid, "configuration", message); }

std::vector<std::string> expand_from(std::string_view pattern, std::size_t& at, bool inside) {
  std::vector<std::string> done;         // alternatives that `|` has ended
  std::vector<std::string> open(1, "");  // the one that is being read
  for (; at < pattern.size(); ++at) {
    char c = pattern[at];
    if (c == ']' || (c == '|' && inside)) {
      if (!inside) throw wrong("\"" + std::string(pattern) + "\": ] without [");
      done.insert(done.end(), open.begin(), open.end());
      if (c == ']') return done;
      open.assign(1, "");
    } else if (c == '[') {
      ++at;
      std::vector<std::string> tails = expand_from(pattern, at, true);
      std::vector<std::string> longer = open;
      for (const std::string& head : open) {
        for (const std::string& tail : tails) longer.push_back(head + tail);
      }
      open = std::move(longer);
    } else {
      for (std::string& text : open) text += c;
    }
  }
  if (inside) throw wrong("\"" + std::string(pattern) + "\": [ without ]");
  return open;
}

/// Exactly `width` digits, or -1.
int digits(std::string_view& text, std::size_t width) noexcept {
  if (text.size() < width) return -1;
  int value = 0;
  for (std::size_t i = 0; i < width; ++i) {
    if (!is_digit(text[i])) return -1;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(width);
  return value;
}

bool take_fraction(std::string_view& text, std::int32_t& microseconds) noexcept {
  std::size_t count = 0;
  std::int32_t value = 0;
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1), ++count) {
    if (count < 6) value = value * 10 + (text.front() - '0');
  }
  for (std::size_t i = count; i < 6; ++i) value *= 10;
  microseconds = value;
  return count > 0;
}

bool take_offset(std::string_view& text, std::optional<minutes>& offset) noexcept {
  if (text.empty()) return false;
  char sign = text.front();
  text.remove_prefix(1);
  if (sign == 'Z' || sign == 'z') {
    offset = minutes(0);
    return true;
  }
  if (sign != '+' && sign != '-') return false;
  int hour = digits(text, 2);
  if (hour < 0) return false;
  bool colon = !text.empty() && text.front() == ':';
  if (colon) text.remove_prefix(1);
  int minute = !text.empty() && is_digit(text.front()) ? digits(text, 2) : colon ? -1 : 0;
  if (minute < 0 || minute > 59 || hour > 23) return false;
  offset = minutes((hour * 60 + minute) * (sign == '-' ? -1 : 1));
  return true;
}

void write_digits(char* to, int value, int width) noexcept {
  for (int i = width - 1; i >= 0; --i, value /= 10) to[i] = static_cast<char>('0' + value % 10);
}

/// A fixed offset such as "+04:00" or "UTC".
std::optional<seconds> fixed_offset(const std::string& name) {
  if (name == "UTC" || name == "Z") return seconds(0);
  std::string_view text = name;
  std::optional<minutes> offset;
  if (!take_offset(text, offset) || !text.empty()) return std::nullopt;
  return seconds(*offset);
}

}  // namespace

std::vector<std::string> expand(std::string_view pattern) {
  std::size_t at = 0;
  return expand_from(pattern, at, false);
}

DateFormat::DateFormat(std::string_view pattern, int pivot) : pivot_(pivot) {
  static constexpr std::pair<std::string_view, Kind> words[] = {
      {"YYYY", Kind::year4}, {"YY", Kind::year2},  {"MM", Kind::month},   {"DD", Kind::day},  {"hh", Kind::hour},
      {"mm", Kind::minute},  {"ss", Kind::second}, {"f", Kind::fraction}, {"Z", Kind::offset}};
  std::string_view rest = pattern;
  int years = 0, months = 0, days = 0;
  bool varies = false;
  while (!rest.empty()) {
    auto word =
        std::find_if(std::begin(words), std::end(words), [&](const auto& w) { return rest.starts_with(w.first); });
    if (word == std::end(words)) {
      tokens_.push_back(Token{Kind::literal, rest.front()});
      rest.remove_prefix(1);
      ++size_;
      continue;
    }
    tokens_.push_back(Token{word->second, '\0'});
    rest.remove_prefix(word->first.size());
    size_ += word->first.size();
    years += word->second == Kind::year4 || word->second == Kind::year2;
    months += word->second == Kind::month;
    days += word->second == Kind::day;
    varies = varies || word->second == Kind::fraction || word->second == Kind::offset;
  }
  if (years != 1 || months != 1 || days != 1) {
    throw wrong("\"" + std::string(pattern) + "\" needs YYYY or YY, MM and DD, each once");
  }
  if (varies) size_ = 0;
}

bool DateFormat::take(const Token& token, std::string_view& text, DateParts& parts) const noexcept {
  auto number = [&text](int& part, std::size_t width) { return (part = digits(text, width)) >= 0; };
  switch (token.kind) {
    case Kind::literal:
      if (text.empty() || text.front() != token.literal) return false;
      text.remove_prefix(1);
      return true;
    case Kind::year4:
      return number(parts.year, 4);
    case Kind::year2:
      if (!number(parts.year, 2)) return false;
      parts.year += parts.year < pivot_ ? 2000 : 1900;
      return true;
    case Kind::month:
      return number(parts.month, 2);
    case Kind::day:
      return number(parts.day, 2);
    case Kind::hour:
      return number(parts.hour, 2);
    case Kind::minute:
      return number(parts.minute, 2);
    case Kind::second:
      return number(parts.second, 2);
    case Kind::fraction:
      return take_fraction(text, parts.microseconds);
    case Kind::offset:
      return take_offset(text, parts.offset);
  }
  return false;
}

bool DateFormat::match(std::string_view text, DateParts& parts) const noexcept {
  if (size_ != 0 && text.size() != size_) return false;
  for (const Token& token : tokens_) {
    if (!take(token, text, parts)) return false;
  }
  return text.empty();
}

DateParser::DateParser(const std::vector<std::string>& formats, const std::vector<std::string>& zero, int pivot) {
  for (const std::string& pattern : formats) {
    for (const std::string& one : expand(pattern)) {
      DateFormat format(one, pivot);
      if (format.size() >= longest) throw wrong("\"" + one + "\" is too long for a date");
      by_size_[format.size()].push_back(std::move(format));
    }
  }
  for (const std::string& pattern : zero) {
    for (std::string& one : expand(pattern)) zero_.push_back(std::move(one));
  }
}

bool DateParser::is_zero(std::string_view text) const noexcept {
  return std::find(zero_.begin(), zero_.end(), text) != zero_.end();
}

std::optional<DateParts> DateParser::parse(std::string_view text) const noexcept {
  auto exists = [](const DateParts& p) {
    date::year_month_day day{date::year(p.year), date::month(static_cast<unsigned>(p.month)),
                             date::day(static_cast<unsigned>(p.day))};
    return p.year >= 1 && day.ok() && p.hour <= 23 && p.minute <= 59 && p.second <= 59;
  };
  auto first_of = [&](const std::vector<DateFormat>& formats) -> std::optional<DateParts> {
    for (const DateFormat& format : formats) {
      DateParts parts;
      if (format.match(text, parts) && exists(parts)) return parts;
    }
    return std::nullopt;
  };
  if (!text.empty() && text.size() < longest) {
    if (auto parts = first_of(by_size_[text.size()])) return parts;
  }
  return first_of(by_size_[0]);
}

Zone::Zone(const std::string& name) {
  if (auto offset = fixed_offset(name)) {
    offset_ = *offset;
    return;
  }
  try {
    zone_ = date::locate_zone(name);
  } catch (const std::exception&) {
    throw wrong("\"" + name + "\" is neither a zone of the IANA database nor an offset such as +04:00")
        .with_advice("zones have names like Asia/Dubai; the package tzdata holds them");
  }
}

Zone::Instant Zone::to_utc(date::local_seconds local) const {
  if (zone_ == nullptr) return Instant{date::sys_seconds(local.time_since_epoch() - offset_)};
  // The interval of the last look-up, per thread: neighbouring records nearly always fall into the same one.
  struct Interval {
    const date::time_zone* zone = nullptr;
    date::local_seconds first, last;
    seconds offset{0};
  };
  static thread_local std::array<Interval, 8> cache;
  static thread_local std::size_t oldest = 0;
  for (const Interval& known : cache) {
    if (known.zone == zone_ && local >= known.first && local < known.last) {
      return Instant{date::sys_seconds(local.time_since_epoch() - known.offset)};
    }
  }
  date::local_info info = zone_->get_info(local);
  if (info.result == date::local_info::unique) {
    // A day's distance to both ends: no gap and no overlap reaches that far.
    auto start = info.first.begin.time_since_epoch(), end = info.first.end.time_since_epoch();
    cache[oldest] = Interval{zone_, date::local_seconds(start + hours(48)), date::local_seconds(end - hours(48)),
                             info.first.offset};
    oldest = (oldest + 1) % cache.size();
  }
  Exactness exactness = info.result == date::local_info::unique        ? Exactness::exact
                        : info.result == date::local_info::nonexistent ? Exactness::nonexistent
                                                                       : Exactness::ambiguous;
  return Instant{date::sys_seconds(local.time_since_epoch() - info.first.offset), exactness};
}

date::local_seconds to_local(const DateParts& parts) noexcept {
  date::local_days day{date::year(parts.year) / parts.month / parts.day};
  return day + hours(parts.hour) + minutes(parts.minute) + seconds(parts.second);
}

std::size_t write_instant(date::sys_seconds time, std::int32_t microseconds, std::array<char, 32>& out) noexcept {
  auto day = date::floor<date::days>(time);
  date::year_month_day date(day);
  auto rest = static_cast<int>((time - day).count());
  char* p = out.data();
  write_digits(p, static_cast<int>(date.year()), 4);
  p[4] = '-';
  write_digits(p + 5, static_cast<int>(static_cast<unsigned>(date.month())), 2);
  p[7] = '-';
  write_digits(p + 8, static_cast<int>(static_cast<unsigned>(date.day())), 2);
  p[10] = 'T';
  write_digits(p + 11, rest / 3600, 2);
  p[13] = ':';
  write_digits(p + 14, rest / 60 % 60, 2);
  p[16] = ':';
  write_digits(p + 17, rest % 60, 2);
  p += 19;
  if (microseconds != 0) {
    *p++ = '.';
    write_digits(p, microseconds, 6);
    p += 6;
  }
  *p++ = 'Z';
  return static_cast<std::size_t>(p - out.data());
}

}  // namespace migrate::fields
