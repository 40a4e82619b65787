#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <iostream>
#include <memory>

#include "called_with.hpp"

namespace migrate::program {

namespace {

struct StateArguments : FileArguments {
  bool json = false;
  std::string format;
  std::size_t max_rows = 0;
};

std::string text_at(const Object& object, const char* name) {
  const Value* value = object.if_contains(name);
  if (!value || value->is_null()) return "–";
  return value->is_string() ? std::string(value->get_string()) : boost::json::serialize(*value);
}

/// What it ended with, where it says so itself.
std::string last_cause(const Object& status) {
  const Value* errors = status.if_contains("lastErrors");
  if (!errors || !errors->is_array() || errors->get_array().empty()) return {};
  const Value& last = errors->get_array().back();
  return last.is_object() ? text_at(last.get_object(), "cause") : std::string();
}

/// A run may have been taking itself back, and a retry or verification may wait for the run.
std::string mode_to_go_on(const Object& status) {
  const std::string cause = last_cause(status);
  if (text_at(status, "phase") == to_string(Phase::rollback) || cause == "unfinished_rollback")
    return std::string(to_string(Mode::rollback));
  if (cause == "unfinished_run" || cause == "nothing_to_retry") return std::string(to_string(Mode::full));
  return text_at(status, "mode");
}

void print_status(const Plan& plan, const Object& status) {
  std::cout << fmt::format("{}: {}\n", text_at(status, "migration"), text_at(status, "status"));
  std::cout << fmt::format("  run {} ({}), phase {}, updated {}\n", text_at(status, "run"), text_at(status, "mode"),
                           text_at(status, "phase"), text_at(status, "updated"));
  const Value* rate = status.if_contains("rate");
  std::cout << fmt::format("  {} of {} records, {:.0f} a second, {} s left\n", text_at(status, "done"),
                           text_at(status, "expected"), rate && rate->is_number() ? rate->to_number<double>() : 0.0,
                           text_at(status, "eta_seconds"));
  if (const Value* types = status.if_contains("types"); types && types->is_object()) {
    for (const auto& [type, counters] : types->get_object()) {
      if (!counters.is_object()) continue;
      const Object& c = counters.get_object();
      std::cout << fmt::format("  {:<20} read {}, written {}, skipped {}, dropped {}, failed {}\n",
                               std::string_view(type), text_at(c, "read"), text_at(c, "written"), text_at(c, "skipped"),
                               text_at(c, "dropped"), text_at(c, "failed"));
    }
  }
  if (const Value* errors = status.if_contains("lastErrors"); errors && errors->is_array()) {
    for (const Value& error : errors->get_array()) {
      if (!error.is_object()) continue;
      const Object& e = error.get_object();
      std::cout << fmt::format("  ! {} {}: {}: {}\n", text_at(e, "type"), text_at(e, "id"), text_at(e, "cause"),
                               text_at(e, "message"));
    }
  }
  const std::string word = text_at(status, "status");
  if (word != "interrupted" && word != to_string(Status::stopped) && word != to_string(Status::broken_off)) return;
  std::cout << fmt::format("{}Go on with: {}\n", word == "interrupted" ? "The process that ran it is gone. " : "",
                           resume_command(mode_to_go_on(status), plan.arguments, complete(plan, calls_before(plan))));
}

int show_status(const StateArguments& arguments) {
  const Plan plan = load_plan(arguments, Needs::state);
  const std::optional<Value> status = plan.directory.read_status();
  if (arguments.json) {
    const Object none{{"migration", plan.file.name}, {"status", "none"}};
    std::cout << boost::json::serialize(status ? *status : Value(none)) << '\n';
  } else if (status) {
    print_status(plan, status->get_object());
  } else {
    std::cout << fmt::format("{} has not been run yet in {}.\n", plan.file.name, plan.directory.path().string());
  }
  return exit_done;
}

int stop_run(const StateArguments& arguments) {
  const Plan plan = load_plan(arguments, Needs::state);
  plan.directory.request_stop();
  const std::optional<Value> status = plan.directory.read_status();
  if (status && text_at(status->get_object(), "status") == "running") {
    std::cout << fmt::format(
        "{} is asked to stop (process {}): it finishes or takes back what is in flight and saves.\n", plan.file.name,
        text_at(status->get_object(), "pid"));
  } else {
    std::cout << fmt::format("No run of {} seems to be going on; the next one to start forgets this request.\n",
                             plan.file.name);
  }
  return exit_done;
}

int write_report(const StateArguments& arguments) {
  const Plan plan = load_plan(arguments);
  ReportFiles files = report_files(plan, plan.directory.path());
  if (!arguments.format.empty()) {
    const std::optional<ReportFormat> format = report_format_from(arguments.format);
    if (!format) {
      throw Error(ErrorKind::invalid, "usage", fmt::format("--format {}: there is no such report", arguments.format))
          .with_advice("It is one of json, md, html and xlsx; without --format all are written.");
    }
    files.formats = {*format};
  }
  if (arguments.max_rows > 0) files.max_rows = arguments.max_rows;
  const Session session(plan, arguments.verbosity, Access::existing);
  std::optional<Report> report = wait_for(last_report(session.pipeline().store));
  if (!report) throw no_state(plan, "its state is empty");
  const auto written = wait_for(write_reports(std::move(*report), session.pipeline(), std::move(files)));
  for (const std::filesystem::path& file : written) std::cout << file.string() << '\n';
  return exit_done;
}

}  // namespace

void add_state_commands(Cli cli) {
  auto asked = std::make_shared<StateArguments>();
  CLI::App* status = cli.app.add_subcommand("status", "Shows how far it is, also while it runs");
  add_file_arguments(*status, *asked);
  status->add_flag("--json", asked->json, "As JSON");
  status->callback([cli, asked] { cli.action = [asked] { return show_status(*asked); }; });

  auto stopped = std::make_shared<StateArguments>();
  CLI::App* stop = cli.app.add_subcommand("stop", "Asks the run that goes on to stop and save");
  add_file_arguments(*stop, *stopped);
  stop->callback([cli, stopped] { cli.action = [stopped] { return stop_run(*stopped); }; });

  auto reported = std::make_shared<StateArguments>();
  CLI::App* report = cli.app.add_subcommand("report", "Writes the reports of the last run anew");
  add_file_arguments(*report, *reported);
  report->add_option("--format", reported->format, "json, md, html or xlsx; default: all of them");
  report->add_option("--max-rows", reported->max_rows, "Rows in each sheet of the workbook");
  report->callback([cli, reported] { cli.action = [reported] { return write_report(*reported); }; });
}

}  // namespace migrate::program
