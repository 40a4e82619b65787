// One by one, with a person: shows what would be written and asks.
#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "migrate/pipeline.hpp"

namespace migrate::program {

/// Answers come from standard input, which may be a pipe; its end means quit. A stop request ends the waiting.
class TerminalReviewer final : public Reviewer {
 public:
  explicit TerminalReviewer(std::stop_token stop) : stop_(std::move(stop)) {}
  awaitable<Verdict> review(const Proposal& proposal, Record& edited) override;

 private:
  std::optional<Verdict> answer(const Proposal& proposal, const std::string& line, Record& edited);
  std::optional<std::string> read_line();
  std::stop_token stop_;
  std::string unread_;
  std::optional<Record> draft_;  ///< the source record as edited so far
};

/// `assignments` is "field=value"; the value takes the type that the field has. Throws Error(invalid) that names the
/// fields there are.
void edit_field(Object& data, const std::string& assignment);

}  // namespace migrate::program
