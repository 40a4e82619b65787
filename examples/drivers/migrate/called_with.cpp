#include "called_with.hpp"

namespace migrate::program {

Words& Words::option(const std::string& name, const std::string& word) {
  if (!word.empty()) text_ += " " + name + " " + shell_word(word);
  return *this;
}

Words& Words::flag(const std::string& name, bool given) {
  if (given) text_ += " " + name;
  return *this;
}

CalledWith calls_before(const Plan& plan) {
  CalledWith options;
  std::optional<Value> status;
  try {
    status = plan.directory.read_status();
  } catch (const Error&) {
    // The next run writes it anew.
  }
  const Value* calls = status ? status->get_object().if_contains("calledWith") : nullptr;
  if (!calls || !calls->is_object()) return options;
  for (const auto& [command, words] : calls->get_object())
    if (words.is_string()) options[std::string(command)] = std::string(words.get_string());
  return options;
}

CalledWith calls_with(CalledWith before, const Plan& plan, const Undertaking& undertaking) {
  CalledWith options;
  if (const auto run = before.find("run"); run != before.end()) options.insert(*run);
  // It may become necessary whatever was called, and has no options of its own.
  options["rollback"] = plan.further;
  const std::string words = plan.further + undertaking.typed;
  const Mode mode = undertaking.options.mode;
  const bool rehearses = mode == Mode::dry_run;
  const bool migrates = mode == Mode::full || mode == Mode::incremental || mode == Mode::test;
  options[migrates ? "run" : std::string(to_string(mode))] = words + (rehearses ? " --dry-run" : "");
  return options;
}

CalledWith complete(const Plan& plan, const CalledWith& options) {
  CalledWith words;
  for (const auto& [command, typed] : options) words[command] = plan.place + typed;
  return words;
}

}  // namespace migrate::program
