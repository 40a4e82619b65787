#include "cell.hpp"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <charconv>
#include <cmath>
#include <cstring>

#include "values.hpp"

namespace migrate::sqlite {

namespace {

Cell integer_cell(std::int64_t value) {
  Cell cell;
  cell.kind = Cell::Kind::integer;
  cell.integer = value;
  return cell;
}
Cell real_cell(double value) {
  Cell cell;
  cell.kind = Cell::Kind::real;
  cell.real = value;
  return cell;
}
Cell text_cell(std::string_view bytes) {
  Cell cell;
  cell.kind = Cell::Kind::text;
  cell.bytes = bytes;
  return cell;
}
Cell blob_cell(std::string_view bytes) {
  Cell cell = text_cell(bytes);
  cell.kind = Cell::Kind::blob;
  return cell;
}

Error bad_value(const TargetColumn& column, const std::string& what) {
  return Error(ErrorKind::invalid, "bad_value", fmt::format("column \"{}\" cannot hold {}", column.name, what));
}

bool space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool digit(char c) { return c >= '0' && c <= '9'; }

/// Whether SQLite takes a text for a number when it is put into a numeric column.
bool reads_as_number(std::string_view text) {
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  std::size_t at = 0, digits = 0;
  const auto skip_digits = [&] {
    while (at < text.size() && digit(text[at])) ++at, ++digits;
  };
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
  skip_digits();
  if (at < text.size() && text[at] == '.') ++at, skip_digits();
  if (digits == 0) return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    const std::size_t before = digits;
    skip_digits();
    if (digits == before) return false;
  }
  return at == text.size();
}

/// SQLite keeps a real as an integer where that loses nothing.
Cell shortest(double value) {
  constexpr double limit = 2251799813685248.0;
  if (value == 0.0) return integer_cell(0);
  if (value >= -limit && value < limit && std::trunc(value) == value)
    return integer_cell(static_cast<std::int64_t>(value));
  return real_cell(value);
}

/// Without a fraction of zeros; a date alone where the column is one and the time is midnight.
std::string_view tidy_date(std::string_view text, const TargetColumn& column, std::string& scratch) {
  const std::size_t dot = text.find('.');
  if (dot != std::string_view::npos) {
    std::size_t end = dot + 1;
    while (end < text.size() && digit(text[end])) ++end;
    std::size_t keep = end;
    while (keep > dot + 1 && text[keep - 1] == '0') --keep;
    if (keep == dot + 1) keep = dot;
    if (keep != end) {
      std::string shorter = fmt::format("{}{}", text.substr(0, keep), text.substr(end));
      scratch = std::move(shorter);
      text = scratch;
    }
  }
  if (column.type == ColumnType::date && text.size() == 20 && text.substr(10) == "T00:00:00Z")
    return text.substr(0, 10);
  return text;
}

std::size_t significant_digits(std::string_view text) {
  std::size_t count = 0;
  std::size_t zeros = 0;
  for (char c : text) {
    if (c == 'e' || c == 'E') break;
    if (!digit(c) || (count == 0 && c == '0')) continue;
    zeros = c == '0' ? zeros + 1 : 0;
    ++count;
  }
  return count - zeros;
}

constexpr std::uint64_t mix(std::uint64_t hash, std::uint64_t word) noexcept {
  hash ^= word * 0x9E3779B97F4A7C15U;
  hash = (hash << 31 | hash >> 33) * 0xBF58476D1CE4E5B9U;
  return hash ^ hash >> 29;
}

std::uint64_t hash_bytes(std::uint64_t hash, std::string_view bytes) noexcept {
  hash = mix(hash, bytes.size());
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data() + at, 8);
    hash = mix(hash, word);
  }
  if (at < bytes.size()) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, bytes.size() - at);
    hash = mix(hash, word);
  }
  return hash;
}

}  // namespace

bool Cell::operator==(const Cell& other) const noexcept {
  if (kind != other.kind) return false;
  switch (kind) {
    case Kind::null:
      return true;
    case Kind::integer:
      return integer == other.integer;
    case Kind::real:
      return std::memcmp(&real, &other.real, sizeof real) == 0 || real == other.real;
    case Kind::text:
    case Kind::blob:
      return bytes == other.bytes;
  }
  return false;
}

Encoder::Encoder(const Database& db)
    : db_(db), as_number_(db.prepare("SELECT ?1+0e0")), as_text_(db.prepare("SELECT CAST(?1 AS TEXT)")) {}

