// The options of the two connectors.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "migrate/config_spec.hpp"
#include "migrate/relational.hpp"

namespace migrate::sqlite {

struct SourceConfig {
  std::filesystem::path path;
  std::vector<SourceTable> tables;  ///< empty: every table of the file
  int busy_ms = 5000;
};

struct SinkConfig {
  std::filesystem::path path;
  bool create = true;                       ///< the file and tables that are absent
  std::map<std::string, SinkTable> tables;  ///< empty: the source's tables, as the source describes them
  int busy_ms = 5000;
};

Spec<SourceConfig> source_spec();
Spec<SinkConfig> sink_spec();

}  // namespace migrate::sqlite
