#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <set>

#include "operation.hpp"

namespace migrate::program {

namespace {

constexpr std::size_t most_named = 10;  // of a list that is an example

struct RollbackArguments : FileArguments {
  bool yes = false, dry_run = false, remove = false;
  std::string progress = "auto";
};

std::string counted(std::size_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

/// What the state knows that this migration has done, by type: items and the steps that made them.
awaitable<std::map<std::string, std::string>> steps_in(std::shared_ptr<CheckpointStore> store) {
  constexpr std::size_t page = 1000;
  std::map<std::string, std::pair<std::set<std::string>, std::size_t>> found;
  std::string after;
  while (true) {
    const std::vector<Entry> rows = co_await store->scan(Table::step, "", after, page);
    for (const Entry& row : rows) {
      auto& [items, steps] = found[row.key.substr(0, row.key.find('/'))];
      items.insert(row.key.substr(0, row.key.rfind('/')));
      ++steps;
    }
    if (rows.size() < page) break;
    after = rows.back().key;
  }
  std::map<std::string, std::string> shown;
  for (const auto& [type, counts] : found)
    shown[type] = counted(counts.first.size(), "item") + ", " + counted(counts.second, "step");
  co_return shown;
}

/// What the receipts in the target say, by stream of the source: "<state>/<run>/<stream>/<number>".
awaitable<std::map<std::string, std::string>> chunks_in(TableSink& tables, std::string state_id) {
  const std::vector<std::string> chunks = co_await tables.chunks(state_id + "/");
  std::map<std::string, std::size_t> found;
  for (const std::string& chunk : chunks) {
    const std::size_t stream = chunk.find('/', state_id.size() + 1);
    const std::size_t end = chunk.rfind('/');
    ++found[stream < end ? chunk.substr(stream + 1, end - stream - 1) : chunk];
  }
  std::map<std::string, std::string> shown;
  for (const auto& [stream, count] : found) shown[stream] = counted(count, "chunk") + " of rows";
  co_return shown;
}

/// Says what would be taken back; false when nothing has been migrated.
bool announce(const Plan& plan, const FileArguments& arguments) {
  const Session session(plan, arguments.verbosity, Access::existing);
  const Pipeline& pipeline = session.pipeline();
  const std::optional<Report> report = wait_for(last_report(pipeline.store));
  if (!report) {
    std::cout << "Nothing has been migrated: there is nothing to take back.\n";
    return false;
  }
  TableSink* tables = pipeline.sink->as_tables();
  const auto counts = tables ? wait_for(chunks_in(*tables, report->state_id)) : wait_for(steps_in(pipeline.store));
  if (counts.empty()) {
    std::cout << fmt::format("Nothing that {} ({}) has written is left to take back.\n", plan.file.name,
                             report->state_id);
    return true;
  }
  std::cout << fmt::format("Rollback takes back what {} has written ({}), newest first:\n", plan.file.name,
                           report->state_id);
  for (const auto& [what, count] : counts) std::cout << fmt::format("  {}: {}\n", what, count);
  std::cout << fmt::format("{} that it made are removed, {} that it changed get their previous content, and what "
                           "somebody has changed since is left alone and listed.\n",
                           tables ? "Rows" : "Items", tables ? "rows" : "items");
  return true;
}

int roll_back(const RollbackArguments& arguments) {
  const ProgressStyle progress = progress_style_from(arguments.progress);
  const Plan plan = load_plan(arguments);
  if (!announce(plan, arguments)) return exit_done;
  if (arguments.dry_run) {
    std::cout << "--dry-run: nothing has been done.\n";
    return exit_done;
  }
  if (!arguments.yes && !confirmed("Take it back?")) {
    std::cout << "Nothing has been done.\n";
    return exit_usage;
  }
  Undertaking undertaking;
  undertaking.options = plan.file.run;
  undertaking.options.mode = Mode::rollback;
  undertaking.progress = progress;
  return undertake(plan, arguments, std::move(undertaking));
}

void list(const std::string& heading, const std::vector<Marked>& items) {
  if (items.empty()) return;
  std::cout << fmt::format("\n{}\n", heading);
  for (const Marked& item : items)
    std::cout << fmt::format("  {}  {}{}\n", item.target_id, item.title, item.url.empty() ? "" : "  " + item.url);
}

std::size_t without_state(const Orphans& found) {
  return static_cast<std::size_t>(
      std::count_if(found.unknown.begin(), found.unknown.end(), [](const Marked& item) { return item.state.empty(); }));
}

/// What other states have made, by state: how many, and the first few of them.
void show_foreign(const Plan& plan, const std::vector<Marked>& items) {
  std::map<std::string, std::vector<Marked>> states;
  for (const Marked& item : items) states[item.state].push_back(item);
  for (auto& [state, made] : states) {
    const std::size_t count = made.size();
    made.resize(std::min(count, most_named));
    list(fmt::format("Made by the state {}, another working directory of {}: {}, no orphans of this one.", state,
                     plan.file.name, counted(count, "item")),
         made);
    if (count > made.size()) std::cout << fmt::format("  … and {} more\n", count - made.size());
  }
  if (!states.empty())
    std::cout << "They are not touched. Their directory names the state in its reports (migrationId); "
                 "migrate rollback --working-dir takes them back there. If it is lost, so is the state: see "
                 "\"A state that is lost\" in recovery.md.\n";
}

void show(const Plan& plan, const Orphans& found) {
  std::cout << fmt::format("{} items on the target carry the mark of {} and are in its journal.\n", found.known,
                           plan.file.name);
  list("Orphans: on the target, and the journal does not know them:", found.unknown);
  if (const std::size_t unnamed = without_state(found))
    std::cout << fmt::format(
        "{} of these bear no state's id: an older version made them. The journal in {} knows none of them; whatever {} "
        "has "
        "made with another --working-dir, or before the state was lost, is among them. Look there (migrate orphans "
        "with "
        "that --working-dir) before you remove any.\n",
        unnamed, plan.directory.path().string(), plan.file.name);
  show_foreign(plan, found.foreign);
  list("Begun and not finished: the next complete migrate run completes or removes them:", found.unfinished);
  if (!found.missing.empty()) std::cout << "\nMigrated once, and gone from the target:\n";
  for (const auto& [record, id] : found.missing)
    std::cout << fmt::format("  {} {}, which was {}\n", record.type, record.id, id);
  std::cout << fmt::format("\n{} orphans, {} unfinished, {} gone{}.\n", found.unknown.size(), found.unfinished.size(),
                           found.missing.size(),
                           found.foreign.empty() ? "" : fmt::format(", {} of other states", found.foreign.size()));
}

std::string names_of(const std::vector<Marked>& items) {
  std::string names;
  for (std::size_t i = 0; i < std::min(items.size(), most_named); ++i)
    names += (i == 0 ? "" : ", ") + items[i].target_id;
  return items.size() > most_named ? names + ", …" : names;
}

/// What a person is asked to type the migration's name for.
std::string removal_of(const Orphans& found, const std::string& target) {
  std::string text = fmt::format("Removes for good{}:\n", target.empty() ? target : ", from " + target);
  if (!found.unknown.empty())
    text += fmt::format("  {} that the journal does not know: {}\n", counted(found.unknown.size(), "item"),
                        names_of(found.unknown));
  if (const std::size_t unnamed = without_state(found))
    text += fmt::format("    of which {} may be another working directory's, complete and in use\n", unnamed);
  if (!found.unfinished.empty())
    text += fmt::format("  {} begun and not finished: {}\n", counted(found.unfinished.size(), "item"),
                        names_of(found.unfinished));
  return text;
}

int orphans(const RollbackArguments& arguments) {
  const Plan plan = load_plan(arguments);
  const bool removes = arguments.remove && !arguments.dry_run;
  // It may have to wait for an index; nothing else would be heard of it.
  const Session session(plan, std::max(arguments.verbosity, 1), removes ? Access::state : Access::look);
  if (session.pipeline().sink->as_tables()) {
    std::cout << fmt::format(
        "{} writes each chunk in one transaction, together with the receipt for it: what was interrupted left nothing "
        "behind. There are no orphans.\n",
        plan.file.sink.name);
    return exit_done;
  }
  const Orphans found = wait_for(find_orphans(session.pipeline()));
  show(plan, found);
  std::vector<Marked> candidates = found.unknown;
  candidates.insert(candidates.end(), found.unfinished.begin(), found.unfinished.end());
  if (!arguments.remove || candidates.empty()) return exit_done;
  if (arguments.dry_run) {
    std::cout << fmt::format("--dry-run: {} would be removed; nothing has been done.\n", candidates.size());
    return exit_done;
  }
  const TargetIdentity target = wait_for(session.pipeline().sink->identity());
  const std::string removal = removal_of(found, target.shown);
  if (arguments.yes) std::cout << removal;
  if (!arguments.yes && !confirmed_by_typing(removal + "Remove them?", plan.file.name)) {
    std::cout << "Nothing has been done.\n";
    return exit_usage;
  }
  std::size_t kept = 0;
  std::function<void(const Marked&, const Error&)> left = [&kept](const Marked& item, const Error& error) {
    ++kept;
    std::cout << fmt::format("  {} stays: {}\n", item.target_id, error.what());
  };
  const std::uint64_t removed = wait_for(remove_orphans(session.pipeline(), std::move(candidates), left));
  std::cout << fmt::format("{} removed, {} left.\n", removed, kept);
  return kept ? exit_some_failed : exit_done;
}

}  // namespace

void add_rollback_commands(Cli cli) {
  auto arguments = std::make_shared<RollbackArguments>();
  CLI::App* rollback = cli.app.add_subcommand("rollback", "Takes back what this migration has written");
  add_file_arguments(*rollback, *arguments);
  rollback->add_flag("-y,--yes", arguments->yes, "Does not ask");
  rollback->add_flag("--dry-run", arguments->dry_run, "Only shows what would be done");
  rollback->add_option("--progress", arguments->progress, "auto, bar, plain, json or none");
  rollback->callback([cli, arguments] { cli.action = [arguments] { return roll_back(*arguments); }; });

  auto orphaned = std::make_shared<RollbackArguments>();
  CLI::App* command = cli.app.add_subcommand("orphans", "Looks for what an interrupted run left on the target");
  add_file_arguments(*command, *orphaned);
  command->add_flag("--delete", orphaned->remove, "Removes them, and what was begun and not finished");
  command->add_flag("--dry-run", orphaned->dry_run, "Only shows what would be removed");
  command->add_flag("-y,--yes", orphaned->yes, "Does not ask");
  command->callback([cli, orphaned] { cli.action = [orphaned] { return orphans(*orphaned); }; });
}

}  // namespace migrate::program
