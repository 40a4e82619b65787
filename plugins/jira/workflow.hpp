// Ways through a workflow. Jira tells only where an issue may go from where it stands, so the map grows as issues walk.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "migrate/record.hpp"

namespace migrate::jira {

struct IssueStatus {
  std::string id, name;
  std::string category;  ///< "new", "indeterminate" or "done"
};

/// One transition that leaves a status.
struct Exit {
  std::string id, name;
  IssueStatus to;
  Value fields;  ///< what its screen asks for, as Jira describes it: {"resolution": {"required": true, …}}
};

/// What GET …/transitions answers.
std::vector<Exit> exits_from(const Array& transitions);
/// Whether a transition demands more than a resolution: such a one is taken only to say what stands in the way.
bool demands_more(const Exit& exit);
/// The fields that a transition demands and nobody fills in by default: `resolution` is set to the one that is named.
/// Throws Error(invalid, "unknown_resolution") where it may be another one only, and "transition_needs_field" for what
/// else it demands.
Object demanded_fields(const Exit& exit, const std::string& resolution);

/// Pure arithmetic; statuses by id, workflows by the id of the issue type.
class Workflows {
 public:
  void learn(const std::string& type, const std::string& status, std::vector<Exit> exits);
  bool knows(const std::string& type, const std::string& status) const;
  void forget(const std::string& type, const std::string& status);

  /// The next step from `from` (which is known) to `to`: on the shortest known way, else towards a status that has not
  /// been looked at yet, preferring those that are no further along than the goal. Null: there is no way. `visited`:
  /// statuses that this issue has had on its walk. One that demands_more() is taken only where there is no other.
  const Exit* next(const std::string& type, const std::string& from, const IssueStatus& to,
                   const std::set<std::string>& visited) const;

 private:
  using Passable = bool (*)(const Exit& exit);
  const Exit* search(const std::string& type, const std::string& from, const IssueStatus& to,
                     const std::set<std::string>& visited, Passable passable) const;

  std::map<std::pair<std::string, std::string>, std::vector<Exit>> known_;
};

}  // namespace migrate::jira
