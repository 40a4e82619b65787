// The two syntaxes of mapping files, as readers that know the line they are in.
#pragma once

#include <cstddef>
#include <functional>
#include <istream>
#include <string>
#include <string_view>

#include "migrate/record.hpp"

MIGRATE_BEGIN
namespace mapping_file {

/// What is wrong, and where; mapping_file.cpp adds the file.
struct Fault {
  std::size_t line;
  std::string message;
};

struct Row {
  std::size_t line = 1;
  std::string source_id;
  Value target_id;
};
using Each = std::function<void(Row)>;

inline constexpr std::size_t longest_id = 64 * 1024;

// Both throw Fault.
void read_csv(std::istream& in, const Each& each);
void read_json(std::istream& in, const Each& each);

}  // namespace mapping_file
MIGRATE_END
