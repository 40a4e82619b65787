// Turns the kit's results into doctest assertions, with connectors loaded as an operator's program loads them.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "built_plugins.hpp"
#include "migrate/migrate.hpp"
#include "migrate/testing/conformance.hpp"

namespace conformance {

inline void expect(const std::vector<migrate::testing::Result>& results) {
  CHECK_FALSE(results.empty());
  for (const migrate::testing::Result& result : results) {
    if (result.state == migrate::testing::Result::State::skipped) {
      MESSAGE("skipped: " << result.check << ": " << result.detail);
      continue;
    }
    CHECK_MESSAGE(result.state == migrate::testing::Result::State::passed, result.check << ": " << result.detail);
  }
}

inline std::shared_ptr<migrate::TableSink> table_sink(const std::string& connector, const migrate::Value& options) {
  std::shared_ptr<migrate::Sink> sink = built_plugins().make_sink(connector, options, migrate::Services());
  migrate::TableSink* tables = sink->as_tables();
  REQUIRE(tables != nullptr);
  return std::shared_ptr<migrate::TableSink>(sink, tables);
}

/// A fresh folder that goes away with the object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "migrate-conformance-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// The tables that the kit speaks of, in the words of a migration file.
inline migrate::Value kit_tables() {
  using migrate::Array;
  using migrate::Object;
  Object parents{{"id", "id"},
                 {"key", Array{"legacy_id"}},
                 {"columns", Object{{"legacy_id", "bigint"}, {"name", "text"}, {"note", "text"}}}};
  Object children{{"id", "id"},
                  {"key", Array{"legacy_id"}},
                  {"columns", Object{{"legacy_id", "bigint"}, {"name", "text"}, {"parent_id", "bigint"}}},
                  {"references", Object{{"parent_id", "parents"}}}};
  return Object{{"parents", parents}, {"children", children}};
}

/// Names that a table can have but should not, and keys of every kind.
inline const char* awkward_schema() {
  return R"(CREATE TABLE plain (id INTEGER PRIMARY KEY, name TEXT);
INSERT INTO plain VALUES (1,'a'),(2,'b'),(5,NULL),(7,''),(10,'e'),(11,'f'),(100,'g');
CREATE TABLE pairs (a INTEGER, b TEXT, "the value" TEXT, PRIMARY KEY (a, b));
INSERT INTO pairs VALUES (1,'x','1'),(1,'y|z','2'),(2,'','3'),(10,'\','4'),(3,'x','5');
CREATE TABLE words (word TEXT PRIMARY KEY, "order" INTEGER);
INSERT INTO words VALUES ('b',1),('A',2),('a',3),('ä',4),('',5);
CREATE TABLE vacant (id INTEGER PRIMARY KEY);
)";
}
inline constexpr std::size_t awkward_rows = 17;

}  // namespace conformance
