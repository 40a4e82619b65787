#include "values.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "migrate/base64.hpp"
#include "migrate/error.hpp"

namespace migrate::sqlite {

namespace {


std::string_view column_bytes(sqlite3_stmt* row, int column) {
  // The pointer before the length: asking for it may convert the value.
  const auto* bytes = sqlite3_column_type(row, column) == SQLITE_BLOB
                          ? static_cast<const char*>(sqlite3_column_blob(row, column))
                          : reinterpret_cast<const char*>(sqlite3_column_text(row, column));
  return std::string_view(bytes ? bytes : "", static_cast<std::size_t>(sqlite3_column_bytes(row, column)));
}

/// The length of the well-formed character at `at`, or 0.
std::size_t character(const unsigned char* at, std::size_t left) {
  const unsigned char c = *at;
  if (c < 0x80) return 1;
  const std::size_t length = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
  if (c < 0xC2 || c > 0xF4 || length > left) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((at[i] & 0xC0) != 0x80) return 0;
  // Overlong forms, surrogates, and what lies beyond the last plane.
  if (c == 0xE0 && at[1] < 0xA0) return 0;
  if (c == 0xED && at[1] > 0x9F) return 0;
  if (c == 0xF0 && at[1] < 0x90) return 0;
  if (c == 0xF4 && at[1] > 0x8F) return 0;
  return length;
}

void set_double(Value& into, double number) {
  if (std::isfinite(number)) {
    into.emplace_double() = number;
    return;
  }
  into.emplace_object().emplace("$numberDouble", std::isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
}

std::string hex(std::string_view bytes) {
  std::string result = "x'";
  for (char c : bytes) result += fmt::format("{:02X}", static_cast<unsigned char>(c));
  return result += '\'';
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() < 3 || !text.starts_with("x'") || !text.ends_with("'") || text.size() % 2 == 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 2; i + 1 < text.size(); i += 2) {
    unsigned value = 0;
    const auto [end, trouble] = std::from_chars(text.data() + i, text.data() + i + 2, value, 16);
    if (trouble != std::errc() || end != text.data() + i + 2) return std::nullopt;
    bytes += static_cast<char>(value);
  }
  return bytes;
}

void bind_text(sqlite3_stmt* statement, int index, std::string_view text) {
  sqlite3_bind_text64(statement, index, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

}  // namespace

bool valid_utf8(std::string_view bytes) noexcept {
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto* end = at + bytes.size();
  while (at < end) {
    // Nearly all bytes of nearly all data are ASCII: eight at once.
    while (end - at >= 8) {
      std::uint64_t word;
      std::memcpy(&word, at, 8);
      if (word & 0x8080808080808080U) break;
      at += 8;
    }
    while (at < end && *at < 0x80) ++at;
    if (at == end) return true;
    const std::size_t length = character(at, static_cast<std::size_t>(end - at));
    if (length == 0) return false;
    at += length;
  }
  return true;
}

void set_binary(Value& into, std::string_view bytes) {
  Object& outer = into.emplace_object();
  Object& inner = outer.emplace("$binary", Object(outer.storage())).first->value().get_object();
  inner.emplace("base64", base64_encode(bytes));
  inner.emplace("subType", "00");
}

std::optional<std::string> binary_of(const Value& value) {
  if (!value.is_object() || value.get_object().size() != 1) return std::nullopt;
  const Value* binary = value.get_object().if_contains("$binary");
  const Value* text = binary && binary->is_object() ? binary->get_object().if_contains("base64") : nullptr;
  if (!text || !text->is_string()) return std::nullopt;
  std::string bytes;
  if (!base64_decode(text->get_string(), bytes)) return std::nullopt;
  return bytes;
}

void read_column(sqlite3_stmt* row, int column, Value& into) {
  switch (sqlite3_column_type(row, column)) {
    case SQLITE_INTEGER:
      into.emplace_int64() = sqlite3_column_int64(row, column);
      return;
    case SQLITE_FLOAT:
      set_double(into, sqlite3_column_double(row, column));
      return;
    case SQLITE_TEXT: {
      const std::string_view text = column_bytes(row, column);
      if (valid_utf8(text))
        into.emplace_string().assign(text.data(), text.size());
      else
        set_binary(into, text);
      return;
    }
    case SQLITE_BLOB:
      set_binary(into, column_bytes(row, column));
      return;
    default:
      into.emplace_null();
      return;
  }
}

std::string key_text(sqlite3_stmt* row, int column) {
  switch (sqlite3_column_type(row, column)) {
    case SQLITE_INTEGER: {
      char buffer[24];
      const auto end = std::to_chars(buffer, buffer + sizeof buffer, sqlite3_column_int64(row, column)).ptr;
      return std::string(buffer, end);
    }
    case SQLITE_FLOAT:
      return fmt::format("{}", sqlite3_column_double(row, column));
    case SQLITE_TEXT: {
      const std::string_view text = column_bytes(row, column);
      return valid_utf8(text) ? std::string(text) : hex(text);
    }
    case SQLITE_BLOB:
      return hex(column_bytes(row, column));
    default:
      throw Error(ErrorKind::invalid, "null_key", "a key column is NULL");
  }
}

void bind_key_text(sqlite3_stmt* statement, int index, const std::string& text, bool numeric) {
  const char* end = text.data() + text.size();
  if (numeric) {
    std::int64_t integer = 0;
    auto parsed = std::from_chars(text.data(), end, integer);
    if (parsed.ec == std::errc() && parsed.ptr == end && std::to_string(integer) == text) {
      sqlite3_bind_int64(statement, index, integer);
      return;
    }
    double real = 0;
    parsed = std::from_chars(text.data(), end, real);
    if (parsed.ec == std::errc() && parsed.ptr == end) {
      sqlite3_bind_double(statement, index, real);
      return;
    }
  }
  if (std::optional<std::string> bytes = from_hex(text))
    sqlite3_bind_blob64(statement, index, bytes->data(), bytes->size(), SQLITE_TRANSIENT);
  else
    bind_text(statement, index, text);
}

Value cursor_part(sqlite3_stmt* row, int column) {
  Value part;
  if (sqlite3_column_type(row, column) == SQLITE_TEXT && !valid_utf8(column_bytes(row, column)))
    part.emplace_object().emplace("text", base64_encode(column_bytes(row, column)));
  else
    read_column(row, column, part);
  return part;
}

void bind_cursor_part(sqlite3_stmt* statement, int index, const Value& part) {
  if (part.is_int64()) {
    sqlite3_bind_int64(statement, index, part.get_int64());
  } else if (part.is_double()) {
    sqlite3_bind_double(statement, index, part.get_double());
  } else if (part.is_string()) {
    bind_text(statement, index, std::string_view(part.get_string()));
  } else if (std::optional<std::string> bytes = binary_of(part)) {
    sqlite3_bind_blob64(statement, index, bytes->data(), bytes->size(), SQLITE_TRANSIENT);
  } else if (part.is_object() && part.get_object().contains("text")) {
    std::string text;
    if (!base64_decode(part.at("text").as_string(), text)) text.clear();
    bind_text(statement, index, text);
  } else if (part.is_object() && part.get_object().contains("$numberDouble")) {
    const bool negative = part.at("$numberDouble").as_string() == "-Infinity";
    sqlite3_bind_double(statement, index, negative ? -INFINITY : INFINITY);
  } else {
    throw Error(ErrorKind::internal, "bad_cursor", "the cursor is not one that this source made");
  }
}

}  // namespace migrate::sqlite
