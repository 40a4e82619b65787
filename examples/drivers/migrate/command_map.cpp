#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <iostream>
#include <map>
#include <memory>

#include "migrate/mapping_file.hpp"
#include "session.hpp"
#include "types.hpp"

namespace migrate::program {

namespace {

struct MapArguments : FileArguments {
  std::string type, source_id, target_id, export_to, import_from, where;
  std::vector<std::string> only;
  bool json = false, forget_gone = false, yes = false;
};

std::string plain(const Value& value) {
  return value.is_string() ? std::string(value.get_string()) : boost::json::serialize(value);
}

void require_type(const MapArguments& arguments, const char* option) {
  if (!arguments.type.empty()) return;
  throw Error(ErrorKind::invalid, "usage", fmt::format("{} needs --type: a mapping file is about one type", option))
      .with_advice("For example: --type customers");
}

bool is_asked_for(const MapArguments& arguments, const Mapping& mapping) {
  return (arguments.source_id.empty() || mapping.source_id == arguments.source_id) &&
         (arguments.target_id.empty() || plain(mapping.target_id) == arguments.target_id);
}

/// Of a type that nobody knows there is nothing to tell, which must not pass for an answer.
void require_type_of_map(const MapArguments& arguments, Session& session) {
  if (!arguments.type.empty()) wait_for(require_known_type(session.pipeline(), arguments.type));
}

/// What the file names is of one target. A state without a run is of none yet.
void require_own_target(Session& session) {
  if (!wait_for(last_report(session.pipeline().store))) return;
  try {
    wait_for(require_target(session.pipeline()));
  } catch (Error& error) {
    if (error.cause == "foreign_target") throw;
    throw Error(error.kind(), error.cause,
                fmt::format("whether the sink leads to the target of this state cannot be told: {}", error.what()))
        .with_advice("Nothing was imported.");
  }
}

int import_file(const MapArguments& arguments, const Plan& plan) {
  require_type(arguments, "--import");
  std::vector<Mapping> mappings;
  read_mappings(arguments.import_from, arguments.type,
                [&](Mapping mapping) { mappings.push_back(std::move(mapping)); });
  {
    Session look(plan, arguments.verbosity, Access::look);
    require_own_target(look);
    wait_for(require_mapped_type(look.pipeline(), arguments.type, look.log()));
  }
  const Session session(plan, arguments.verbosity, Access::state);
  const std::size_t count = wait_for(import_mappings(session.pipeline().store, std::move(mappings)));
  std::cout << fmt::format("{} {} are known as migrated now: links to them resolve, and their rows are adopted.\n",
                           count, arguments.type);
  return exit_done;
}

int export_file(const MapArguments& arguments, const Plan& plan) {
  require_type(arguments, "--export");
  Session session(plan, arguments.verbosity, Access::existing);
  require_type_of_map(arguments, session);
  MappingWriter writer(arguments.export_to);
  std::size_t count = 0;
  wait_for(for_each_mapping(session.pipeline(), arguments.type, [&](const Mapping& mapping) {
    if (!is_asked_for(arguments, mapping)) return;
    writer.add(mapping);
    ++count;
  }));
  writer.finish();
  std::cout << fmt::format("{}: {} {}\n", arguments.export_to, count, arguments.type);
  return exit_done;
}

int look_up(const MapArguments& arguments, const Plan& plan) {
  Session session(plan, arguments.verbosity, Access::existing);
  require_type_of_map(arguments, session);
  std::size_t count = 0;
  wait_for(for_each_mapping(session.pipeline(), arguments.type, [&](const Mapping& mapping) {
    if (!is_asked_for(arguments, mapping)) return;
    ++count;
    std::cout << mapping.type << '\t' << mapping.source_id << '\t' << plain(mapping.target_id) << '\n';
  }));
  const bool asked = !arguments.source_id.empty() || !arguments.target_id.empty();
  if (count > 0 || !asked) return exit_done;
  std::cerr << fmt::format("migrate: no {} with {} {} has been migrated\n",
                           arguments.type.empty() ? "record" : arguments.type,
                           arguments.source_id.empty() ? "target id" : "source id",
                           arguments.source_id.empty() ? arguments.target_id : arguments.source_id);
  return exit_some_failed;
}

/// What somebody has deleted on the target is made anew only when the id map knows it no more.
int forget(const MapArguments& arguments, const Plan& plan) {
  {
    Session look(plan, arguments.verbosity, Access::existing);
    require_type_of_map(arguments, look);
  }
  const Session session(plan, arguments.verbosity, Access::state);
  std::vector<Mapping> gone = wait_for(find_gone(session.pipeline(), arguments.type));
  std::erase_if(gone, [&](const Mapping& mapping) { return !is_asked_for(arguments, mapping); });
  for (const Mapping& mapping : gone)
    std::cout << mapping.type << '\t' << mapping.source_id << '\t' << plain(mapping.target_id) << '\n';
  if (gone.empty()) {
    std::cout << "Nothing that was migrated is gone from the target.\n";
    return exit_done;
  }
  const std::string question = fmt::format(
      "The target shows {} of what was migrated to this account no more. If they are deleted, the next run can make "
      "them "
      "anew; if this account may only not see them, they would be there twice. Forget them?",
      gone.size());
  if (!arguments.yes && !confirmed(question)) {
    std::cout << "Nothing has been done.\n";
    return exit_usage;
  }
  const std::size_t count = wait_for(forget_gone(session.pipeline(), std::move(gone)));
  std::cout << fmt::format(
      "{} forgotten. This makes them anew, and leaves alone what is there: migrate run {} --mode full --fresh\n", count,
      plan.arguments);
  return exit_done;
}

int map_file(const MapArguments& arguments) {
  // Before anything is opened: the name of the file tells the format.
  if (!arguments.export_to.empty()) mapping_format_of(arguments.export_to);
  const Plan plan = load_plan(arguments);
  if (arguments.forget_gone) return forget(arguments, plan);
  if (!arguments.import_from.empty()) return import_file(arguments, plan);
  if (!arguments.export_to.empty()) return export_file(arguments, plan);
  return look_up(arguments, plan);
}

class PendingPrinter {
 public:
  explicit PendingPrinter(bool json) : json_(json) {}
  void operator()(const Pending& pending) {
    const std::string cause = pending.cause.empty() ? "not_tried" : pending.cause;
    ++causes_[{pending.record.type, cause}];
    if (json_) {
      const Object object{
          {"type", pending.record.type}, {"id", pending.record.id}, {"cause", cause}, {"message", pending.message}};
      std::cout << (count_ == 0 ? "[\n" : ",\n") << boost::json::serialize(object);
    } else {
      std::cout << fmt::format("{}\t{}\t{}\t{}\n", pending.record.type, pending.record.id, cause, pending.message);
    }
    ++count_;
  }
  void finish() const {
    if (json_) std::cout << (count_ == 0 ? "[" : "\n") << "]\n";
    std::cout << std::flush;
    std::cerr << fmt::format("{} records of the source are not on the target.\n", count_);
    for (const auto& [key, count] : causes_) {
      std::cerr << fmt::format("  {} {}: {}\n", count, key.first, key.second);
    }
  }

