// What most commands need first: the migration file, its connectors, its working directory and its open state.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "migrate/config_file.hpp"
#include "migrate/report_writer.hpp"
#include "migrate/working_directory.hpp"

namespace migrate::program {

/// Options of every command that takes a FILE.
struct FileArguments {
  std::filesystem::path file;
  std::vector<std::filesystem::path> plugins;
  std::vector<std::string> set;
  std::string working_dir;
  int verbosity = 0;
};
void add_file_arguments(CLI::App& command, FileArguments& arguments);

/// A registry with every plugin that can be found; `first` are looked through before the usual places.
Registry make_registry(const std::vector<std::filesystem::path>& first);

/// The checked migration file. Warnings about it go to stderr.
struct Plan {
  Registry registry;
  MigrationFile file;
  WorkingDirectory directory;
  std::string place;      ///< FILE and --working-dir as typed, for a shell
  std::string further;    ///< --set and --plugins, each with a blank before it
  std::string arguments;  ///< both: for the commands that messages recommend
};
enum class Needs { everything, state };  ///< state: neither the ends nor their secrets
Plan load_plan(const FileArguments& arguments, Needs needs = Needs::everything);

/// What a command that needs a state says where there is none.
Error no_state(const Plan& plan, const std::string& why);

/// The file that holds the state; nothing where the store keeps it elsewhere.
std::optional<std::filesystem::path> state_file_of(const Plan& plan);

/// Where Services::log goes: to stderr as far as asked for, and to the recorder once there is one.
class LogTarget {
 public:
  explicit LogTarget(int verbosity) : verbosity_(verbosity) {}
  void attach(RunRecorder* recorder);
  void write(LogLevel level, std::string_view who, std::string_view what);

 private:
  int verbosity_;
  std::mutex mutex_;
  RunRecorder* recorder_ = nullptr;
};

enum class Access {
  state,     ///< makes the working directory and opens the state in it
  existing,  ///< throws Error(not_found) when nothing has been run yet; a damaged state stays where it is
  look       ///< writes nothing: an empty state in memory where there is none yet; a damaged one stays where it is
};

/// Source, transformers, sink and open store. Ends its threads when destroyed.
class Session {
 public:
  Session(const Plan& plan, int verbosity, Access access);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  const Pipeline& pipeline() const noexcept { return pipeline_; }
  LogTarget& log() noexcept { return *log_; }

 private:
  std::shared_ptr<LogTarget> log_;
  Services services_;
  Pipeline pipeline_;
};

/// Runs one coroutine to its end on an io_context of its own.
template <class T>
T wait_for(awaitable<T> work) {
  boost::asio::io_context context;
  std::optional<T> result;
  std::exception_ptr failure;
  boost::asio::co_spawn(context, std::move(work), [&](std::exception_ptr error, T value) {
    failure = error;
    if (!error) result.emplace(std::move(value));
  });
  // Never stopped early: threads of the pool may still be giving back what they have borrowed of the context.
  context.run();
  if (failure) std::rethrow_exception(failure);
  return std::move(*result);
}
void wait_for(awaitable<void> work);

/// "No" where nobody can answer; `--yes` answers before this is asked.
bool confirmed(const std::string& question);

/// The same for what cannot be taken back: only `word`, typed out, is a yes.
bool confirmed_by_typing(const std::string& question, const std::string& word);

/// What a person reads about an error, and the exit code that it stands for.
int explain(const std::exception& error);

/// RunOptions from the words of the command line; each throws Error(invalid) that lists what is possible.
VerifyLevel verify_level_from(const std::string& word);
Where where_from(const std::string& text);
std::set<Phase> phases_from(const std::vector<std::string>& words);

}  // namespace migrate::program
