// With which options a command was called: who goes on with it needs the same, or goes on with something else.
#pragma once

#include <string>

#include "operation.hpp"

namespace migrate::program {

/// Options as a shell takes them, each with a blank before it.
class Words {
 public:
  Words& option(const std::string& name, const std::string& word);  ///< nothing where `word` is empty
  Words& flag(const std::string& name, bool given);
  const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
};

/// The options by command that the status tells of; none where there is no status, or none that can be read.
CalledWith calls_before(const Plan& plan);

/// The same with what is called now. What a run was called with outlives a retry, a verification and a rehearsal.
CalledWith calls_with(CalledWith before, const Plan& plan, const Undertaking& undertaking);

/// What follows the commands: with the migration file and its place as they are given now.
CalledWith complete(const Plan& plan, const CalledWith& options);

}  // namespace migrate::program
