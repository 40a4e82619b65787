// A line of a jsonl file: a record that comes back as it was when it is written again, or an error.
#include "fuzzer.hpp"
#include "jsonl/line.hpp"

namespace {

migrate::Record read(std::string_view line) {
  migrate::Record record;
  migrate::jsonl::read_line(line, {}, "fuzz:1", "things", "id", record);
  return record;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const migrate::Record record = read(migrate::fuzzing::bytes(data, size));
    const std::string line = migrate::jsonl::line_of(record);
    const std::string again = migrate::jsonl::line_of(read(line));
    migrate::fuzzing::require_nothing(line == again ? "" : "not the same: " + line + "\n" + again);
  } catch (const migrate::Error& error) {
    const bool known = error.cause == "bad_line" || error.cause == "bad_value";
    migrate::fuzzing::require_nothing(known ? "" : "cause " + error.cause + ": " + error.what());
  }
  return 0;
}
