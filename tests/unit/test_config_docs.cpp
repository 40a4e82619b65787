// The tables in docs/configuration.md are what the specs say. MIGRATE_UPDATE_DOCS=1 writes them anew.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "migrate/config_file.hpp"
#include "migrate/relational.hpp"

using namespace migrate;

static void check_block(std::string& document, const std::string& name, const std::string& markdown) {
  std::string begin = "<!-- generated: " + name + " -->\n";
  std::size_t from = document.find(begin);
  REQUIRE(from != std::string::npos);
  from += begin.size();
  std::size_t end = document.find("<!-- end -->", from);
  REQUIRE(end != std::string::npos);
  // The first paragraph is the spec's own sentence; the document has a better one.
  std::string table = markdown.substr(markdown.find('|'));
  if (std::getenv("MIGRATE_UPDATE_DOCS")) {
    document.replace(from, end - from, table);
  } else {
    CHECK(document.substr(from, end - from) == table);
  }
}

TEST_CASE("the tables in configuration.md are current") {
  const std::string path = MIGRATE_SOURCE_DIR "/libmigrate/docs/configuration.md";
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  std::string document = text.str();
  check_block(document, "file", migration_markdown());
  check_block(document, "source-table", source_table_spec().markdown());
  check_block(document, "sink-table", sink_table_spec().markdown());
  if (std::getenv("MIGRATE_UPDATE_DOCS")) std::ofstream(path) << document;
}
