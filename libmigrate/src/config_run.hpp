// The part of a migration file that is not about connectors.
#pragma once

#include "migrate/config_file.hpp"

MIGRATE_BEGIN

struct RetryConfig {
  int attempts = 5;
  std::int64_t first_ms = 500, longest_ms = 60'000;
};
struct RunConfig {
  std::string mode = "full", verify = "none";
  std::string on_record_failure = "compensate", on_verify_failure = "report", on_stale = "keep";
  std::size_t max_failures = 100, batch_size = 0, partitions_in_flight = 4, items_in_flight = 20, sample = 50;
  std::vector<std::string> only, skip_phases;
  std::optional<Where> where;
  RetryConfig retry;
};
/// One migration file as it is written; the connectors' blocks are checked against their own specs.
struct FileConfig {
  std::string migration;
  std::filesystem::path working_dir;
  Value source, sink, store;
  std::vector<Value> transform;
  RunConfig run;
  ReportOptions reports;
  std::map<std::string, std::filesystem::path> mappings;
};

Spec<FileConfig> file_spec();
bool is_migration_name(std::string_view name);
RunOptions run_options(const RunConfig& config);

MIGRATE_END
