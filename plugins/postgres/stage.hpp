// The temporary table through which rows are compared with those of their table.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "connection.hpp"
#include "target.hpp"

namespace migrate::postgres {

inline constexpr std::string_view stage = "pg_temp._migrate_stage";

/// CREATE of the table: `_n` (the operation's index) and the given columns.
std::string stage_sql(const Target& target, const std::vector<int>& columns);
/// SQL condition: the rows `left` and `right` are the same one.
std::string join_sql(const Target& target, std::string_view left, std::string_view right);
/// SQL for what a column of the row "t" should be after the stage's row "s", the flags of other tables included.
std::string wanted_sql(const Target& target, int column);
/// SQL condition: the row "t" differs from what it should be.
std::string differs_any_sql(const Target& target, const std::vector<int>& columns);
/// True for the columns that tell which row it is.
bool is_identity(const Target& target, int column);
/// The row that COPY stumbled over, counted from 1, in any language of the server; 0: not told.
std::size_t line_of(const ServerError& error, const std::string& table);

}  // namespace migrate::postgres
