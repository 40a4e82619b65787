// Between config_document.cpp (files) and config_override.cpp (the command line).
#pragma once

#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <string>
#include <vector>

#include "migrate/config_file.hpp"

MIGRATE_BEGIN
namespace config {

/// Turns YAML nodes into values, notes where they were written, and collects faults. A text that cannot be filled in is
/// no fault yet: its origin says what is missing, and who checks that value says so, beside all other faults.
class DocumentReader {
 public:
  /// `base` holds what all origins have in common: file, directory, overridden.
  DocumentReader(Origin base, Origins& origins, std::vector<ConfigFault>& faults)
      : base_(std::move(base)), origins_(origins), faults_(faults) {}

  Value read(const YAML::Node& node, const std::string& path, const YAML::Node& key = YAML::Node(), int depth = 0);
  /// A text without quotes: its type is the one it looks like.
  static Value plain(const std::string& text);
  void fault(const std::string& path, std::string message, bool at_key = false);

 private:
  Value scalar(const YAML::Node& node, Origin& origin);
  Value map(const YAML::Node& node, const std::string& path, int depth);
  std::string interpolated(const std::string& text, Origin& origin);
  std::string replacement(const std::string& expression, Origin& origin);

  Origin base_;
  Origins& origins_;
  std::vector<ConfigFault>& faults_;
  std::size_t nodes_ = 0;
};

/// As load_document() and parse_document(), but the faults are left to the caller, who adds his own. Throws for what is
/// no YAML.
Document read_document(const std::filesystem::path& file, const std::vector<std::string>& set,
                       std::vector<ConfigFault>& faults);
Document read_document(const std::string& text, const std::string& name, const std::filesystem::path& directory,
                       const std::vector<std::string>& set, std::vector<ConfigFault>& faults);

/// Applies "path=value".
void apply_override(const std::string& assignment, Document& document, std::vector<ConfigFault>& faults);

}  // namespace config
MIGRATE_END