Cell Encoder::encode(const Value& value, const TargetColumn& column, std::string& scratch) {
  switch (value.kind()) {
    case boost::json::kind::null:
      return Cell();
    case boost::json::kind::bool_:
      return with_affinity(integer_cell(value.get_bool()), column.affinity, scratch);
    case boost::json::kind::int64:
      return with_affinity(integer_cell(value.get_int64()), column.affinity, scratch);
    case boost::json::kind::uint64:
      if (column.affinity != Affinity::text) throw bad_value(column, fmt::format("the number {}", value.get_uint64()));
      scratch = std::to_string(value.get_uint64());
      return text_cell(scratch);
    case boost::json::kind::double_:
      if (std::isnan(value.get_double())) throw bad_value(column, "NaN: SQLite stores it as NULL");
      return with_affinity(real_cell(value.get_double()), column.affinity, scratch);
    case boost::json::kind::string: {
      const boost::json::string& text = value.get_string();
      return with_affinity(text_cell(std::string_view(text.data(), text.size())), column.affinity, scratch);
    }
    case boost::json::kind::array:
    case boost::json::kind::object:
      return encode_object(value, column, scratch);
  }
  return Cell();
}

Cell Encoder::encode_object(const Value& value, const TargetColumn& column, std::string& scratch) {
  const Object* object = value.if_object();
  if (object && object->size() == 1) {
    const auto& [name, inner] = *object->begin();
    const bool text = inner.is_string();
    const std::string_view content = text ? std::string_view(inner.get_string()) : std::string_view();
    if (name == "$date" && text)
      return with_affinity(text_cell(tidy_date(content, column, scratch)), column.affinity, scratch);
    if (name == "$numberDecimal" && text) {
      if (column.affinity != Affinity::text && column.affinity != Affinity::blob && significant_digits(content) > 15)
        throw bad_value(column, fmt::format("all digits of {}: declare it as text", content));
      return with_affinity(text_cell(content), column.affinity, scratch);
    }
    if (name == "$numberDouble" && text) {
      if (content == "NaN") throw bad_value(column, "NaN: SQLite stores it as NULL");
      return with_affinity(real_cell(content.starts_with('-') ? -INFINITY : INFINITY), column.affinity, scratch);
    }
    if (std::optional<std::string> bytes = binary_of(value)) {
      scratch = std::move(*bytes);
      // A source hands over a text that is not UTF-8 as bytes: in a column of texts it is one again.
      if (column.affinity == Affinity::text && !valid_utf8(scratch)) return text_cell(scratch);
      return blob_cell(scratch);
    }
  }
  if (column.type != ColumnType::json && column.type != ColumnType::any)
    throw bad_value(column, fmt::format("{} (it is {})", object ? "an object" : "a list", to_string(column.type)))
        .with_advice("Declare the column as json, or turn the value into text by a rule.");
  scratch = boost::json::serialize(value);
  return text_cell(scratch);
}

Cell Encoder::encode_key(std::string_view text, const TargetColumn& column, std::string& scratch) {
  return with_affinity(text_cell(text), column.affinity, scratch);
}

Cell Encoder::with_affinity(Cell cell, Affinity affinity, std::string& scratch) {
  switch (affinity) {
    case Affinity::blob:
      return cell;
    case Affinity::text: {
      if (cell.kind != Cell::Kind::integer && cell.kind != Cell::Kind::real) return cell;
      Use use(as_text_);
      bind(as_text_.get(), 1, cell);
      db_.step(as_text_);
      scratch = std::string(as_text_.text(0));
      return text_cell(scratch);
    }
    case Affinity::real:
    case Affinity::integer:
    case Affinity::numeric:
      break;
  }
  if (cell.kind == Cell::Kind::text) {
    if (!reads_as_number(cell.bytes)) return cell;
    std::string_view digits = cell.bytes;
    while (space(digits.front())) digits.remove_prefix(1);
    while (space(digits.back())) digits.remove_suffix(1);
    if (digits.front() == '+') digits.remove_prefix(1);
    std::int64_t integer = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), integer);
    if (parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size()) {
      cell = integer_cell(integer);
    } else {
      // SQLite's own conversion, which differs from the C library's in the last digit.
      Use use(as_number_);
      bind(as_number_.get(), 1, cell);
      db_.step(as_number_);
      cell = real_cell(sqlite3_column_double(as_number_.get(), 0));
    }
  }
  if (affinity == Affinity::real)
    return cell.kind == Cell::Kind::integer ? real_cell(static_cast<double>(cell.integer)) : cell;
  return cell.kind == Cell::Kind::real ? shortest(cell.real) : cell;
}

