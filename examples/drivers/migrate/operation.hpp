// A run of any mode as the program does it: signals, recorder, progress, reports, summary, exit code.
#pragma once

#include "progress.hpp"
#include "session.hpp"

namespace migrate::program {

struct Undertaking {
  RunOptions options;
  ProgressStyle progress = ProgressStyle::none;
  bool interactive = false;
  bool import_mappings = false;  ///< those that the migration file names
  std::string typed;  ///< the options that shape it, for the command that goes on; each with a blank before it
};

/// Runs to the end and returns the exit code.
int undertake(const Plan& plan, const FileArguments& arguments, Undertaking undertaking);

ReportFiles report_files(const Plan& plan, std::filesystem::path directory);
int exit_code_of(const Report& report);

}  // namespace migrate::program
