#include "dirt.hpp"

#include <algorithm>
#include <cctype>

namespace certificates {
namespace {

std::string recased(std::string value, int (*fold)(int)) {
  for (char& c : value) {
    if (static_cast<unsigned char>(c) < 0x80) c = static_cast<char>(fold(static_cast<unsigned char>(c)));
  }
  return value;
}

bool is_ascii(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

void replace_all(std::string& value, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = value.find(from, at)) != std::string::npos; at += to.size()) {
    value.replace(at, from.size(), to);
  }
}

}  // namespace

bool Typist::slips(double factor) {
  return random_.chance(
      std::min<std::int64_t>(1'000'000, static_cast<std::int64_t>(static_cast<double>(per_million_) * factor)));
}

std::string Typist::blank() {
  static constexpr const char* blanks[] = {"", " ", "   ", "\t", "\r\n", " \v\f ", "\n"};
  return random_.pick(blanks);
}

std::string Typist::spaced(std::string value) {
  static constexpr const char* around[] = {" ", "  ", "\t", "\r\n", "\n", " \t", "\v", "\f"};
  if (random_.chance(400'000)) value.insert(0, random_.pick(around));
  if (random_.chance(800'000)) value += random_.pick(around);
  return value;
}

std::string Typist::foreign_digits(const std::string& value) {
  const bool persian = random_.chance(400'000);
  const bool mixed = random_.chance(150'000);
  std::string out;
  for (char c : value) {
    if (c < '0' || c > '9' || (mixed && random_.chance(500'000))) {
      out += c;
    } else if (persian) {
      out += '\xDB';
      out += static_cast<char>(0xB0 + (c - '0'));
    } else {
      out += '\xD9';
      out += static_cast<char>(0xA0 + (c - '0'));
    }
  }
  return out;
}

/// Not ASCII: now and then in the old code page, as text or as bytes.
Cell Typist::encoded(std::string value) {
  if (!is_ascii(value) && slips(6)) {
    if (auto old = to_cp1256(value)) {
      Cell cell = Cell::text(std::move(*old));
      if (random_.chance(350'000)) cell.kind = Cell::Kind::blob;
      return cell;
    }
  }
  Cell cell = Cell::text(std::move(value));
  if (slips(0.02)) cell.kind = Cell::Kind::blob;
  return cell;
}

Cell Typist::text(std::string value) {
  if (slips()) {
    switch (random_.below(8)) {
      case 0:
        return Cell::null();
      case 1:
        return Cell::text(blank());
      case 2:
        value += "\xC2\xA0";
        break;  // a no-break space is text
      case 3:
        value = "\xC2\xA0";
        break;
      case 4:
        value = "\"" + value + "\" 'x' \\N \\t";
        break;
      case 5:
        return Cell::text(std::to_string(random_.below(100'000)));
      default:
        value = spaced(std::move(value));
    }
  }
  return encoded(std::move(value));
}

Cell Typist::text_or_null(std::string value, double nulls) {
  if (slips(nulls)) return Cell::null();
  return text(std::move(value));
}

Cell Typist::phone() {
  std::string number = std::to_string(random_.between(1'000'000, 9'999'999));
  static constexpr const char* prefixes[] = {"+971 50 ", "050-", "00971 4 ", "+971-55-", "(04) ", "056 "};
  std::string value = random_.pick(prefixes) + number;
  if (slips(2)) value = foreign_digits(value);
  return text(std::move(value));
}

Cell Typist::speed() {
  static constexpr int limits[] = {60, 80, 80, 80, 100, 100, 120};
  const std::string value = std::to_string(random_.pick(limits));
  if (slips(2)) {
    const std::string more = std::to_string(random_.between(81, 160));
    switch (random_.below(22)) {
      case 0:
        return Cell::null();
      case 1:
        return Cell::text(blank());
      case 2:
        return Cell::text(value + "-" + more);
      case 3:
        return Cell::text(value + " - " + more + " km/h");
      case 4:
        return encoded(value + "\xE2\x80\x93" + more);  // en dash
      case 5:
        return encoded(value + "  \xE2\x80\x94 " + more);  // em dash
      case 6:
        return encoded(value + "\xE2\x80\x91" + more + "KM");  // non-breaking hyphen
      case 7:
        return encoded("max " + value + " \xE2\x80\x92" + more);  // figure dash
      case 8:
        return Cell::text("-" + value);
      case 9:
        return Cell::text("+" + value + " km/h");
      case 10:
        return Cell::text("99999999999999999999999");
      case 11:
        return Cell::text(random_.chance(500'000) ? "2147483648" : "2147483647");
      case 12:
        return Cell::text("km/h");
      case 13:
        return Cell::text("speed: " + value + "," + "5 km/h");
      case 14:
        return encoded(foreign_digits(value) + " كم/س");
      case 15:
        return encoded(foreign_digits(value + "-" + more));
      case 16:
        return Cell::text(value + " to " + more);
      case 17:
        return Cell::text(value + "- km/h");
      case 18:
        return encoded(value + "\xC2\xA0-\xC2\xA0" + more);  // no-break spaces are not blanks
      case 19:
        return Cell::integer(random_.below(200));
      case 20:
        return Cell::text("000" + value);
      default:
        return Cell::text("0");
    }
  }
  switch (random_.below(5)) {
    case 0:
      return Cell::text(value);
    case 1:
      return Cell::text(value + "KM");
    case 2:
      return Cell::text(value + " KMPH");
    case 3:
      return Cell::text(value + "km/h");
    default:
      return Cell::text(value + " km/h");
  }
}

Cell Typist::boolean(bool value) {
  if (slips()) {
    static constexpr const char* odd[] = {"maybe",
                                          "2",
                                          "-1",
                                          "\xD9\xA1",
                                          "ja",
                                          "tru",
                                          "10",
                                          "yes!",
                                          "\xC2\xA0\x31",
                                          "null"};
    if (random_.chance(250'000)) return Cell::null();
    if (random_.chance(250'000)) return Cell::text(blank());
    return Cell::text(random_.pick(odd));
  }
  static constexpr const char* yes[] = {"1",    "1", "y", "Y",  "yes", "YES",   "true",
                                        "True", "t", "T", "on", "ON",  " Yes ", "yes\t"};
  static constexpr const char* no[] = {"0",     "0", "n", "N",   "no",  "NO",  "false",
                                       "False", "f", "F", "off", "OFF", " No "};
  if (random_.chance(100'000)) return Cell::integer(value ? 1 : 0);
  return Cell::text(value ? random_.pick(yes) : random_.pick(no));
}

Cell Typist::status(std::string_view name) {
  if (slips(0.5)) {
    static constexpr const char* unknown[] = {"pending", "ACTIV",          "renewed?", "expired",
                                              "0",       "active\xC2\xA0", "نشط",      "block"};
    if (random_.chance(150'000)) return Cell::null();
    if (random_.chance(150'000)) return Cell::text(blank());
    return encoded(random_.pick(unknown));
  }
  std::string value(name);
  if (value == "cancelled" && random_.chance(400'000)) value = "canceled";
  switch (random_.below(5)) {
    case 0:
      value = recased(std::move(value), std::toupper);
      break;
    case 1:
      value[0] = static_cast<char>(value[0] - 'a' + 'A');
      break;
    default:
      break;
  }
  if (slips()) value = spaced(std::move(value));
  return Cell::text(std::move(value));
}

Cell Typist::ecu(std::string number) {
  if (slips(2)) {
    if (random_.chance(500'000)) number = recased(std::move(number), std::tolower);
    if (random_.chance(400'000)) number = spaced(std::move(number));
    if (random_.chance(300'000)) number = foreign_digits(number);
  }
  return encoded(std::move(number));
}

std::string Typist::spoilt_technician(std::string name) {
  static constexpr const char* gaps[] = {"  ", "\t", " \n", "   ", " \r\n "};
  const std::size_t gap = name.find(' ');
  switch (random_.below(9)) {
    case 0:
      return recased(std::move(name), std::toupper);
    case 1:
      return recased(std::move(name), std::tolower);
    case 2:
      replace_all(name, " ", random_.pick(gaps));
      return name;
    case 3:
      return name + ".";
    case 4:
      name.insert(gap == std::string::npos ? 0 : gap, ".");
      return name;
    case 5:
      name.insert(gap == std::string::npos ? 0 : gap, " . ");
      return name;
    case 6:
      replace_all(name, " ", "\xC2\xA0");
      return name;  // another key: a no-break space is text
    case 7:
      replace_all(name, " ", ".");
      return name;  // another key: the words grow together
    default:
      return spaced(std::move(name));
  }
}

Cell Typist::technician(std::string name) {
  if (slips(1.5)) {
    if (random_.chance(120'000)) return Cell::null();
    if (random_.chance(80'000)) return Cell::text(blank());
    if (random_.chance(50'000)) return Cell::text(random_.chance(500'000) ? "." : " . . ");
    name = spoilt_technician(std::move(name));
    if (random_.chance(200'000)) name = spoilt_technician(std::move(name));
  }
  return encoded(std::move(name));
}

Cell Typist::vehicle(std::string type) {
  if (slips(1.5)) {
    switch (random_.below(7)) {
      case 0:
        return Cell::null();
      case 1:
        return Cell::text(blank());
      case 2:
        return Cell::text("\xC2\xA0");
      case 3:
        replace_all(type, " ", "   ");
        break;
      case 4:
        replace_all(type, " ", "\t");
        break;
      case 5:
        replace_all(type, " ", "\xC2\xA0");
        break;
      default:
        type = spaced(std::move(type));
    }
  }
  return encoded(std::move(type));
}

Cell Typist::remark() {
  if (!slips(0.7)) {
    static constexpr const char* usual[] = {"Annual calibration", "تمت المعايرة بنجاح", "Sensor replaced",
                                            "Renewed by phone",   "seal no. 4711",      "تم التجديد – راجع الملف"};
    return random_.chance(600'000) ? Cell::null() : encoded(random_.pick(usual));
  }
  static constexpr const char* odd[] = {"line one\nline two\r\n\tindented",
                                        "a\tb\\tc\\N",
                                        "\\.",
                                        "\\N",
                                        "NULL",
                                        "He said \"it's fine\"; DROP TABLE x; --",
                                        "C:\\temp\\new\\file.txt",
                                        "{\"$date\": \"2020-01-01T00:00:00Z\"}",
                                        "100 % {name} ${env:HOME} %s",
                                        "\xF0\x9F\x9A\x9A truck",
                                        "\x01 control \x1F",
                                        "\xE2\x80\x8Fيمين\xE2\x80\x8E",
                                        "caf\xE9 \xC7\xE1",
                                        "\xED\xA0\x80 half a pair",
                                        "\xC0\xAF overlong",
                                        "\xEF\xBB\xBFwith a mark",
                                        "a,b;c|d",
                                        "   inner   blanks   kept   ",
                                        "='SUM(A1)",
                                        "<b>&amp;</b>"};
  if (random_.chance(30'000)) {  // somebody pasted a letter
    std::string letter;
    const std::int64_t lines = random_.chance(100'000) ? 3'000 : 60;
    for (std::int64_t i = 0; i < lines; ++i) letter += "Line " + std::to_string(i) + ": the seal was found broken.\n";
    return Cell::text(std::move(letter));
  }
  Cell cell = Cell::text(random_.pick(odd));
  if (random_.chance(100'000)) cell.kind = Cell::Kind::blob;
  return cell;
}

}  // namespace certificates
