#include "migrate/working_directory.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>

#include "atomic_file.hpp"

MIGRATE_BEGIN

namespace {
constexpr const char* stop_file = "stop";

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

/// A process that has ended stays in the table until its parent asks how, which in a container nobody may do.
bool has_ended(pid_t process) {
  std::ifstream file(fmt::format("/proc/{}/stat", process));
  const std::string line{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const std::size_t name_end = line.rfind(") ");  // the name before it may hold anything
  return name_end != std::string::npos && name_end + 2 < line.size() && line[name_end + 2] == 'Z';
}

bool alive(const Object& status) {
  const Value* host = status.if_contains("host");
  const Value* process = status.if_contains("pid");
  if (!host || !process || !process->is_int64()) return false;
  // Processes of another host cannot be asked; `updated` tells the reader how old that status is.
  if (!host->is_string() || host->get_string() != std::string_view(host_name())) return true;
  const auto id = static_cast<pid_t>(process->get_int64());
  return (::kill(id, 0) == 0 || errno == EPERM) && !has_ended(id);
}
}  // namespace

WorkingDirectory::WorkingDirectory(std::filesystem::path path) : path_(std::move(path)) {}

void WorkingDirectory::create() const {
  make_directory(path_);
  if (::access(path_.c_str(), W_OK | X_OK) == 0) return;
  throw Error(ErrorKind::invalid, "working_dir",
              fmt::format("the working directory {} is not writable: {}", path_.string(),
                          std::generic_category().message(errno)))
      .with_advice("Give the user who runs migrate the right to write there, or name another folder with --working-dir.");
}

void WorkingDirectory::request_stop() const {
  std::error_code code;
  if (!std::filesystem::is_directory(path_, code)) {
    throw Error(ErrorKind::not_found, "working_dir",
                fmt::format("there is no working directory {}: nothing has been run", path_.string()))
        .with_advice("Check working_dir in the migration file, or name the folder of the run with --working-dir.");
  }
  write_file_atomically(path_ / stop_file, "");
  // What the file system notes by itself may be some milliseconds old: too old for a run that has just begun.
  std::error_code ignored;
  std::filesystem::last_write_time(path_ / stop_file, std::filesystem::file_time_type::clock::now(), ignored);
}

bool WorkingDirectory::stop_requested() const {
  std::error_code ignored;
  return std::filesystem::exists(path_ / stop_file, ignored);
}

bool WorkingDirectory::stop_requested_since(std::filesystem::file_time_type time) const {
  std::error_code code;
  const std::filesystem::file_time_type made = std::filesystem::last_write_time(path_ / stop_file, code);
  return !code && made >= time;
}

void WorkingDirectory::clear_stop() const {
  std::error_code ignored;
  std::filesystem::remove(path_ / stop_file, ignored);
}

std::optional<Value> WorkingDirectory::read_status() const {
  std::ifstream in(status_file(), std::ios::binary);
  if (!in) return std::nullopt;
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  boost::json::error_code code;
  Value status = boost::json::parse(text, code);
  if (code || !status.is_object()) {
    throw Error(ErrorKind::invalid, "status_file", fmt::format("{} is not a status file", status_file().string()))
        .with_advice("Another program has changed it; the next run writes it anew.");
  }
  Object& object = status.get_object();
  const Value* word = object.if_contains("status");
  if (word && *word == "running" && !alive(object)) object["status"] = "interrupted";
  return status;
}

MIGRATE_END