 private:
  bool json_;
  std::size_t count_ = 0;
  std::map<std::pair<std::string, std::string>, std::size_t> causes_;
};

int list_pending(const MapArguments& arguments) {
  const Plan plan = load_plan(arguments);
  RunOptions options = plan.file.run;
  if (!arguments.only.empty()) options.only = {arguments.only.begin(), arguments.only.end()};
  if (!arguments.where.empty()) options.where = where_from(arguments.where);
  require_types(plan, arguments.verbosity, options);
  const Session session(plan, arguments.verbosity, Access::look);
  PendingPrinter printer(arguments.json);
  wait_for(for_each_pending(session.pipeline(), std::move(options), [&](const Pending& pending) { printer(pending); }));
  printer.finish();
  return exit_done;
}

}  // namespace

void add_map_commands(Cli cli) {
  auto arguments = std::make_shared<MapArguments>();
  CLI::App* map = cli.app.add_subcommand("map", "Which record of the source is which on the target");
  add_file_arguments(*map, *arguments);
  map->add_option("--type", arguments->type, "Only records of this type");
  CLI::Option* source = map->add_option("--source-id", arguments->source_id, "Looks this record of the source up");
  map->add_option("--target-id", arguments->target_id, "Looks this record of the target up")->excludes(source);
  CLI::Option* out = map->add_option("--export", arguments->export_to, "Writes a mapping file (.csv or .json)");
  CLI::Option* in =
      map->add_option("--import", arguments->import_from, "Takes a mapping file in: its records count as migrated")
          ->excludes(out);
  map->add_flag("--forget-gone", arguments->forget_gone,
                "Forgets items that are gone from the target, so that a run makes them anew; shows them and asks")
      ->excludes(out)
      ->excludes(in);
  map->add_flag("-y,--yes", arguments->yes, "Does not ask");
  map->callback([cli, arguments] { cli.action = [arguments] { return map_file(*arguments); }; });

  auto asked = std::make_shared<MapArguments>();
  CLI::App* pending = cli.app.add_subcommand("pending", "Lists what is not migrated yet, and why");
  add_file_arguments(*pending, *asked);
  pending->add_option("--only", asked->only, "Only this type; may be repeated")
      ->delimiter(',')
      ->allow_extra_args(false);
  pending->add_option("--where", asked->where, "TYPE.FIELD=VALUE: only records that have this value");
  pending->add_flag("--json", asked->json, "As JSON");
  pending->callback([cli, asked] { cli.action = [asked] { return list_pending(*asked); }; });
}

}  // namespace migrate::program
