#include "richtext.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  migrate::fuzzing::check_parsed(migrate::richtext::parse_html(migrate::fuzzing::bytes(data, size)));
  return 0;
}
