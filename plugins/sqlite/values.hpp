// Between SQLite's storage classes and the values of records.
#pragma once

#include <sqlite3.h>

#include <optional>
#include <string>
#include <string_view>

#include "migrate/record.hpp"

namespace migrate::sqlite {

bool valid_utf8(std::string_view bytes) noexcept;

/// `{"$binary":…}`, in the storage of `into`.
void set_binary(Value& into, std::string_view bytes);
/// The bytes of a `{"$binary":…}`; nothing when the value is none.
std::optional<std::string> binary_of(const Value& value);

/// A column of the present row: int64, double (`$numberDouble` where JSON has no such number), string, `$binary` for
/// blobs and for texts that are not UTF-8, null. Keeps the storage of `into`.
void read_column(sqlite3_stmt* row, int column, Value& into);

/// How a key's column reads in RecordRef::id: bytes that are not UTF-8 as x'…'.
std::string key_text(sqlite3_stmt* row, int column);
/// Binds what key_text() gave, as the column compares it: a number where it reads as one and `numeric` says so.
void bind_key_text(sqlite3_stmt* statement, int index, const std::string& text, bool numeric);

/// A key's column as part of a cursor, and back. Unlike values of records it tells blobs from texts.
Value cursor_part(sqlite3_stmt* row, int column);
void bind_cursor_part(sqlite3_stmt* statement, int index, const Value& part);

}  // namespace migrate::sqlite
