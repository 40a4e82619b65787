// Rules compiled once: for each type of record the rules that are for it, in order.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "rules.hpp"

namespace migrate::fields {

/// The rules from one position on, for one type.
class Program {
 public:
  Program() = default;
  /// Appends the record and what it emits.
  void run(Record&& record, std::vector<Record>& out) const;

 private:
  friend class RuleSet;
  struct Step {
    ConditionPtr when;
    RulePtr rule;
    const EmitsRecord* emits = nullptr;  ///< set for `emit` and …
    const Program* becomes = nullptr;    ///< … for `type` without a condition: what counts for vanished records
  };
  void run_deleted(Record&& record, std::vector<Record>& out) const;
  Layout layout_;
  std::vector<Step> steps_;
  std::size_t links_ = 0, emits_ = 0;  ///< how many a record gets at most
};

class RuleSet {
 public:
  /// Throws ConfigError with every fault; paths start at "rules" or "mappings".
  explicit RuleSet(const FieldsConfig& config);
  const Program& program_for(const std::string& type) const noexcept;

 private:
  const Program& compile(const std::string& type, std::size_t first);
  RulePtr make(const RuleConfig& rule, std::size_t index, Program::Step& step, Layout& layout);
  void fault(const std::string& path, const std::string& message);
  void read_mappings();

  FieldsConfig config_;
  Mappings mappings_;
  /// By type ("": types that no rule names) and first rule. A map: programs refer to one another.
  std::map<std::pair<std::string, std::size_t>, Program> programs_;
  std::vector<std::string> types_;
  std::vector<ConfigFault> faults_;
};

}  // namespace migrate::fields
