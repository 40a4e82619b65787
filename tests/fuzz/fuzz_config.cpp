// A migration file: faults, each with its place, or a value; never anything else.
#include "fuzzer.hpp"
#include "migrate/config_file.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    migrate::config::parse_document(std::string(migrate::fuzzing::bytes(data, size)), "fuzz.yaml", "/nonexistent");
  } catch (const migrate::ConfigError& error) {
    migrate::fuzzing::require_nothing(error.what()[0] == 0 ? "a fault without words" : "");
  }
  return 0;
}
