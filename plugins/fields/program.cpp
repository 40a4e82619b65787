#include "program.hpp"

#include <algorithm>
#include <set>

namespace migrate::fields {
namespace {

/// Names of the operations that a rule has.
std::vector<std::string> operations_of(const RuleConfig& rule) {
  std::vector<std::string> names;
  auto note = [&](const auto& operation, const char* name) {
    if (operation) names.emplace_back(name);
  };
  note(rule.rename, "rename"), note(rule.copy, "copy"), note(rule.templates, "template"), note(rule.set, "set");
  note(rule.remove, "remove"), note(rule.keep, "keep"), note(rule.digits, "digits"), note(rule.text, "text");
  note(rule.date, "date"), note(rule.number, "number"), note(rule.boolean, "boolean"), note(rule.map, "map");
  note(rule.lookup, "lookup"), note(rule.regex, "regex"), note(rule.split, "split"), note(rule.link, "link");
  note(rule.key, "key"), note(rule.emit, "emit"), note(rule.type, "type"), note(rule.drop, "drop");
  note(rule.fail, "fail"), note(rule.warn, "warn");
  return names;
}

bool is_for(const RuleConfig& rule, const std::string& type) {
  return rule.types.empty() || std::find(rule.types.begin(), rule.types.end(), type) != rule.types.end();
}

}  // namespace

void Program::run(Record&& record, std::vector<Record>& out) const {
  if (steps_.empty()) {
    out.push_back(std::move(record));
    return;
  }
  if (record.deleted) return run_deleted(std::move(record), out);
  if (!record.data.is_object()) {
    throw Error(ErrorKind::invalid, "not_an_object",
                "the data of " + record.ref.type + " is no object: rules need fields");
  }
  Frame frame(layout_, record);
  record.links.reserve(record.links.size() + links_);
  frame.emitted().reserve(emits_);
  for (const Step& step : steps_) {
    if (step.when && !step.when->holds(frame)) continue;
    step.rule->apply(frame);
    if (frame.dropped() || frame.next() != nullptr) break;
  }
  if (!frame.dropped()) {
    frame.store();
    if (frame.next() != nullptr) {
      frame.next()->run(std::move(record), out);
    } else {
      out.push_back(std::move(record));
    }
  }
  for (Frame::Emitted& emitted : frame.emitted()) emitted.program->run(std::move(emitted.record), out);
}

void Program::run_deleted(Record&& record, std::vector<Record>& out) const {
  Record names;  // no field of it is left: only its own id and type count
  names.ref = record.ref;
  names.data = Object();
  Frame frame(layout_, names);
  const Program* next = nullptr;
  for (const Step& step : steps_) {
    if (step.emits != nullptr) step.emits->apply_deleted(frame);
    if (step.becomes != nullptr && !step.when) {
      step.rule->apply(frame);
      next = step.becomes;
      break;
    }
  }
  record.ref.type = names.ref.type;
  if (next != nullptr) {
    next->run(std::move(record), out);
  } else {
    out.push_back(std::move(record));
  }
  for (Frame::Emitted& emitted : frame.emitted()) emitted.program->run(std::move(emitted.record), out);
}

RuleSet::RuleSet(const FieldsConfig& config) : config_(config) {
  read_mappings();
  std::set<std::string> types{""};
  for (std::size_t i = 0; i < config_.rules.size(); ++i) {
    const RuleConfig& rule = config_.rules[i];
    std::vector<std::string> operations = operations_of(rule);
    if (operations.empty()) fault(config::child_path("rules", i), "has no operation");
    if (operations.size() > 1) {
      fault(config::child_path("rules", i), "has both " + operations[0] + " and " + operations[1] +
                                                ": one operation a rule, in the order they are meant");
    }
    types.insert(rule.types.begin(), rule.types.end());
  }
  types_.assign(types.begin(), types.end());
  for (const std::string& type : types_) compile(type, 0);
  if (!faults_.empty()) throw ConfigError(faults_);
}

const Program& RuleSet::program_for(const std::string& type) const noexcept {
  auto known = programs_.find(std::pair<std::string, std::size_t>(type, 0));
  return known != programs_.end() ? known->second : programs_.begin()->second;
}

const Program& RuleSet::compile(const std::string& type, std::size_t first) {
  // A type that no rule names shares the program of "", which sorts first.
  std::string name = std::find(types_.begin(), types_.end(), type) != types_.end() ? type : std::string();
  auto [at, added] = programs_.try_emplace(std::pair(name, first));
  Program& program = at->second;
  if (!added) return program;
  for (std::size_t i = first; i < config_.rules.size(); ++i) {
    const RuleConfig& rule = config_.rules[i];
    if (!is_for(rule, name)) continue;
    std::string path = config::child_path("rules", i);
    Program::Step step;
    try {
      if (rule.when) step.when = make_condition(*rule.when, config::child_path(path, "when"), program.layout_);
    } catch (const ConfigError& error) {
      for (const ConfigFault& found : error.faults()) fault(found.path, found.message);
    }
    std::vector<std::string> operations = operations_of(rule);
    if (operations.size() != 1) continue;
    path = config::child_path(path, operations[0]);
    try {
      step.rule = make(rule, i, step, program.layout_);
      program.steps_.push_back(std::move(step));
      program.links_ += rule.link.has_value();
      program.emits_ += rule.emit.has_value();
    } catch (const ConfigError& error) {
      for (const ConfigFault& found : error.faults()) {
        fault(found.path.empty() ? path : path + "." + found.path, found.message);
      }
    } catch (const Error& error) {
      fault(path, error.what());
    }
  }
  program.layout_.seal();
  return program;
}

RulePtr RuleSet::make(const RuleConfig& rule, std::size_t index, Program::Step& step, Layout& layout) {
  if (rule.rename) return make_rename(*rule.rename, layout);
  if (rule.copy) return make_copy(*rule.copy, layout);
  if (rule.set) return make_set(*rule.set, layout);
  if (rule.remove) return make_remove(*rule.remove, layout);
  if (rule.keep) return make_keep(*rule.keep, layout);
  if (rule.templates) return make_template(*rule.templates, layout);
  if (rule.text) return make_text(*rule.text, layout);
  if (rule.digits) return make_digits(*rule.digits, layout);
  if (rule.split) return make_split(*rule.split, layout);
  if (rule.regex) return make_regex(*rule.regex, layout);
  if (rule.date) return make_date(*rule.date, layout);
  if (rule.number) return make_number(*rule.number, layout);
  if (rule.boolean) return make_boolean(*rule.boolean, layout);
  if (rule.map) return make_map(*rule.map, layout);
  if (rule.lookup) return make_lookup(*rule.lookup, mappings_, layout);
  if (rule.link) return make_link(*rule.link, layout);
  if (rule.key) return make_key(*rule.key, layout);
  if (rule.drop) return make_drop();
  if (rule.fail) return make_fail(*rule.fail, layout);
  if (rule.warn) return make_warn(*rule.warn, layout);
  if (rule.type) {
    const Program& next = compile(*rule.type, index + 1);
    step.becomes = &next;
    return make_type(*rule.type, next);
  }
  auto emits = std::make_unique<EmitsRecord>(*rule.emit, compile(rule.emit->type, index + 1), layout);
  step.emits = emits.get();
  return emits;
}

void RuleSet::fault(const std::string& path, const std::string& message) {
  // A rule is compiled once for each type that it is for.
  for (const ConfigFault& known : faults_) {
    if (known.path == path && known.message == message) return;
  }
  ConfigFault found;
  found.path = path;
  found.message = message;
  faults_.push_back(std::move(found));
}

void RuleSet::read_mappings() {
  for (const auto& [name, mapping] : config_.mappings) {
    try {
      mappings_.emplace(name, Mapping(mapping));
    } catch (const Error& error) {
      fault(config::child_path("mappings", name), error.what());
    }
  }
}

}  // namespace migrate::fields
