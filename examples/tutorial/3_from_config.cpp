// The pipeline from a migration file, with connectors of the program's own.
#include <filesystem>
#include <fstream>
#include <iostream>

#include "board.hpp"
#include "migrate/config_file.hpp"

struct NoOptions {};

int main() {
  tutorial::Board board;
  migrate::Registry registry;
  registry.add_source("notes", migrate::Spec<NoOptions>("Ten notes."),
                      [](NoOptions, const migrate::Services&) { return std::make_shared<tutorial::NoteSource>(); });
  registry.add_sink("board", migrate::Spec<NoOptions>("A board."),
                    [&](NoOptions, const migrate::Services&) { return std::make_shared<tutorial::BoardSink>(board); });

  const std::filesystem::path path = std::filesystem::path("3_from_config.work") / "notes.yaml";
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << "migration: notes-to-board\n"
                         "source: {connector: notes}\n"
                         "sink: {connector: board}\n"
                         "store: {connector: memory}\n"
                         "run: {batch_size: 3, verify: comprehensive}\n";

  int status = 1;
  try {
    migrate::MigrationFile file = migrate::parse_migration(path, registry);
    migrate::Pipeline pipeline = migrate::make_pipeline(file, registry, migrate::Services());
    migrate::Report report = migrate::run_blocking(std::move(pipeline), file.run);
    std::cout << report.total().written << " notes written";
    if (report.verification) std::cout << ", " << report.verification->checked << " compared";
    std::cout << '\n';
    if (report.status == migrate::Status::done && report.total().written == 10) status = 0;
  } catch (const migrate::Error& error) {
    std::cerr << error.what() << '\n';  // every fault of the file, each with its line
  }
  std::filesystem::remove_all(path.parent_path());
  return status;
}
