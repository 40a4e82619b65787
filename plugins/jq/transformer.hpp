// `use: jq`: records changed by a program of the jq language.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "migrate/config_spec.hpp"
#include "migrate/services.hpp"
#include "migrate/transformer.hpp"

namespace migrate::jq {

struct JqConfig {
  std::string program;
  std::map<std::string, Value> arguments;  ///< `$name` in the program
  std::vector<std::string> types;          ///< empty: all
};

/// Compiles the program too: what is wrong with it is a fault of the configuration, in jq's own words.
Spec<JqConfig> jq_spec();
/// Throws ConfigError when the program does not compile.
std::shared_ptr<const Transformer> make_jq(JqConfig config, const Services& services);

}  // namespace migrate::jq