Cell cell_of(sqlite3_stmt* row, int column) {
  switch (sqlite3_column_type(row, column)) {
    case SQLITE_INTEGER:
      return integer_cell(sqlite3_column_int64(row, column));
    case SQLITE_FLOAT:
      return real_cell(sqlite3_column_double(row, column));
    case SQLITE_TEXT: {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(row, column));
      return text_cell(std::string_view(text, static_cast<std::size_t>(sqlite3_column_bytes(row, column))));
    }
    case SQLITE_BLOB: {
      const auto* bytes = static_cast<const char*>(sqlite3_column_blob(row, column));
      return blob_cell(
          std::string_view(bytes ? bytes : "", static_cast<std::size_t>(sqlite3_column_bytes(row, column))));
    }
    default:
      return Cell();
  }
}

Value value_of(const Cell& cell) {
  Value value;
  switch (cell.kind) {
    case Cell::Kind::null:
      break;
    case Cell::Kind::integer:
      value = cell.integer;
      break;
    case Cell::Kind::real:
      if (std::isfinite(cell.real))
        value = cell.real;
      else
        value = Object{{"$numberDouble", cell.real > 0 ? "Infinity" : "-Infinity"}};
      break;
    case Cell::Kind::text:
      if (valid_utf8(cell.bytes)) {
        value = cell.bytes;
        break;
      }
      [[fallthrough]];
    case Cell::Kind::blob:
      set_binary(value, cell.bytes);
      break;
  }
  return value;
}

void bind(sqlite3_stmt* statement, int index, const Cell& cell) {
  switch (cell.kind) {
    case Cell::Kind::null:
      sqlite3_bind_null(statement, index);
      break;
    case Cell::Kind::integer:
      sqlite3_bind_int64(statement, index, cell.integer);
      break;
    case Cell::Kind::real:
      sqlite3_bind_double(statement, index, cell.real);
      break;
    case Cell::Kind::text:
      sqlite3_bind_text64(statement, index, cell.bytes.data() ? cell.bytes.data() : "", cell.bytes.size(),
                          SQLITE_STATIC, SQLITE_UTF8);
      break;
    case Cell::Kind::blob:
      if (cell.bytes.empty())
        sqlite3_bind_zeroblob(statement, index, 0);
      else
        sqlite3_bind_blob64(statement, index, cell.bytes.data(), cell.bytes.size(), SQLITE_STATIC);
      break;
  }
}

std::string shown(const Cell& cell) {
  switch (cell.kind) {
    case Cell::Kind::null:
      return "NULL";
    case Cell::Kind::integer:
      return std::to_string(cell.integer);
    case Cell::Kind::real:
      return fmt::format("{}", cell.real);
    case Cell::Kind::text:
      if (valid_utf8(cell.bytes)) {
        std::string text(cell.bytes.substr(0, 200));
        while (!valid_utf8(text)) text.pop_back();
        for (char& c : text)
          if (static_cast<unsigned char>(c) < 0x20) c = ' ';
        return cell.bytes.size() > 200 ? text + "…" : text;
      }
      [[fallthrough]];
    case Cell::Kind::blob:
      return fmt::format("{} bytes", cell.bytes.size());
  }
  return "";
}

std::uint64_t hash_row(const std::vector<Cell>& cells) noexcept {
  std::uint64_t hash = 0x6D6967726174651DU;
  for (const Cell& cell : cells) {
    hash = mix(hash, static_cast<std::uint64_t>(cell.kind) + 1);
    switch (cell.kind) {
      case Cell::Kind::null:
        break;
      case Cell::Kind::integer:
        hash = mix(hash, static_cast<std::uint64_t>(cell.integer));
        break;
      case Cell::Kind::real: {
        const double real = cell.real == 0.0 ? 0.0 : cell.real;
        std::uint64_t word;
        std::memcpy(&word, &real, 8);
        hash = mix(hash, word);
        break;
      }
      case Cell::Kind::text:
      case Cell::Kind::blob:
        hash = hash_bytes(hash, cell.bytes);
        break;
    }
  }
  return hash;
}

}  // namespace migrate::sqlite
