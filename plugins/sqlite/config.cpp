#include "config.hpp"

namespace migrate::sqlite {

Spec<SourceConfig> source_spec() {
  return Spec<SourceConfig>("Reads the tables of an SQLite file.")
      .field("path", &SourceConfig::path, "The database file")
      .field("tables", &SourceConfig::tables, source_table_spec(), "What to read; default: every table")
      .optional()
      .field("busy_ms", &SourceConfig::busy_ms, "How long to wait for another program's lock, in milliseconds")
      .optional()
      .at_least(0);
}

Spec<SinkConfig> sink_spec() {
  return Spec<SinkConfig>("Writes rows into tables of an SQLite file, a chunk a transaction.")
      .field("path", &SinkConfig::path, "The database file")
      .field("create", &SinkConfig::create, "Whether the file and tables that are absent are created")
      .optional()
      .field("tables", &SinkConfig::tables, sink_table_spec(),
             "The target's tables by type; default: the source's tables as they are")
      .optional()
      .field("busy_ms", &SinkConfig::busy_ms, "How long to wait for another program's lock, in milliseconds")
      .optional()
      .at_least(0);
}

}  // namespace migrate::sqlite
