// What Jira shows beside what it was given. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "migrate/record.hpp"

namespace migrate::jira {

/// Whether two canonical texts say the same. `rewritten`: word by word, since Jira has made the markup anew.
bool is_same_text(const std::string& found, const std::string& expected, bool rewritten);
/// The same for a text that was cut in Jira, wherever: as far as it stands there.
bool agrees(const std::string& found, const std::string& expected, bool rewritten);
/// Where two texts part, with what stands around it.
std::pair<std::string, std::string> parting(const std::string& a, const std::string& b);
/// Whether what was sent is there: Jira shows more of a value than it takes.
bool holds(const Value& expected, const Value& found);

/// A comment of the migration's, as Jira lists it.
struct Placed {
  std::size_t place = 0;  ///< among those of the item
  bool internal = false;  ///< in Jira
};
/// Whether comments stand in the order of the item's. One for staff may stand behind those that come after it there: it
/// was made anew when it was hidden.
bool in_order(const std::vector<Placed>& comments);

}  // namespace migrate::jira
