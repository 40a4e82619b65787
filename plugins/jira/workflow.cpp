#include "workflow.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <tuple>

#include "json.hpp"
#include "names.hpp"

namespace migrate::jira {

namespace {

int rank_of(const std::string& category) { return category == "done" ? 2 : category == "indeterminate" ? 1 : 0; }

bool is_demanded(const Value& field) { return truth_at(field, {"required"}) && !truth_at(field, {"hasDefaultValue"}); }

/// {"name": wanted}, as Jira writes it.
Value choice(const Exit& exit, const Value& field, const std::string& wanted) {
  std::string names;
  for (const Value& value : list_at(field, {"allowedValues"})) {
    const std::string name = text_at(value, {"name"});
    if (same_name(name, wanted)) return object("name", name);
    names += (names.empty() ? "" : ", ") + name;
  }
  if (names.empty()) return object("name", wanted);
  throw Error(ErrorKind::invalid, "unknown_resolution",
              fmt::format("the transition \"{}\" to \"{}\" knows no resolution \"{}\"; it takes {}", exit.name,
                          exit.to.name, wanted, names))
      .with_advice("set `resolution` to one of these: it is what closed issues are shown as");
}

}  // namespace

std::vector<Exit> exits_from(const Array& transitions) {
  std::vector<Exit> exits;
  for (const Value& transition : transitions) {
    Exit exit;
    exit.id = text_at(transition, {"id"});
    exit.name = text_at(transition, {"name"});
    exit.to.id = text_at(transition, {"to", "id"});
    exit.to.name = text_at(transition, {"to", "name"});
    exit.to.category = text_at(transition, {"to", "statusCategory", "key"});
    if (const Value* fields = find(transition, {"fields"})) exit.fields = detached(*fields);
    if (!exit.id.empty() && !exit.to.id.empty()) exits.push_back(std::move(exit));
  }
  return exits;
}

bool demands_more(const Exit& exit) {
  const Object* fields = exit.fields.if_object();
  return fields && std::any_of(fields->begin(), fields->end(), [](const auto& member) {
           return member.key() != "resolution" && is_demanded(member.value());
         });
}

Object demanded_fields(const Exit& exit, const std::string& resolution) {
  Object values;
  const Object* fields = exit.fields.if_object();
  if (!fields) return values;
  for (const auto& [name, field] : *fields) {
    if (!is_demanded(field)) continue;
    if (name == "resolution") {
      values.emplace(name, choice(exit, field, resolution));
      continue;
    }
    throw Error(
        ErrorKind::invalid, "transition_needs_field",
        fmt::format("the transition \"{}\" to \"{}\" demands the field {}", exit.name, exit.to.name, std::string(name)))
        .with_advice(
            "give the field a default in the workflow, make it optional on the transition's screen, or map the "
            "status to one that can be reached without it");
  }
  return values;
}

void Workflows::learn(const std::string& type, const std::string& status, std::vector<Exit> exits) {
  known_[{type, status}] = std::move(exits);
}

bool Workflows::knows(const std::string& type, const std::string& status) const {
  return known_.count({type, status}) != 0;
}

void Workflows::forget(const std::string& type, const std::string& status) { known_.erase({type, status}); }

const Exit* Workflows::next(const std::string& type, const std::string& from, const IssueStatus& to,
                            const std::set<std::string>& visited) const {
  const Exit* easy = search(type, from, to, visited, [](const Exit& exit) { return !demands_more(exit); });
  return easy ? easy : search(type, from, to, visited, [](const Exit&) { return true; });
}

const Exit* Workflows::search(const std::string& type, const std::string& from, const IssueStatus& to,
                              const std::set<std::string>& visited, Passable passable) const {
  struct Place {
    std::string status;
    const Exit* first;  ///< the step from `from` that leads here
  };
  std::deque<Place> queue;
  queue.push_back({from, nullptr});
  std::set<std::string> seen{from};
  const Exit* unexplored = nullptr;
  std::tuple<bool, int, std::size_t> best{true, 0, 0};
  std::size_t steps = 0;
  while (!queue.empty()) {
    const Place place = queue.front();
    queue.pop_front();
    const auto exits = known_.find({type, place.status});
    if (exits == known_.end()) {
      if (visited.count(place.status)) continue;
      // Not looked at yet: the nearest to the goal that is not beyond it, then the fewest steps.
      const int rank = rank_of(place.first->to.category), goal = rank_of(to.category);
      const std::tuple<bool, int, std::size_t> merit{rank > goal, rank > goal ? rank : -rank, steps++};
      if (!unexplored || merit < best) {
        best = merit;
        unexplored = place.first;
      }
      continue;
    }
    for (const Exit& exit : exits->second) {
      if (!passable(exit)) continue;
      const Exit* first = place.first ? place.first : &exit;
      if (exit.to.id == to.id) return first;
      if (seen.insert(exit.to.id).second) queue.push_back({exit.to.id, first});
    }
  }
  return unexplored;
}

}  // namespace migrate::jira
