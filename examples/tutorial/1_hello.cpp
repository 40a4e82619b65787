#include <boost/json/parse.hpp>
#include <iostream>

#include "migrate/migrate.hpp"

int main(int, char** argv) {  // 1_hello people.jsonl people.db
  migrate::Registry registry;
  registry.discover();  // the connectors beside the library
  migrate::Services services;
  migrate::Pipeline pipeline;
  pipeline.name = "hello";
  pipeline.source = registry.make_source("jsonl", {{"path", argv[1]}}, services);
  pipeline.transforms.push_back(migrate::transform_with([](migrate::Record record, std::vector<migrate::Record>& out) {
    record.data.as_object()["greeting"] = "hello";
    out.push_back(std::move(record));
  }));
  auto table = boost::json::parse(R"({"key": "id", "columns": {"id": "bigint", "name": "text", "greeting": "text"}})");
  pipeline.sink = registry.make_sink("sqlite", {{"path", argv[2]}, {"tables", {{"people", table}}}}, services);
  pipeline.store = migrate::make_memory_store();  // open_sqlite_store(file) for one that survives a crash

  migrate::Report report = migrate::run_blocking(pipeline, migrate::RunOptions());
  if (report.fatal) std::cerr << report.fatal->what() << '\n';
  std::cout << report.total().written << " of " << report.total().read << " records arrived\n";
  return report.status == migrate::Status::done ? 0 : 1;
}
