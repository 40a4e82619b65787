// The options of the two connectors.
#pragma once

#include <filesystem>
#include <string>

#include "migrate/config_spec.hpp"

namespace migrate::jsonl {

struct SourceConfig {
  std::filesystem::path path;  ///< a folder of <type>.jsonl, or one file
  std::string id = "id";       ///< the field that names a record, in lines that are not a staged record
};

struct SinkConfig {
  std::filesystem::path path;  ///< a folder
};

Spec<SourceConfig> source_spec();
Spec<SinkConfig> sink_spec();

}  // namespace migrate::jsonl
