// Rules written as YAML in a test, and records to run them on.
#pragma once

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <memory>
#include <string>
#include <vector>

#include "migrate/config_file.hpp"
#include "transformer.hpp"

namespace kit {

inline migrate::Value from_yaml(const std::string& text) {
  return migrate::config::parse_document(text, "test.yaml", ".").value;
}

inline std::shared_ptr<const migrate::Transformer> fields_of(const migrate::Value& options) {
  return migrate::fields::make_fields(migrate::fields::fields_spec().parse(options), migrate::Services());
}

/// From the text of a list of rules.
inline std::shared_ptr<const migrate::Transformer> rules(const std::string& yaml) {
  return fields_of(from_yaml("{rules: " + yaml + "}"));
}

/// Those of examples/drivers/certificates/migration.yaml.
inline std::shared_ptr<const migrate::Transformer> certificates() {
  std::string file = MIGRATE_SOURCE_DIR "/examples/drivers/certificates/migration.yaml";
  migrate::Object options = migrate::config::load_document(file).value.at("transform").at(0).as_object();
  options.erase("use");
  return fields_of(options);
}

inline migrate::Record record(const std::string& type, const std::string& id, const migrate::Value& data) {
  migrate::Record made;
  made.ref = migrate::RecordRef{type, id};
  made.data = data;
  return made;
}

inline std::vector<migrate::Record> apply(const migrate::Transformer& transformer, migrate::Record input) {
  std::vector<migrate::Record> out;
  transformer.apply(std::move(input), out);
  return out;
}

/// The data of the only result, as JSON.
inline std::string run(const std::string& yaml, const std::string& json) {
  auto out = apply(*rules(yaml), record("things", "1", boost::json::parse(json)));
  if (out.size() != 1) return std::to_string(out.size()) + " records";
  return boost::json::serialize(out[0].data);
}

/// The cause of the failure; empty when there is none.
inline std::string cause_of(const std::string& yaml, const std::string& json) {
  auto transformer = rules(yaml);
  try {
    apply(*transformer, record("things", "1", boost::json::parse(json)));
  } catch (const migrate::Error& error) {
    return error.cause;
  }
  return std::string();
}

/// "path: message" of every configuration fault, one a line.
inline std::string faults(const std::string& yaml) {
  try {
    rules(yaml);
  } catch (const migrate::ConfigError& error) {
    std::string text;
    for (const auto& fault : error.faults()) text += fault.path + ": " + fault.message + "\n";
    return text;
  }
  return std::string();
}

inline std::string warnings_of(const migrate::Record& record) {
  std::string text;
  for (const auto& warning : record.warnings) text += (text.empty() ? "" : " ") + warning.cause;
  return text;
}

}  // namespace kit
