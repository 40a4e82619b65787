#include "stage.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace migrate::postgres {

std::size_t line_of(const ServerError& error, const std::string& table) {
  const std::string start = "COPY " + table + ", ";
  const std::size_t at = error.context.find(start);
  if (at == std::string::npos) return 0;
  const std::size_t digit = error.context.find_first_of("0123456789", at + start.size());
  const std::size_t end = error.context.find_first_of(",:\n", at + start.size());
  if (digit == std::string::npos || (end != std::string::npos && end < digit)) return 0;
  return std::stoul(error.context.substr(digit, 12));
}

std::string join_sql(const Target& target, std::string_view left, std::string_view right) {
  std::vector<std::string> parts;
  for (const int column : target.identity()) {
    parts.push_back(target.column_sql(left, column) + " = " + target.column_sql(right, column));
  }
  return fmt::format("{}", fmt::join(parts, " AND "));
}

std::string wanted_sql(const Target& target, int column) {
  for (const Flag& flag : target.flags) {
    if (flag.column == column)
      return fmt::format("(coalesce(s.{}, false) OR {})", target.column(column).quoted, flag.exists);
  }
  return target.column_sql("s", column);
}

bool is_identity(const Target& target, int column) {
  const std::vector<int> identity = target.identity();
  return std::find(identity.begin(), identity.end(), column) != identity.end();
}

std::string stage_sql(const Target& target, const std::vector<int>& columns) {
  std::vector<std::string> parts{"_n integer"};
  for (const int column : columns) parts.push_back(target.column(column).quoted + " " + target.column(column).type);
  return fmt::format("CREATE TEMPORARY TABLE _migrate_stage ({}) ON COMMIT DROP", fmt::join(parts, ", "));
}

std::string differs_any_sql(const Target& target, const std::vector<int>& columns) {
  std::vector<std::string> parts{"false"};
  for (const int column : columns) {
    if (is_identity(target, column)) continue;
    parts.push_back(differs_sql(target.column(column), target.column_sql("t", column), wanted_sql(target, column)));
  }
  return fmt::format("({})", fmt::join(parts, " OR "));
}

}  // namespace migrate::postgres
