#include "dirt.hpp"

namespace certificates {
namespace {

std::string two(int value) {
  const char digits[] = {static_cast<char>('0' + value / 10 % 10), static_cast<char>('0' + value % 10)};
  return {digits, 2};
}

std::string four(int value) { return two(value / 100) + two(value % 100); }

}  // namespace

std::string Typist::clean_date(const Moment& m, bool with_time) {
  std::string value;
  const bool iso = per_million_ == 0 || random_.chance(550'000);
  if (iso) {
    value = four(m.year) + "-" + two(m.month) + "-" + two(m.day);
  } else {
    const char* separator = random_.chance(700'000) ? "/" : "-";
    const bool short_year = m.year >= 1970 && m.year <= 2069 && random_.chance(250'000);
    value = two(m.day) + separator + two(m.month) + separator + (short_year ? two(m.year % 100) : four(m.year));
  }
  if (!with_time) return value;
  if (random_.chance(200'000)) return value + " " + two(m.hour) + ":" + two(m.minute);
  return value + (random_.chance(850'000) ? " " : "T") + two(m.hour) + ":" + two(m.minute) + ":" + two(m.second);
}

std::string Typist::bad_date(const Moment& m) {
  const std::string y = four(m.year), mo = two(m.month), d = two(m.day);
  switch (random_.below(28)) {
    case 0:
      return "31/02/" + y;
    case 1:
      return "29-02-2023";
    case 2:
      return "00/00/0000";
    case 3:
      return y + "-13-" + d;
    case 4:
      return y + "-" + mo + "-32";
    case 5:
      return y + "-00-10";
    case 6:
      return mo + "/13/" + y;
    case 7:
      return d + "." + mo + "." + y;
    case 8:
      return std::to_string(m.day % 9 + 1) + "/" + std::to_string(m.month % 9 + 1) + "/" + y;
    case 9:
      return y + "/" + mo + "/" + d;
    case 10:
      return y + mo + d;
    case 11:
      return d + "/" + mo + "-" + y;
    case 12:
      return y + "-" + mo + "-" + d + " 24:00";
    case 13:
      return y + "-" + mo + "-" + d + " 12:60:00";
    case 14:
      return y + "-" + mo + "-" + d + "T10:00:60";
    case 15:
      return y + "-" + mo + "-" + d + "  10:00";
    case 16:
      return y + "-" + mo + "-" + d + " 10:00 AM";
    case 17:
      return y + "-" + mo + "-" + d + "T10:00:00Z";
    case 18:
      return y + "-" + mo + "-" + d + " 10:00:00.5";
    case 19:
      return d + "/" + mo + "/" + y.substr(1);
    case 20:
      return d + " March " + y;
    case 21:
      return "n/a";
    case 22:
      return "unknown";
    case 23:
      return y;
    case 24:
      return "\xC2\xA0" + y + "-" + mo + "-" + d;
    case 25:
      return y + "-" + mo + "-" + d + " 9:30";
    case 26:
      return "-" + y + "-" + mo + "-" + d;
    default:
      return "45123";
  }
}

Cell Typist::date(const Moment& moment, bool with_time) {
  if (slips(0.35)) return encoded(bad_date(moment));
  if (slips(0.25)) {
    switch (random_.below(6)) {
      case 0:
        return Cell::text("0000-00-00");
      case 1:
        return Cell::text("0000-00-00 00:00:00");
      case 2:
        return Cell::text(" 0000-00-00 00:00 ");
      case 3:
        return Cell::null();
      default:
        return Cell::text(blank());
    }
  }
  Moment m = moment;
  if (slips(0.5)) {  // about the turn of two-digit years, leap days, both ends of a day
    switch (random_.below(7)) {
      case 0:
        return Cell::text("01/01/70");
      case 1:
        return Cell::text("31-12-69");
      case 2:
        return Cell::text("29/02/00 23:59:59");
      case 3:
        return Cell::text("31/12/99 03:59");
      case 4:
        m = {2024, 2, 29, 0, 0, 0};
        break;
      case 5:
        m = {9999, 12, 31, 23, 59, 59};
        break;
      default:
        m = {1900, 3, 1, 4, 0, 0};
    }
  }
  std::string value = clean_date(m, with_time);
  if (slips(0.5)) value = foreign_digits(value);
  if (slips(0.5)) value = spaced(std::move(value));
  return encoded(std::move(value));
}

}  // namespace certificates
