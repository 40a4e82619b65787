#include "session.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <thread>

#include "migrate/plugin.hpp"

namespace migrate::program {

void add_file_arguments(CLI::App& command, FileArguments& arguments) {
  command.add_option("FILE", arguments.file, "The migration file (YAML or JSON)")->required();
  command.add_option("--working-dir", arguments.working_dir, "Folder of state and reports, instead of the file's");
  command.add_option("--set", arguments.set, "path=value: replaces one value of the file")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
  command.add_option("--plugins", arguments.plugins, "Folder of plugins")->allow_extra_args(false);
  command.add_flag("-v,--verbose", arguments.verbosity, "Log to stderr; twice: in detail");
}

Registry make_registry(const std::vector<std::filesystem::path>& first) {
  Registry registry;
  register_static_plugins(registry);
  for (const std::filesystem::path& folder : first) registry.load_directory(folder);
  registry.discover();
  return registry;
}

Plan load_plan(const FileArguments& arguments, Needs needs) {
  Registry registry = make_registry(arguments.plugins);
  FileOverrides overrides;
  overrides.set = arguments.set;
  overrides.state_only = needs == Needs::state;
  if (!arguments.working_dir.empty()) overrides.working_dir = arguments.working_dir;
  MigrationFile file = parse_migration(arguments.file, registry, overrides);
  for (const ConfigFault& warning : file.warnings) std::cerr << "warning: " << to_string(warning) << '\n';
  WorkingDirectory directory(file.working_dir);
  // Secrets cannot be among them: they are refused on the command line.
  std::string place = shell_word(arguments.file.string());
  if (!arguments.working_dir.empty()) place += " --working-dir " + shell_word(arguments.working_dir);
  std::string further;
  for (const std::string& assignment : arguments.set) further += " --set " + shell_word(assignment);
  for (const std::filesystem::path& folder : arguments.plugins)
    further += " --plugins " + shell_word(std::filesystem::absolute(folder).string());
  std::string text = place + further;
  return Plan{std::move(registry), std::move(file),    std::move(directory),
              std::move(place),    std::move(further), std::move(text)};
}

Error no_state(const Plan& plan, const std::string& why) {
  Error error(ErrorKind::not_found, "no_state", fmt::format("{} has not been run yet: {}", plan.file.name, why));
  error.with_advice("Start it with: migrate run " + plan.arguments +
                    ". If it was run with another --working-dir or --set, give the same here.");
  return error;
}

void LogTarget::attach(RunRecorder* recorder) {
  const std::lock_guard lock(mutex_);
  recorder_ = recorder;
}

void LogTarget::write(LogLevel level, std::string_view who, std::string_view what) {
  const LogLevel least = verbosity_ > 1 ? LogLevel::debug : verbosity_ == 1 ? LogLevel::info : LogLevel::error;
  const std::lock_guard lock(mutex_);
  if (level >= least && verbosity_ > 0) std::cerr << fmt::format("{}: {}\n", who, what) << std::flush;
  if (recorder_ && (level > LogLevel::debug || verbosity_ > 1)) recorder_->log(level, who, what);
}

std::optional<std::filesystem::path> state_file_of(const Plan& plan) {
  if (plan.file.store.name != "sqlite") return std::nullopt;
  const Value* path =
      plan.file.store.options.is_object() ? plan.file.store.options.get_object().if_contains("path") : nullptr;
  return path && path->is_string() ? std::filesystem::path(std::string(path->get_string())) : plan.directory.database();
}

Session::Session(const Plan& plan, int verbosity, Access access) : log_(std::make_shared<LogTarget>(verbosity)) {
  // Other stores say themselves when there is no state.
  const std::optional<std::filesystem::path> local = state_file_of(plan);
  const std::filesystem::path database = local.value_or(std::filesystem::path());
  MigrationFile file = plan.file;
  if (local && access != Access::state && file.store.options.is_object())
    file.store.options.get_object()["put_aside"] = false;
  if (local && access != Access::state && !std::filesystem::exists(database)) {
    if (access == Access::existing) throw no_state(plan, "there is no " + database.string());
    file.store = ConnectorConfig{"memory", Object()};
  } else if (access == Access::state) {
    // Who only looks needs no right to write there.
    plan.directory.create();
  }
  services_.clock = Clock::system();
  services_.pool = std::make_shared<boost::asio::thread_pool>(std::max(2u, std::thread::hardware_concurrency()));
  services_.log = [log = log_](LogLevel level, std::string_view who, std::string_view what) {
    log->write(level, who, what);
  };
  pipeline_ = make_pipeline(file, plan.registry, services_);
}

Session::~Session() {
  log_->attach(nullptr);
  pipeline_ = Pipeline();
  services_.pool->join();
}

void wait_for(awaitable<void> work) {
  boost::asio::io_context context;
  std::exception_ptr failure;
  boost::asio::co_spawn(context, std::move(work), [&](std::exception_ptr error) { failure = error; });
  context.run();
  if (failure) std::rethrow_exception(failure);
}

bool confirmed(const std::string& question) {
  std::cout << question << " [y/N] " << std::flush;
  std::string answer;
  if (!std::getline(std::cin, answer)) {
    std::cout << "\nNobody is there to answer; --yes does.\n";
    return false;
  }
  std::transform(answer.begin(), answer.end(), answer.begin(), [](unsigned char c) { return std::tolower(c); });
  return answer == "y" || answer == "yes";
}

bool confirmed_by_typing(const std::string& question, const std::string& word) {
  std::cout << question << fmt::format(" Type \"{}\" to do it: ", word) << std::flush;
  std::string answer;
  if (!std::getline(std::cin, answer)) {
    std::cout << "\nNobody is there to answer; --yes does.\n";
    return false;
  }
  return answer == word;
}

int explain(const std::exception& error) {
  const auto* known = dynamic_cast<const Error*>(&error);
  std::cerr << "migrate: " << error.what() << '\n';
  if (!known) {
    std::cerr << "  This is a defect of the program or of a connector. The state of the migration is kept.\n";
    return exit_broken_off;
  }
  if (!known->advice.empty()) std::cerr << "  " << known->advice << '\n';
  switch (known->kind()) {
    case ErrorKind::invalid:
    case ErrorKind::not_found:
    case ErrorKind::unsupported:
      return exit_usage;
    case ErrorKind::cancelled:
      return exit_interrupted;
    default:
      return exit_broken_off;
  }
}

VerifyLevel verify_level_from(const std::string& word) {
  for (VerifyLevel level : {VerifyLevel::none, VerifyLevel::basic, VerifyLevel::standard, VerifyLevel::comprehensive}) {
    if (to_string(level) == word) return level;
  }
  throw Error(ErrorKind::invalid, "usage", fmt::format("\"{}\" is no level of verification", word))
      .with_advice("The levels are none, basic, standard and comprehensive.");
}

Where where_from(const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::size_t dot = text.find('.');
  if (equals == std::string::npos || dot == std::string::npos || dot == 0 || dot + 1 >= equals) {
    throw Error(ErrorKind::invalid, "usage", fmt::format("--where {}: this is not TYPE.FIELD=VALUE", text))
        .with_advice("For example: --where certificates.ecu_number=ECU-1001");
  }
  return Where{text.substr(0, dot), text.substr(dot + 1, equals - dot - 1), text.substr(equals + 1)};
}

std::set<Phase> phases_from(const std::vector<std::string>& words) {
  std::set<Phase> phases;
  for (const std::string& word : words) {
    const std::optional<Phase> phase = phase_from(word);
    if (phase == Phase::linking || phase == Phase::verification || phase == Phase::post_migration) {
      phases.insert(*phase);
      continue;
    }
    throw Error(ErrorKind::invalid, "usage",
                phase ? fmt::format("the phase {} cannot be left out: the others need it", word)
                      : fmt::format("\"{}\" is no phase", word))
        .with_advice("--skip-phases takes linking, verification and post_migration, with commas between them.");
  }
  return phases;
}

}  // namespace migrate::program
