#include "migrate/plugin.hpp"

#include "config.hpp"
#include "sink.hpp"
#include "source.hpp"

namespace migrate::jsonl {

Spec<SourceConfig> source_spec() {
  return Spec<SourceConfig>("Reads records from files of JSON lines, or from a folder that the jsonl sink has filled.")
      .field("path", &SourceConfig::path, "A folder of <type>.jsonl, or one such file")
      .field("id", &SourceConfig::id, "The field that names a record, where a line is the record's data and no more")
      .optional()
      .not_empty();
}

Spec<SinkConfig> sink_spec() {
  return Spec<SinkConfig>("Keeps whole records as JSON lines in a folder, one file a type: an export, or staging.")
      .field("path", &SinkConfig::path, "The folder; it is created when absent");
}

}  // namespace migrate::jsonl

MIGRATE_PLUGIN(jsonl, "0.1.0") {
  registry.add_source("jsonl", migrate::jsonl::source_spec(), migrate::jsonl::make_source);
  registry.add_sink("jsonl", migrate::jsonl::sink_spec(), migrate::jsonl::make_sink);
}
