#include <charconv>
#include <optional>
#include <vector>

#include "mapping_file_reader.hpp"

MIGRATE_BEGIN
namespace mapping_file {

namespace {

struct CsvField {
  std::string text;
  bool quoted = false;
};
struct CsvRow {
  std::size_t line = 1;
  std::vector<CsvField> fields;
  bool blank() const { return fields.size() == 1 && fields[0].text.empty() && !fields[0].quoted; }
};

class CsvReader {
 public:
  explicit CsvReader(std::istream& in) : in_(*in.rdbuf()) {}

  /// False at the end of the file.
  bool next(CsvRow& row) {
    row = CsvRow();
    row.line = line_;
    if (peek() == end) return false;
    for (bool more = true; more;) {
      row.fields.emplace_back();
      CsvField& field = row.fields.back();
      field.quoted = peek() == '"';
      field.quoted ? quoted(field.text) : bare(field.text);
      more = separator();
    }
    return true;
  }

 private:
  static constexpr int end = std::char_traits<char>::eof();
  int peek() { return in_.sgetc(); }
  int take() {
    const int c = in_.sbumpc();
    if (c == '\n') ++line_;
    return c;
  }
  void append(std::string& text, int c) const {
    if (text.size() == longest_id) throw Fault{line_, "a field is longer than 64 KiB: is this a CSV file?"};
    text += static_cast<char>(c);
  }
  void bare(std::string& text) {
    for (int c = peek(); c != ',' && c != '\n' && c != '\r' && c != end; c = peek()) {
      if (c == '"') throw Fault{line_, "a quote inside a field that does not begin with one; write \"\" in a quoted field"};
      append(text, take());
    }
  }
  void quoted(std::string& text) {
    const std::size_t opened = line_;
    take();
    for (;;) {
      const int c = take();
      if (c == end) throw Fault{opened, "the quote that opens here is never closed"};
      if (c != '"') {
        append(text, c);
      } else if (peek() == '"') {
        append(text, take());
      } else {
        return;
      }
    }
  }
  /// Past a comma: true. Past the end of the row: false.
  bool separator() {
    const std::size_t line = line_;
    int c = take();
    if (c == ',') return true;
    if (c == '\r' && peek() == '\n') c = take();
    if (c == '\n' || c == '\r' || c == end) return false;
    throw Fault{line, "text after a closing quote; a comma or the end of the line belongs there"};
  }

  std::streambuf& in_;
  std::size_t line_ = 1;
};

/// 42 and -7, but not 007 or +1: those are texts that look like numbers.
std::optional<std::int64_t> integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || stop != text.data() + text.size() || std::to_string(value) != text) return std::nullopt;
  return value;
}

std::size_t column_of(const CsvRow& header, std::string_view name) {
  for (std::size_t i = 0; i < header.fields.size(); ++i) {
    if (header.fields[i].text == name) return i;
  }
  throw Fault{header.line, "the header has no column " + std::string(name) +
                               "; the first line of a mapping file is: source_id,target_id"};
}

}  // namespace

void read_csv(std::istream& in, const Each& each) {
  CsvReader reader(in);
  CsvRow row;
  if (!reader.next(row)) throw Fault{1, "the file is empty; its first line should be: source_id,target_id"};
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  std::string& first = row.fields[0].text;
  if (first.starts_with(byte_order_mark)) first.erase(0, byte_order_mark.size());
  const std::size_t source = column_of(row, "source_id"), target = column_of(row, "target_id");
  const std::size_t columns = row.fields.size();

  while (reader.next(row)) {
    if (row.blank()) continue;
    if (row.fields.size() != columns) {
      throw Fault{row.line, std::to_string(row.fields.size()) + " fields where the header has " +
                                std::to_string(columns)};
    }
    const CsvField& id = row.fields[target];
    if (id.text.empty()) throw Fault{row.line, "target_id is empty"};
    const auto number = id.quoted ? std::nullopt : integer(id.text);
    each(Row{row.line, std::move(row.fields[source].text), number ? Value(*number) : Value(id.text)});
  }
}

}  // namespace mapping_file
MIGRATE_END
