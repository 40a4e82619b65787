#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <sstream>
#include <typeinfo>

#include "migrate/plugin.hpp"
#include "registry_state.hpp"

MIGRATE_BEGIN

namespace fs = std::filesystem;

namespace {

constexpr std::string_view own_tag = MIGRATE_ABI_TAG;

Error foreign(const std::string& who, std::string_view tag) {
  return Error(ErrorKind::unsupported, "plugin_abi",
               fmt::format("{} was built for another ABI.\n  the plugin: {}\n  this build: {}", who, tag, own_tag))
      .with_advice("Rebuild the plugin with this compiler against this version of libmigrate.");
}

std::ifstream opened(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    throw Error(ErrorKind::not_found, "plugin_file",
                fmt::format("The plugin {} cannot be read: {}.", file.string(), std::strerror(errno)));
  }
  return in;
}

/// Every tag begins with "abi-" and a number; the bare marker is in this library, too.
std::string_view tag_in(std::string_view bytes) {
  constexpr std::string_view marker = MIGRATE_TAG_MARKER "abi-";
  for (std::size_t at = 0; (at = bytes.find(marker, at)) != std::string_view::npos;) {
    at += marker.size();
    std::size_t end = bytes.find('\0', at);
    if (end == std::string_view::npos) break;
    if (bytes[at] >= '0' && bytes[at] <= '9') return bytes.substr(at - 4, std::min<std::size_t>(end - at, 1000) + 4);
  }
  return {};
}

/// Piece by piece: the tag stands among the constants, in front of all that debuggers want to know.
std::string tag_of(const fs::path& file) {
  constexpr std::size_t piece = 1 << 20, longest_tag = 4096;
  std::ifstream in = opened(file);
  std::string bytes;
  while (in) {
    const std::size_t kept = std::min(bytes.size(), longest_tag);
    bytes.erase(0, bytes.size() - kept);
    bytes.resize(kept + piece);
    in.read(bytes.data() + kept, piece);
    bytes.resize(kept + static_cast<std::size_t>(in.gcount()));
    if (const std::string_view tag = tag_in(bytes); !tag.empty()) return std::string(tag);
  }
  return {};
}

/// Before the file is loaded: what was built for another ABI would not resolve, and its static constructors would run.
[[maybe_unused]] void check_tag_in_file(const fs::path& file) {
  const std::string tag = tag_of(file);
  if (tag.empty()) {
    throw Error(ErrorKind::unsupported, "not_a_plugin", fmt::format("{} is not a libmigrate plugin.", file.string()))
        .with_advice("A plugin is a shared library with MIGRATE_PLUGIN in it; see docs/plugin-abi.md.");
  }
  if (tag != own_tag) throw foreign("The plugin " + file.string(), tag);
}

void check_descriptor(const PluginDescriptor& descriptor, const std::string& who) {
  if (descriptor.magic != plugin_magic || descriptor.size < sizeof(PluginDescriptor)) {
    throw Error(ErrorKind::unsupported, "plugin_descriptor",
                fmt::format("{} has a descriptor of another kind (magic {:#x}, {} bytes).", who, descriptor.magic,
                            descriptor.size))
        .with_advice("Rebuild the plugin against this version of libmigrate.");
  }
  std::string_view tag = descriptor.abi_tag;
  constexpr std::string_view marker = MIGRATE_TAG_MARKER;
  if (!tag.starts_with(marker)) throw foreign(who, tag);
  tag.remove_prefix(marker.size());
  if (tag != own_tag) throw foreign(who, tag);
}

/// "libmigrate.so" of this process: plugins are looked for beside it, wherever it was moved.
[[maybe_unused]] fs::path own_directory() {
  Dl_info info{};
  static const char anchor = 0;
  if (dladdr(&anchor, &info) == 0 || !info.dli_fname) return {};
  std::error_code ignored;
  fs::path self = fs::canonical(info.dli_fname, ignored);
  return self.parent_path();
}

}  // namespace

