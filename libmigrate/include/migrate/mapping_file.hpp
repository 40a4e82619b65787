// Mapping files: which record of the source is which on the target, for people and for other programs.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "migrate/pipeline.hpp"

MIGRATE_BEGIN

/// json: `{"7": 42, …}`, or `[{"source_id": 7, "target_id": 42}, …]` when read. csv: RFC 4180 with a header that names
/// source_id and target_id among any columns. In CSV a bare integer is a number and a quoted field a text, so that an
/// export read back gives the same ids.
enum class MappingFormat { json, csv };
/// From the file's extension. Throws Error(invalid) that names the two.
MIGRATE_API MappingFormat mapping_format_of(const std::filesystem::path& file);

/// Reads in constant memory but for the set of source ids, and calls `each` with `type` filled in. Throws
/// Error(invalid), cause "mapping_file", with file:line and what is wrong there: faulty syntax, an absent or empty id, an
/// id that is no text and no number, a source id that occurs twice. Calls of `each` may have happened before that.
MIGRATE_API std::size_t read_mappings(const std::filesystem::path& file, const std::string& type,
                                      const std::function<void(Mapping)>& each);

/// Writes under a temporary name; finish() makes the file appear. Throws Error(internal), cause "file".
class MIGRATE_API MappingWriter {
 public:
  explicit MappingWriter(const std::filesystem::path& file);
  ~MappingWriter();
  MappingWriter(MappingWriter&&) noexcept;
  MappingWriter& operator=(MappingWriter&&) noexcept;
  void add(const Mapping& mapping);
  void finish();

 private:
  class State;
  std::unique_ptr<State> state_;
};

MIGRATE_END
