#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fstream>
#include <iterator>
#include <map>

#include "atomic_file.hpp"
#include "report_parts.hpp"
#include "report_text.hpp"

MIGRATE_BEGIN
namespace reporting {

namespace {

Object counters_as_json(const Counters& counters) {
  return {{"read", counters.read},       {"transformed", counters.transformed}, {"written", counters.written},
          {"skipped", counters.skipped}, {"dropped", counters.dropped},         {"failed", counters.failed},
          {"linked", counters.linked},   {"verified", counters.verified},       {"removed", counters.removed},
          {"files", counters.files},     {"files_written", counters.files_written},
          {"balanced", counters.balanced()}};
}

Object error_as_json(const Error& error) {
  return {{"kind", to_string(error.kind())},
          {"cause", clean_utf8(error.cause)},
          {"message", clean_utf8(error.what())},
          {"advice", clean_utf8(error.advice)}};
}

Object failure_as_json(const Failure& failure) {
  return {{"type", clean_utf8(failure.record.type)}, {"id", clean_utf8(failure.record.id)},
          {"cause", clean_utf8(failure.cause)},      {"message", clean_utf8(failure.message)},
          {"advice", clean_utf8(failure.advice)},    {"phase", to_string(failure.phase)},
          {"attempts", failure.attempts}};
}

Array causes_as_json(const Report& report, const std::string& arguments) {
  Array causes;
  for (const CauseRow& row : causes_by_count(report)) {
    causes.push_back(Object{{"type", clean_utf8(row.type)},
                            {"cause", clean_utf8(row.cause)},
                            {"count", row.summary.count},
                            {"example", clean_utf8(row.summary.example)},
                            {"advice", clean_utf8(row.summary.advice)},
                            {"retry", can_be_retried(report) ? retry_command(arguments, row.cause) : std::string()}});
  }
  return causes;
}

Value verification_as_json(const Report::Verification& verification) {
  return Object{{"level", verification.level},
                {"checked", verification.checked},
                {"compared", verification.compared},
                {"records", verification.records},
                {"differences", verification.differences},
                {"examples", findings_as_json(verification.examples)}};
}

class JsonPart final : public Part {
 public:
  explicit JsonPart(const Context& context)
      : file_(context.options.directory / "final-migration-report.json") {
    const Value head = report_as_json(context.report, context.options.arguments);
    file_.write("{\n");
    for (const auto& [key, value] : head.get_object()) {
      file_.write(boost::json::serialize(key) + ": " + boost::json::serialize(value) + ",\n");
    }
    file_.write("\"failures\": [");
  }
  void failure(const Failure& failure) override { row(failure); }
  void left_out(const Failure& failure) override {
    open_left_out();
    row(failure);
  }
  std::vector<std::filesystem::path> finish() override {
    open_left_out();
    file_.write("\n]\n}\n");
    file_.commit();
    return {file_.target()};
  }

 private:
  void row(const Failure& failure) {
    file_.write((first_ ? "\n  " : ",\n  ") + boost::json::serialize(failure_as_json(failure)));
    first_ = false;
  }
  void open_left_out() {
    if (left_out_) return;
    left_out_ = true;
    first_ = true;
    file_.write("\n],\n\"left_out\": [");
  }
  AtomicFile file_;
  bool first_ = true, left_out_ = false;
};

class VerificationPart final : public Part {
 public:
  explicit VerificationPart(const Context& context) : context_(context) {}
  std::vector<std::filesystem::path> finish() override {
    const auto& verification = context_.report.verification;
    if (!verification) return {};
    Object document = verification_as_json(*verification).get_object();
    document["migration"] = context_.report.migration;
    document["run"] = context_.report.run;
    document["finished"] = iso_time(context_.report.finished);
    const auto path = context_.options.directory / "verification-results" / (verification->level + ".json");
    if (lists_more(path, document)) return {};
    write_file_atomically(path, boost::json::serialize(document) + "\n");
    return {path};
  }

 private:
  /// The state keeps only the first findings of a verification: the file that its run has written is the better one.
  static bool lists_more(const std::filesystem::path& path, const Object& document) {
    std::ifstream in(path, std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(in), {});
    boost::system::error_code fault;
    const Value file = boost::json::parse(text, fault);
    const Object* there = fault ? nullptr : file.if_object();
    if (!there) return false;
    for (const char* name : {"migration", "run", "level", "checked", "compared", "records", "differences"}) {
      const Value* value = there->if_contains(name);
      if (!value || boost::json::serialize(*value) != boost::json::serialize(document.at(name))) return false;
    }
    const Value* examples = there->if_contains("examples");
    const Array& known = document.at("examples").get_array();
    if (!examples || !examples->is_array() || examples->get_array().size() <= known.size()) return false;
    return std::equal(known.begin(), known.end(), examples->get_array().begin());
  }
  const Context& context_;
};

/// A type becomes a file name; nothing in it may leave the folder.
std::string file_name_of(std::string type) {
  for (char& c : type) {
    if (c == '/' || c == '\0') c = '_';
  }
  return (type.empty() || type[0] == '.' ? "_" + type : type) + ".json";
}

class MappingsPart final : public Part {
 public:
  explicit MappingsPart(const Context& context)
      : context_(context), directory_(context.options.directory / "mappings") {}
  void mapping(const Mapping& mapping) override {
    if (!current_ || mapping.type != type_) open(mapping.type);
    line_.assign(first_ ? "{\n" : ",\n");
    first_ = false;
    append_json(line_, mapping.source_id);
    line_ += ": ";
    append_json(line_, mapping.target_id);
    current_->write(line_);
  }
  // Half a mapping would pass for a whole one: the previous file stays.
  void mapping_trouble(const Error&) override {
    whole_ = false;
    files_.clear();
    current_ = nullptr;
  }
  std::vector<std::filesystem::path> finish() override {
    std::vector<std::filesystem::path> written;
    for (auto& [type, file] : files_) {
      file->write("\n}\n");
      file->commit();
      written.push_back(file->target());
    }
    if (context_.mapped && whole_) put_others_aside(written);
    return written;
  }

