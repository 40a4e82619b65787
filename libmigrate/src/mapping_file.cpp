#include "migrate/mapping_file.hpp"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <cerrno>
#include <fstream>
#include <system_error>
#include <unordered_map>

#include "atomic_file.hpp"
#include "mapping_file_reader.hpp"
#include "report_text.hpp"

MIGRATE_BEGIN

namespace {

Error mapping_error(const std::filesystem::path& file, std::size_t line, const std::string& message) {
  return Error(ErrorKind::invalid, "mapping_file", fmt::format("{}:{}: {}", file.string(), line, message));
}

std::string csv_field(std::string_view text, bool quote) {
  if (!quote && text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

/// Quoted also where a reader would take the text for a number.
std::string csv_target(const Value& id) {
  if (!id.is_string()) return csv_field(boost::json::serialize(id), false);
  const std::string text = reporting::clean_utf8(id.get_string());
  return csv_field(text, text.find_first_not_of("-0123456789") == std::string::npos);
}

}  // namespace

MappingFormat mapping_format_of(const std::filesystem::path& file) {
  if (file.extension() == ".json") return MappingFormat::json;
  if (file.extension() == ".csv") return MappingFormat::csv;
  throw Error(ErrorKind::invalid, "mapping_file",
              fmt::format("{}: a mapping file is named .json or .csv", file.string()));
}

std::size_t read_mappings(const std::filesystem::path& file, const std::string& type,
                          const std::function<void(Mapping)>& each) {
  const MappingFormat format = mapping_format_of(file);
  std::error_code ignored;
  const bool folder = std::filesystem::is_directory(file, ignored);
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  if (!in || folder) {
    const int code = folder ? EISDIR : errno == 0 ? ENOENT : errno;
    throw Error(ErrorKind::invalid, "mapping_file",
                fmt::format("{} cannot be read: {}", file.string(), std::generic_category().message(code)))
        .with_advice("Check the name of the mapping file and that you may read it.");
  }
  std::unordered_map<std::string, std::size_t> lines;
  const mapping_file::Each checked = [&](mapping_file::Row row) {
    if (row.source_id.empty()) throw mapping_file::Fault{row.line, "source_id is empty"};
    const auto* text = row.target_id.if_string();
    if (!reporting::is_utf8(row.source_id) || (text && !reporting::is_utf8(*text))) {
      throw mapping_file::Fault{row.line, "an id that is not UTF-8"};
    }
    const auto [earlier, is_new] = lines.emplace(row.source_id, row.line);
    if (!is_new) {
      throw mapping_file::Fault{
          row.line, fmt::format("source_id {} has a target in line {} already", row.source_id, earlier->second)};
    }
    each(Mapping{type, std::move(row.source_id), std::move(row.target_id)});
  };
  try {
    format == MappingFormat::csv ? mapping_file::read_csv(in, checked) : mapping_file::read_json(in, checked);
  } catch (const mapping_file::Fault& fault) {
    throw mapping_error(file, fault.line, fault.message);
  }
  if (in.bad()) throw mapping_error(file, lines.size(), "reading failed");
  return lines.size();
}

class MappingWriter::State {
 public:
  explicit State(const std::filesystem::path& path) : format(mapping_format_of(path)), file(path) {}
  MappingFormat format;
  AtomicFile file;
  std::size_t rows = 0;
  std::string line;  ///< room that every row uses again
};

MappingWriter::MappingWriter(const std::filesystem::path& file) : state_(std::make_unique<State>(file)) {
  state_->file.write(state_->format == MappingFormat::csv ? "source_id,target_id\r\n" : "{");
}
MappingWriter::~MappingWriter() = default;
MappingWriter::MappingWriter(MappingWriter&&) noexcept = default;
MappingWriter& MappingWriter::operator=(MappingWriter&&) noexcept = default;

void MappingWriter::add(const Mapping& mapping) {
  AtomicFile& file = state_->file;
  const std::string source_id = reporting::clean_utf8(mapping.source_id);
  if (state_->format == MappingFormat::csv) {
    file.write(csv_field(source_id, false) + ',' + csv_target(mapping.target_id) + "\r\n");
  } else {
    std::string& line = state_->line;
    line = state_->rows == 0 ? "\n" : ",\n";
    reporting::append_json(line, source_id);
    line += ": ";
    reporting::append_json(line, mapping.target_id);
    file.write(line);
  }
  ++state_->rows;
}

void MappingWriter::finish() {
  if (state_->format == MappingFormat::json) state_->file.write("\n}\n");
  state_->file.commit();
}

MIGRATE_END
