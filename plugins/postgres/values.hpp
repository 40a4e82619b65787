// Values between PostgreSQL's text form and records.
#pragma once

#include <boost/json/storage_ptr.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "catalog.hpp"
#include "migrate/record.hpp"

namespace migrate::postgres {

/// A cell as the server sent it, as a value in `storage`. Text that is not UTF-8 (SQL_ASCII) becomes `$binary`.
Value decode(Kind kind, std::string_view text, bool raw_bytes, const boost::json::storage_ptr& storage);

/// Why a value could not be encoded; `none`: it was.
enum class Refusal { none, nul_character, bad_value };

/// Rows in COPY's text format, in one buffer that is used again and again.
class CopyBuffer {
 public:
  void clear() { used_ = 0; }
  std::size_t size() const { return used_; }
  const char* data() const { return buffer_.data(); }
  std::string_view view() const { return {buffer_.data(), used_}; }
  /// Forgets what was added after `size` was taken.
  void shrink(std::size_t size) { used_ = size; }

  void null() { raw("\\N"); }
  void raw(std::string_view text);
  void number(std::int64_t value);
  /// Escaped; false when it holds U+0000.
  bool text(std::string_view value);
  /// Any value for a column of `kind`. What it adds before it refuses is for the caller to take back.
  Refusal value(const Value& value, Kind kind, bool raw_bytes);
  void tab() { raw("\t"); }
  void end_row() { raw("\n"); }

 private:
  char* room(std::size_t size);
  Refusal object(const Value& value, Kind kind, bool raw_bytes);

  std::string buffer_;
  std::size_t used_ = 0;
  std::string scratch_;
};

/// The text that a key column receives: what COPY would write, without its escapes.
std::string key_text(const Value& value);

}  // namespace migrate::postgres
