#include "editor.hpp"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "migrate/json.hpp"
#include "signals.hpp"

namespace migrate::program {

namespace {

/// A file that only its owner can read, for it holds a record; removed at the end.
class PrivateFile {
 public:
  PrivateFile() : name_((std::filesystem::temp_directory_path() / "migrate-edit-XXXXXX.json").string()) {
    const int file = ::mkstemps(name_.data(), 5);
    if (file < 0) throw Error(ErrorKind::invalid, "editor", "a temporary file for the editor cannot be made");
    ::close(file);
  }
  ~PrivateFile() { ::unlink(name_.c_str()); }
  PrivateFile(const PrivateFile&) = delete;
  PrivateFile& operator=(const PrivateFile&) = delete;
  const std::string& name() const noexcept { return name_; }

 private:
  std::string name_;
};

int run_editor(const std::string& editor, const std::string& file) {
  const std::string command = editor + " \"$1\"";
  const pid_t child = ::fork();
  if (child == 0) {
    restore_signals();
    // The variable may hold arguments ("code --wait"), as other programs take it.
    ::execl("/bin/sh", "sh", "-c", command.c_str(), "sh", file.c_str(), nullptr);
    ::_exit(127);
  }
  int status = -1;
  while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

Value edited_by_person(const Value& data, const std::string& title) {
  const char* editor = std::getenv("VISUAL");
  if (!editor || !*editor) editor = std::getenv("EDITOR");
  if (!editor || !*editor || ::isatty(STDIN_FILENO) != 1) {
    throw Error(ErrorKind::invalid, "editor",
                "there is no editor here (a terminal and $EDITOR); write the change as: e field=value");
  }
  const PrivateFile file;
  {
    std::ofstream out(file.name());
    out << "{\n";
    bool first = true;
    for (const auto& [name, value] : data.as_object()) {
      out << (first ? "  " : ",\n  ") << boost::json::serialize(name) << ": " << boost::json::serialize(value);
      first = false;
    }
    out << "\n}\n";
  }
  if (run_editor(editor, file.name()) != 0) {
    throw Error(ErrorKind::invalid, "editor", fmt::format("{} ended with an error; {} is unchanged", editor, title));
  }
  std::ifstream in(file.name());
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  boost::json::error_code code;
  Value edited = parse_json(text, code);
  if (code || !edited.is_object()) {
    throw Error(ErrorKind::invalid, "editor", "what the editor left is not a JSON object; the record is unchanged");
  }
  return edited;
}

}  // namespace migrate::program
