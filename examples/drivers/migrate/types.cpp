#include "types.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>

#include "migrate/config_shape.hpp"

namespace migrate::program {

namespace {

using Types = std::vector<std::string>;

bool has(const Types& types, const std::string& type) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

awaitable<Types> types_of(std::shared_ptr<Source> source) {
  const std::vector<Partition> partitions = co_await source->partitions();
  Types types;
  for (const Partition& partition : partitions)
    if (!has(types, partition.type)) types.push_back(partition.type);
  co_return types;
}

/// Nothing where the source cannot be asked now.
awaitable<std::optional<Types>> known_types(std::shared_ptr<Source> source) {
  std::optional<Types> types;
  try {
    types = co_await types_of(source);
  } catch (const Error&) {
    // Why, the checks tell.
  }
  co_return types;
}

void require_one(const Types& known, const std::string& type, const char* option) {
  if (has(known, type)) return;
  throw Error(ErrorKind::invalid, "unknown_type",
              fmt::format("{}: the source has no type \"{}\"{}", option, type, config::suggestion(type, known)))
      .with_advice("Nothing has been done.");
}

/// A slip of the pen, rather than a type that a transformer makes.
bool is_slip(const std::string& type, const std::string& near) {
  return !near.empty() && std::max(near.size(), type.size()) - std::min(near.size(), type.size()) <= 1;
}

}  // namespace

void require_types(const Plan& plan, int verbosity, const RunOptions& options) {
  if (options.only.empty() && !options.where) return;
  std::optional<Types> known;
  try {
    const Session session(plan, verbosity, Access::look);
    known = wait_for(known_types(session.pipeline().source));
  } catch (const Error&) {
    // Whoever opens it to work with it says why it cannot be opened.
  }
  if (!known || known->empty()) return;
  for (const std::string& type : options.only) require_one(*known, type, "only");
  if (!options.where) return;
  require_one(*known, options.where->type, "where");
  if (options.only.empty() || options.only.count(options.where->type)) return;
  throw Error(ErrorKind::invalid, "usage",
              fmt::format("where is about {}, and only leaves these out: nothing would be moved", options.where->type))
      .with_advice("where alone moves the records of its type that have the value, and nothing else.");
}

namespace {

/// What is known of the type of an id map.
struct TypeOfMap {
  bool known = false;    ///< by the id map, the source or the target
  bool certain = false;  ///< that it does not exist, if it is not known
  bool asked = false;    ///< the source has told its types
  std::string suggestion;
};

awaitable<Types> types_of_map(std::shared_ptr<CheckpointStore> store) {
  Types types;
  std::string after;
  while (true) {
    const std::vector<Entry> next = co_await store->scan(Table::outcome, "", after, 1);
    if (next.empty()) break;
    types.push_back(next.front().key.substr(0, next.front().key.find('/')));
    after = types.back() + char('/' + 1);  // behind all of this type
  }
  co_return types;
}

awaitable<TypeOfMap> look_for(Pipeline pipeline, std::string type) {
  TypeOfMap found;
  const std::string prefix = type + "/";
  const std::vector<Entry> listed = co_await pipeline.store->scan(Table::outcome, prefix, "", 1);
  found.known = !listed.empty();
  if (found.known) co_return found;
  const std::optional<Types> of_source = co_await known_types(pipeline.source);
  Types known = of_source.value_or(Types());
  TableSink* tables = pipeline.sink->as_tables();
  const Types of_sink = tables ? tables->types() : Types();
  for (const std::string& each : of_sink)
    if (!has(known, each)) known.push_back(each);
  const Types of_map = co_await types_of_map(pipeline.store);
  for (const std::string& each : of_map)
    if (!has(known, each)) known.push_back(each);
  found.known = has(known, type);
  found.asked = of_source.has_value();
  found.suggestion = config::suggestion(type, known);
  const std::string near = config::nearest(type, known);
  // A transformer may name types that neither the source nor a service knows.
  found.certain =
      (of_source && !known.empty() && (pipeline.transforms.empty() || !of_sink.empty())) || is_slip(type, near);
  co_return found;
}

}  // namespace

awaitable<void> require_known_type(Pipeline pipeline, std::string type) {
  const TypeOfMap found = co_await look_for(std::move(pipeline), type);
  if (found.known) co_return;
  if (found.certain || found.asked)
    throw Error(ErrorKind::invalid, "unknown_type",
                fmt::format("--type: there is no type \"{}\"{}", type, found.suggestion))
        .with_advice("Nothing has been done.");
  std::cerr << fmt::format(
      "warning: nothing is known of a type \"{}\", and the source, which cannot be asked now, may have it\n", type);
}

awaitable<void> require_mapped_type(Pipeline pipeline, std::string type, LogTarget& log) {
  const TypeOfMap found = co_await look_for(std::move(pipeline), type);
  if (found.known) co_return;
  if (found.certain)
    throw Error(ErrorKind::invalid, "unknown_type",
                fmt::format("a mapping file is given for \"{}\", and there is no such type{}", type, found.suggestion))
        .with_advice("Nothing was imported: under a wrong name it would help nobody, and all would be made once more.");
  const std::string warning = fmt::format(
      "a mapping file is given for \"{}\", which neither the source nor the target is known to have: if it "
      "is wrong, what the file lists is made once more",
      type);
  std::cerr << "warning: " << warning << '\n';
  log.write(LogLevel::warning, "mappings", warning);
}

}  // namespace migrate::program
