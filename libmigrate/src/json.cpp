#include "migrate/json.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value_stack.hpp>
#include <boost/system/system_error.hpp>
#include <charconv>
#include <string>
#include <utility>

MIGRATE_BEGIN

namespace {

namespace json = boost::json;

/// Builds the value from the parser's events, as json::parse() does; of doubles it takes the text.
class Builder {
 public:
  static constexpr std::size_t max_object_size = std::size_t(-1), max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1), max_string_size = std::size_t(-1);

  explicit Builder(json::storage_ptr storage) { stack_.reset(std::move(storage)); }
  json::value release() { return stack_.release(); }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) { return true; }
  bool on_object_end(std::size_t count, json::error_code&) {
    stack_.push_object(count);
    return true;
  }
  bool on_array_begin(json::error_code&) { return true; }
  bool on_array_end(std::size_t count, json::error_code&) {
    stack_.push_array(count);
    return true;
  }
  bool on_key_part(json::string_view part, std::size_t, json::error_code&) { return chars(part); }
  bool on_key(json::string_view part, std::size_t, json::error_code&) {
    stack_.push_key(part);
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, json::error_code&) { return chars(part); }
  bool on_string(json::string_view part, std::size_t, json::error_code&) {
    stack_.push_string(part);
    return true;
  }
  bool on_number_part(json::string_view part, json::error_code&) {
    number_.append(part.data(), part.size());
    return true;
  }
  bool on_int64(std::int64_t number, json::string_view, json::error_code&) {
    number_.clear();
    stack_.push_int64(number);
    return true;
  }
  bool on_uint64(std::uint64_t number, json::string_view, json::error_code&) {
    number_.clear();
    stack_.push_uint64(number);
    return true;
  }
  bool on_double(double rough, json::string_view text, json::error_code&) {
    number_.append(text.data(), text.size());
    double number = 0;
    const auto [end, failure] = std::from_chars(number_.data(), number_.data() + number_.size(), number);
    // Beyond what a double holds, Boost.JSON says infinity or zero.
    stack_.push_double(failure == std::errc() ? number : rough);
    number_.clear();
    return true;
  }
  bool on_bool(bool value, json::error_code&) {
    stack_.push_bool(value);
    return true;
  }
  bool on_null(json::error_code&) {
    stack_.push_null();
    return true;
  }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  bool chars(json::string_view part) {
    stack_.push_chars(part);
    return true;
  }

  json::value_stack stack_;
  std::string number_;
};

}  // namespace

json::value parse_json(std::string_view text, json::error_code& trouble, json::storage_ptr storage,
                       const json::parse_options& options) {
  trouble.clear();
  json::basic_parser<Builder> parser(options, std::move(storage));
  const std::size_t read = parser.write_some(false, text.data(), text.size(), trouble);
  if (!trouble && read < text.size()) trouble = json::make_error_code(json::error::extra_data);
  if (trouble) return nullptr;
  return parser.handler().release();
}

json::value parse_json(std::string_view text, json::storage_ptr storage, const json::parse_options& options) {
  json::error_code trouble;
  json::value value = parse_json(text, trouble, std::move(storage), options);
  if (trouble) throw boost::system::system_error(trouble);
  return value;
}

MIGRATE_END
