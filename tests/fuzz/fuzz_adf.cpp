#include <boost/json/parse.hpp>

#include "richtext.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  boost::json::error_code error;
  boost::json::parse_options options;
  options.max_depth = 300;
  const migrate::Value value = boost::json::parse(migrate::fuzzing::bytes(data, size), error, {}, options);
  if (!error) migrate::fuzzing::check_parsed(migrate::richtext::parse_adf(value));
  return 0;
}
