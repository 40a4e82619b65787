// Prints the connectors that are linked in; loading one more is refused.
#include <migrate/plugin.hpp>

#include <cstdio>
#include <string>

int main() {
  migrate::Registry registry;
  migrate::register_static_plugins(registry);
  registry.discover();
  for (const migrate::ConnectorInfo& info : registry.list()) {
    std::printf("%s %s of plugin '%s'\n", std::string(to_string(info.kind)).c_str(), info.name.c_str(),
                info.plugin.c_str());
  }
  try {
    registry.load("any.so");
  } catch (const migrate::Error& error) {
    std::printf("refused: %s\n", error.what());
    return error.kind() == migrate::ErrorKind::unsupported ? 0 : 1;
  }
  return 1;
}
