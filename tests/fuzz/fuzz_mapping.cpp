// Mapping files, CSV and both forms of JSON: mappings, or an error that says where.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "fuzzer.hpp"
#include "migrate/mapping_file.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::filesystem::path folder = [] {
    std::string name = (std::filesystem::temp_directory_path() / "migrate-fuzz-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    std::atexit([] { std::filesystem::remove_all(folder); });
    return std::filesystem::path(name);
  }();
  for (const char* name : {"a.csv", "a.json"}) {
    std::ofstream(folder / name, std::ios::binary) << migrate::fuzzing::bytes(data, size);
    try {
      migrate::read_mappings(folder / name, "things", [](const migrate::Mapping&) {});
    } catch (const migrate::Error& error) {
      migrate::fuzzing::require_nothing(
          error.cause == "mapping_file" ? "" : std::string("cause ") + error.cause + ": " + error.what());
    }
    // Some file systems wait for the disk when a file is written over.
    std::filesystem::remove(folder / name);
  }
  return 0;
}
