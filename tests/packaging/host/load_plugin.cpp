// load_plugin FILE...: loads plugins and prints what they have registered. load_plugin --discover: what is found.
// Exit 0, or 1 with the error.
#include <migrate/registry.hpp>

#include <cstdio>
#include <string_view>

int main(int argc, char** argv) {
  migrate::Registry registry;
  try {
    for (int i = 1; i < argc; ++i) {
      if (std::string_view(argv[i]) == "--discover") {
        registry.discover();
      } else {
        registry.load(argv[i]);
      }
    }
  } catch (const migrate::Error& error) {
    std::printf("error: %s\nadvice: %s\n", error.what(), error.advice.c_str());
    return 1;
  }
  for (const migrate::ConnectorInfo& info : registry.list()) {
    std::printf("%s %s of plugin '%s' %s\n", std::string(to_string(info.kind)).c_str(), info.name.c_str(),
                info.plugin.c_str(), info.version.c_str());
  }
  for (const migrate::PlaceLookedAt& place : registry.looked_at()) {
    std::printf("looked at %s: %s\n", place.path.c_str(), place.result.c_str());
  }
  return 0;
}