 private:
  /// Lists of types of which nothing is known any more must not pass for what is true. They go aside: where it is the
  /// state that was lost, they are what it can be made of again.
  void put_others_aside(const std::vector<std::filesystem::path>& written) const {
    std::error_code none;
    std::vector<std::filesystem::path> former;
    for (const auto& entry : std::filesystem::directory_iterator(directory_, none)) {
      const std::filesystem::path& path = entry.path();
      if (path.extension() == ".json" && std::find(written.begin(), written.end(), path) == written.end())
        former.push_back(path);
    }
    if (!former.empty()) make_directory(directory_ / "former");
    for (const std::filesystem::path& path : former) {
      // An earlier one stays: it may be the only list of what a lost state had known.
      std::filesystem::path aside = directory_ / "former" / path.filename();
      for (int n = 2; std::filesystem::exists(aside, none); ++n)
        aside.replace_filename(fmt::format("{}.{}.json", path.stem().string(), n));
      std::error_code failure;
      std::filesystem::rename(path, aside, failure);
      if (failure)
        throw Error(ErrorKind::internal, "file",
                    fmt::format("{} cannot be moved to {}: {}", path.string(), aside.string(),
                                failure.message()));
    }
  }
  void open(const std::string& type) {
    auto& file = files_[type];
    first_ = !file;
    if (!file) file = std::make_unique<AtomicFile>(directory_ / file_name_of(type));
    type_ = type;
    current_ = file.get();
  }
  const Context& context_;
  std::filesystem::path directory_;
  std::map<std::string, std::unique_ptr<AtomicFile>> files_;
  AtomicFile* current_ = nullptr;
  std::string type_, line_;
  bool first_ = true, whole_ = true;
};

}  // namespace

Value findings_as_json(const std::vector<Finding>& findings) {
  Array list;
  for (const Finding& finding : findings) {
    list.push_back(Object{{"type", clean_utf8(finding.record.type)},
                          {"id", clean_utf8(finding.record.id)},
                          {"field", clean_utf8(finding.field)},
                          {"expected", clean_utf8(finding.expected)},
                          {"found", clean_utf8(finding.found)},
                          {"message", clean_utf8(finding.message)}});
  }
  return list;
}

std::unique_ptr<Part> json_part(const Context& context) { return std::make_unique<JsonPart>(context); }
std::unique_ptr<Part> verification_part(const Context& context) { return std::make_unique<VerificationPart>(context); }
std::unique_ptr<Part> mappings_part(const Context& context) { return std::make_unique<MappingsPart>(context); }

}  // namespace reporting

Value report_as_json(const Report& report, const std::string& arguments) {
  using namespace reporting;
  const Counters total = report.total();
  Object document{{"migration", report.migration},
                  {"migrationId", report.state_id},
                  {"run", report.run},
                  {"mode", report.mode},
                  {"status", to_string(report.status)},
                  {"started", iso_time(report.started)},
                  {"finished", iso_time(report.finished)},
                  {"elapsed_ms", static_cast<std::int64_t>(report.elapsed.count())},
                  {"rate", rate_of(total.read, report.elapsed)},
                  {"totals", counters_as_json(total)}};
  Object types, warnings;
  for (const auto& [type, counters] : report.types) types[type] = counters_as_json(counters);
  for (const auto& [type, causes] : report.warnings) {
    Object counts;
    for (const auto& [cause, count] : causes) counts[cause] = count;
    warnings[type] = std::move(counts);
  }
  document["types"] = std::move(types);
  document["warnings"] = std::move(warnings);
  document["causes"] = causes_as_json(report, arguments);
  Array phases, checks;
  for (Phase phase : report.completed) phases.emplace_back(to_string(phase));
  for (const Check& check : report.checks) {
    checks.push_back(Object{{"name", clean_utf8(check.name)},
                            {"passed", check.passed},
                            {"message", clean_utf8(check.message)},
                            {"advice", clean_utf8(check.advice)}});
  }
  document["completed_phases"] = std::move(phases);
  document["checks"] = std::move(checks);
  document["verification"] = report.verification ? verification_as_json(*report.verification) : Value();
  document["preview"] = report.preview ? Value(Object{{"create", report.preview->create},
                                                      {"change", report.preview->change},
                                                      {"unchanged", report.preview->unchanged},
                                                      {"refuse", report.preview->refuse}})
                                       : Value();
  document["rollback"] = report.rollback ? Value(Object{{"removed", report.rollback->removed},
                                                        {"restored", report.rollback->restored},
                                                        {"kept", findings_as_json(report.rollback->kept)}})
                                         : Value();
  document["orphans_cleaned"] = report.orphans_cleaned;
  document["orphans_removed"] = report.orphans_removed;
  document["fatal"] = report.fatal ? Value(error_as_json(*report.fatal)) : Value();
  return document;
}

MIGRATE_END
