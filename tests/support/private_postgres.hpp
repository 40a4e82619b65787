// A PostgreSQL server of a test's own: a fresh cluster in a temporary folder, reached by socket only.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace testing_support {

/// Starts in the constructor, stops and removes everything in the destructor. Throws std::runtime_error when it does
/// not come up; ask why_not() first.
class PrivatePostgres {
 public:
  /// Why no server can be started here; nothing: it can.
  static std::optional<std::string> why_not() {
    if (binaries().empty()) return "PostgreSQL's programs (initdb, postgres) are not installed";
    if (geteuid() == 0 && run({"/usr/bin/setpriv", "--reuid=postgres", "--clear-groups", "/bin/true"}, false) != 0) {
      return "as root, PostgreSQL needs the user \"postgres\" and setpriv";
    }
    return std::nullopt;
  }

  explicit PrivatePostgres(const std::vector<std::string>& settings = {}, const std::string& encoding = "UTF8") {
    std::string pattern = (std::filesystem::temp_directory_path() / "migrate-pg-XXXXXX").string();
    if (!mkdtemp(pattern.data())) throw std::runtime_error("no temporary folder");
    folder_ = pattern;
    try {
      start(settings, encoding);
    } catch (...) {
      stop();
      throw;
    }
  }
  ~PrivatePostgres() { stop(); }
  PrivatePostgres(const PrivatePostgres&) = delete;
  PrivatePostgres& operator=(const PrivatePostgres&) = delete;

  std::string dsn(const std::string& database = "postgres", const std::string& user = "postgres") const {
    return "host=" + folder_.string() + " port=" + port_name + " dbname=" + database + " user=" + user;
  }
  const std::filesystem::path& folder() const { return folder_; }
  std::string log() const {
    std::ifstream file(folder_ / "log");
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  // Only part of the socket's name: nothing listens on a port.
  static constexpr const char* port_name = "5432";

  static std::filesystem::path binaries() {
    for (const int version : {17, 16, 15, 14, 13}) {
      const std::filesystem::path folder = "/usr/lib/postgresql/" + std::to_string(version) + "/bin";
      if (std::filesystem::exists(folder / "initdb") && std::filesystem::exists(folder / "postgres")) return folder;
    }
    return {};
  }

  static std::vector<std::string> as_server(std::vector<std::string> command) {
    if (geteuid() != 0) return command;
    std::vector<std::string> whole{"/usr/bin/setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"};
    whole.insert(whole.end(), command.begin(), command.end());
    return whole;
  }

  static pid_t spawn(const std::vector<std::string>& command, const std::filesystem::path& output) {
    const pid_t child = fork();
    if (child != 0) return child;
    const int sink = open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
    dup2(sink, 1);
    dup2(sink, 2);
    if (chdir("/") != 0) _exit(126);
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    execv(arguments[0], arguments.data());
    _exit(127);
  }

  static int run(const std::vector<std::string>& command, bool, const std::filesystem::path& output = "/dev/null") {
    const pid_t child = spawn(command, output);
    int status = -1;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  void start(const std::vector<std::string>& settings, const std::string& encoding) {
    const std::filesystem::path data = folder_ / "data";
    std::ofstream(folder_ / "log").close();
    std::filesystem::permissions(folder_ / "log", std::filesystem::perms(0666));
    if (geteuid() == 0) run({"/bin/chown", "postgres", folder_.string()}, true);
    const std::string locale = encoding == "UTF8" ? "--locale=C.UTF-8" : "--locale=C";
    if (run(as_server({binaries() / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", encoding, locale,
                       "--no-sync"}),
            true, folder_ / "log") != 0) {
      throw std::runtime_error("initdb failed: " + log());
    }
    std::vector<std::string> command{binaries() / "postgres",
                                     "-D",
                                     data,
                                     "-k",
                                     folder_,
                                     "-p",
                                     port_name,
                                     "-c",
                                     "listen_addresses=",
                                     "-c",
                                     "fsync=off",
                                     "-c",
                                     "full_page_writes=off"};
    for (const std::string& setting : settings) {
      command.insert(command.end(), {"-c", setting});
    }
    server_ = spawn(as_server(command), folder_ / "log");
    const std::filesystem::path ready = data / "postmaster.pid";
    // Told of each change in the folder, and of the server's end.
    const int changes = inotify_init1(IN_CLOEXEC);
    inotify_add_watch(changes, data.c_str(), IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO);
    pollfd told[] = {{changes, POLLIN, 0}, {static_cast<int>(syscall(SYS_pidfd_open, server_, 0)), POLLIN, 0}};
    const bool up = wait_until_ready(ready, told);
    for (const pollfd& each : told) close(each.fd);
    if (!up) throw std::runtime_error("PostgreSQL did not start: " + log());
  }

  bool wait_until_ready(const std::filesystem::path& ready, pollfd (&told)[2]) {
    constexpr int longest_wait = 30'000;  // ms
    while (true) {
      std::ifstream file(ready);
      const std::string text{std::istreambuf_iterator<char>(file), {}};
      if (text.find("ready") != std::string::npos) return true;
      if (waitpid(server_, nullptr, WNOHANG) == server_) {
        server_ = 0;
        return false;
      }
      if (poll(told, 2, longest_wait) <= 0) return false;
      char events[4096];
      if (told[0].revents != 0 && read(told[0].fd, events, sizeof events) <= 0) return false;
    }
  }

  void stop() {
    if (server_ > 0) {
      kill(server_, SIGINT);  // "fast": ends open sessions
      waitpid(server_, nullptr, 0);
    }
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  std::filesystem::path folder_;
  pid_t server_ = 0;
};

}  // namespace testing_support