void Registry::add(const PluginDescriptor& descriptor) {
  std::string who = state_->adding.file.empty() ? "A plugin that is linked into this program"
                                                : "The plugin " + state_->adding.file.string();
  check_descriptor(descriptor, who);
  state_->adding.name = descriptor.name;
  state_->adding.version = descriptor.version;
  state_->added.clear();
  state_->added_simulators.clear();
  std::optional<Error> failure;
  try {
    descriptor.add_to(*this);
  } catch (const Error& error) {
    failure = error;
  } catch (const std::exception& error) {
    failure.emplace(
        ErrorKind::internal, "plugin_failed",
        fmt::format("The plugin {} failed while it registered its connectors: {}", descriptor.name, error.what()));
  } catch (...) {
    failure.emplace(
        ErrorKind::internal, "plugin_failed",
        fmt::format("The plugin {} failed while it registered its connectors, with an exception of its own.",
                    descriptor.name));
  }
  state_->adding = {};
  if (!failure) return;
  for (const auto& key : state_->added) state_->connectors.erase(key);
  for (const std::string& name : state_->added_simulators) state_->simulators.erase(name);
  throw *failure;
}

void Registry::load(const fs::path& file) {
#if defined(MIGRATE_STATIC)
  throw Error(ErrorKind::unsupported, "static_build",
              fmt::format("{} cannot be loaded: this program has its connectors linked in.", file.string()))
      .with_advice("Build with MIGRATE_BUILD_SHARED=ON to load plugins.");
#else
  std::error_code ignored;
  fs::path path = fs::weakly_canonical(file, ignored);
  if (std::find(state_->loaded.begin(), state_->loaded.end(), path) != state_->loaded.end()) return;
  check_tag_in_file(path);
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char* reason = dlerror();
    throw Error(ErrorKind::unsupported, "plugin_not_loadable",
                fmt::format("The plugin {} cannot be loaded: {}.", path.string(), reason ? reason : "no reason given"))
        .with_advice("A library that it needs is missing or has another version; `ldd` on the file names it.");
  }
  // The handle is kept for ever: coroutine frames, vtables and thread-local destructors of the plugin may outlive
  // every object that could own it.
  const auto* descriptor = static_cast<const PluginDescriptor*>(dlsym(handle, "migrate_plugin"));
  if (!descriptor) {
    throw Error(ErrorKind::unsupported, "not_a_plugin",
                fmt::format("{} does not export migrate_plugin.", path.string()));
  }
  state_->adding.file = path;
  try {
    add(*descriptor);
  } catch (...) {
    state_->adding = {};
    throw;
  }
  state_->loaded.push_back(path);
#endif
}

static std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

static std::string first_line_of(const fs::path& file) {
  std::ifstream in = opened(file);
  std::string line;
  std::getline(in, line);
  return line;
}

void Registry::load_directory(const fs::path& directory) {
  std::error_code failure;
  std::vector<fs::path> plugins, reasons;
  for (fs::directory_iterator entry(directory, failure), end; !failure && entry != end; entry.increment(failure)) {
    if (entry->path().extension() == ".so") plugins.push_back(entry->path());
    if (entry->path().extension() == ".not-built") reasons.push_back(entry->path());
  }
  if (failure) {
    bool absent = failure == std::errc::no_such_file_or_directory;
    state_->looked_at.push_back({directory, absent ? "does not exist" : failure.message()});
    return;
  }
  std::sort(plugins.begin(), plugins.end());
  std::sort(reasons.begin(), reasons.end());
  state_->looked_at.push_back({directory, fmt::format("{} plugins", plugins.size())});
  for (const fs::path& file : plugins) {
    try {
      load(file);
    } catch (const Error& error) {
      bool another = error.cause == "connector_name_taken";
      state_->looked_at.push_back({file, another ? "not used: " + first_line(error.what()) : error.what()});
    }
  }
  for (const fs::path& file : reasons) add_not_built(file.stem().string(), first_line_of(file));
}

void Registry::discover(const std::vector<fs::path>& directories) {
  if (const char* list = std::getenv("MIGRATE_PLUGIN_PATH"); list && *list) {
    std::istringstream parts(list);
    for (std::string part; std::getline(parts, part, ':');) {
      if (part.empty()) continue;
      if (!fs::is_regular_file(part)) {
        load_directory(part);
        continue;
      }
      try {
        load(part);
        state_->looked_at.push_back({part, "loaded"});
      } catch (const Error& error) {
        state_->looked_at.push_back({part, error.what()});
      }
    }
  }
  for (const fs::path& directory : directories) load_directory(directory);
#if !defined(MIGRATE_STATIC)
  fs::path own = own_directory();
  if (own.empty()) return;
  for (const fs::path& directory : {own / "migrate" / "plugins", own.parent_path() / "plugins"}) {
    if (fs::is_directory(directory)) {
      load_directory(directory);
    } else {
      state_->looked_at.push_back({directory, "does not exist"});
    }
  }
#endif
}

MIGRATE_END
