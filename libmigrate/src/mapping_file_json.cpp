#include <boost/json/basic_parser_impl.hpp>

#include "mapping_file_reader.hpp"

MIGRATE_BEGIN
namespace mapping_file {

namespace {

namespace json = boost::json;

/// Receives the file's tokens. A map from id to id, or a list of objects with the two ids; nothing else.
class Handler {
 public:
  static constexpr std::size_t max_object_size = std::size_t(-1), max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = longest_id, max_string_size = longest_id;

  explicit Handler(const Each& deliver) : each(deliver) {}

  const Each& each;
  std::string fault;
  std::size_t line = 1;  ///< of the text that is being parsed

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code& ec) {
    ++depth_;
    if (depth_ == 1) return map_ = true;
    if (depth_ != 2 || map_) return refuse(ec, "an id is a text or a number, not an object");
    row_ = Row();
    has_target_ = has_source_ = false;
    return true;
  }
  bool on_object_end(std::size_t, json::error_code& ec) {
    if (depth_-- == 1) return true;
    if (!has_source_) return refuse(ec, "an entry without source_id");
    if (!has_target_) return refuse(ec, "an entry without target_id");
    return deliver();
  }
  bool on_array_begin(json::error_code& ec) {
    ++depth_;
    return depth_ == 1 || refuse(ec, "an id is a text or a number, not a list");
  }
  bool on_array_end(std::size_t, json::error_code&) {
    --depth_;
    return true;
  }
  bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
    key_.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, std::size_t, json::error_code&) {
    key_.append(part.data(), part.size());
    current_ = std::move(key_);
    key_.clear();
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool on_string(json::string_view part, std::size_t, json::error_code& ec) {
    text_.append(part.data(), part.size());
    Value value(text_);
    text_.clear();
    return scalar(std::move(value), ec);
  }
  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(std::int64_t number, json::string_view, json::error_code& ec) { return scalar(Value(number), ec); }
  bool on_uint64(std::uint64_t number, json::string_view, json::error_code& ec) {
    return scalar(Value(std::to_string(number)), ec);
  }
  bool on_double(double, json::string_view, json::error_code& ec) {
    return refuse(ec, "an id with a fraction or an exponent; write it as a text if that is what it is");
  }
  bool on_bool(bool, json::error_code& ec) { return refuse(ec, "an id is a text or a number, not true or false"); }
  bool on_null(json::error_code& ec) { return refuse(ec, "an id is null"); }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  bool refuse(json::error_code& ec, std::string message) {
    fault = std::move(message);
    ec = json::make_error_code(json::error::syntax);
    return false;
  }
  bool scalar(Value value, json::error_code& ec) {
    if (depth_ == 0) return refuse(ec, "neither a map of ids nor a list of entries");
    if (map_) {
      row_ = Row{line, std::move(current_), std::move(value)};
      return check_target(ec) && deliver();
    }
    if (depth_ == 1) return refuse(ec, "an entry of the list is {\"source_id\": …, \"target_id\": …}");
    if (current_ == "source_id") {
      has_source_ = true;
      row_.source_id = value.is_string() ? std::string(value.get_string()) : std::to_string(value.get_int64());
    } else if (current_ == "target_id") {
      has_target_ = true;
      row_.target_id = std::move(value);
      return check_target(ec);
    }
    return true;
  }
  bool check_target(json::error_code& ec) {
    const auto* text = row_.target_id.if_string();
    return !text || !text->empty() || refuse(ec, "a target id is empty");
  }
  bool deliver() {
    row_.line = line;
    each(std::move(row_));
    return true;
  }

  int depth_ = 0;
  bool map_ = false, has_source_ = false, has_target_ = false;
  std::string key_, current_, text_;
  Row row_;
};

}  // namespace

void read_json(std::istream& in, const Each& each) {
  json::basic_parser<Handler> parser(json::parse_options(), each);
  const auto fail = [&](const char* what, const json::error_code& code) {
    const std::string& fault = parser.handler().fault;
    throw Fault{parser.handler().line, fault.empty() ? what + code.message() : fault};
  };
  std::string piece;
  // A line at a time, so that every row knows its line; an export of ours has one row a line.
  while (std::getline(in, piece)) {
    if (!in.eof()) piece += '\n';
    json::error_code code;
    const std::size_t taken = parser.done() ? 0 : parser.write_some(true, piece.data(), piece.size(), code);
    if (code) fail("not JSON: ", code);
    if (parser.done() && piece.find_first_not_of(" \t\r\n", taken) != std::string::npos) {
      throw Fault{parser.handler().line, "not JSON: something follows the end of the map or list"};
    }
    if (!piece.empty() && piece.back() == '\n') ++parser.handler().line;
  }
  json::error_code code;
  if (!parser.done()) parser.write_some(false, nullptr, 0, code);
  if (code) fail("the file ends in the middle: ", code);
}

}  // namespace mapping_file
MIGRATE_END
