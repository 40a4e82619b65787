// A migrated family of tickets, and a delta run over what has changed since.
#pragma once

#include "shard.hpp"
#include "tickets.hpp"

namespace jira_world {

/// A migrated family, and the rich ticket to be changed.
struct Delta {
  World world;
  std::string key;
  explicit Delta(World::Way way = World::Way::documents, const std::string& project = "OPS",
                 const std::string& settings = "{}")
      : world(way, settings, project) {
    family(world);
    const Report report = world.run();
    INFO(World::complaint(report));
    REQUIRE(report.status == Status::done);
    key = world.key_of("81");
  }
  Object& data() { return world.source->records[81].data.as_object(); }
  Report run(const std::string& version) {
    world.source->records[81].version = version;
    const Report report = world.run(Mode::incremental);
    INFO(World::complaint(report));
    REQUIRE_FALSE(report.fatal);
    REQUIRE(report.total().failed == 0);
    return report;
  }
  Value issue() const { return world.issue_of("81"); }
  std::string exit_to(const std::string& status) {
    const Value all = world.as(World::ana, "GET", "/issue/" + key + "/transitions").json();
    for (const Value& each : all.at("transitions").as_array())
      if (each.at("to").at("name") == Value(status)) return std::string(each.at("id").as_string());
    return {};
  }
  Value field(const char* name) const { return issue().at("fields").at(name); }
};

inline std::uint64_t warned(const Report& report, const std::string& cause) {
  const auto type = report.warnings.find("tickets");
  if (type == report.warnings.end()) return 0;
  const auto found = type->second.find(cause);
  return found == type->second.end() ? 0 : found->second;
}

inline bool has_label(const Value& issue, const std::string& label) {
  for (const Value& each : issue.at("labels").as_array())
    if (each == Value(label)) return true;
  return false;
}

/// A delta run over what `change` does dies at each point, and the next one goes on. Returns how many points there are.
inline int dies_anywhere(const std::function<void(Delta&)>& change, const std::string& settings = "{}") {
  const auto prepare = [&change](Delta& delta) {
    change(delta);
    delta.world.source->records[81].version = "2";
    delta.world.death = Death();
  };
  Delta undisturbed(World::Way::documents, "OPS", settings);
  prepare(undisturbed);
  undisturbed.run("2");
  const std::string expected = print(undisturbed.world.masked());
  const int points = undisturbed.world.death.passed;
  RunOptions options;
  options.mode = Mode::incremental;
  for (int at = 1; at <= points; ++at) {
    if (!testing_support::in_shard(at)) continue;
    Delta delta(World::Way::documents, "OPS", settings);
    prepare(delta);
    delta.world.death.at = at;
    REQUIRE_FALSE(delta.world.try_run(options));
    delta.world.revive();
    const Report report = delta.world.run(options);
    INFO("died at point " << at << "; " << World::complaint(report));
    REQUIRE(report.status == Status::done);
    REQUIRE(print(delta.world.masked()) == expected);
  }
  return points;
}

/// What the site calls the id of a field of this name.
inline std::string field_id(World& world, const std::string& name) {
  const Value all = world.as(World::self, "GET", "/field").json();
  for (const Value& each : all.as_array())
    if (each.at("name") == Value(name)) return std::string(each.at("id").as_string());
  return {};
}

}  // namespace jira_world
