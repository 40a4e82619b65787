// Rules on text: cleaning, digits, regular expressions.
#include <boost/regex.hpp>
#include <cstring>

#include "rules.hpp"
#include "text.hpp"

namespace migrate::fields {
namespace {

class Text final : public Rule {
 public:
  Text(const TextRule& config, Layout& layout)
      : remove_(config.remove),
        collapse_(config.collapse),
        trim_(config.trim),
        keep_empty_(config.keep_empty),
        upper_(config.letters == "upper"),
        lower_(config.letters == "lower") {
    for (const std::string& path : config.fields) fields_.push_back(writable(path, layout));
    if (!config.charset.empty()) charset_.emplace(config.charset);
  }
  void apply(Frame& frame) const override {
    for (const Field& field : fields_) {
      Value* value = frame.find(field);
      if (value == nullptr || value->is_null()) continue;
      if (!value->is_string()) to_text(*value, field);
      boost::json::string& text = value->get_string();
      if (!is_ascii(text) && !is_utf8(text)) decode(text, field);
      clean(text);
      if (text.empty() && !keep_empty_) value->emplace_null();
    }
  }

 private:
  static void to_text(Value& value, const Field& field) {
    std::string spare;
    if (auto bytes = binary_bytes(value)) {
      value = Value(*bytes, value.storage());
    } else if (auto text = scalar_text(value, spare)) {
      value = Value(*text, value.storage());
    } else {
      throw Error(ErrorKind::invalid, "not_text", field.path + " is " + quoted(value) + ", not text")
          .with_advice("take the field out of the rule `text`, or name a field inside it");
    }
  }

  void decode(boost::json::string& text, const Field& field) const {
    std::string_view bytes = text;
    if (!charset_) {
      throw Error(ErrorKind::invalid, "not_utf8", field.path + " " + quoted(bytes) + " is not UTF-8")
          .with_advice("tell the rule `text` what it is, for example charset: cp1256");
    }
    auto decoded = charset_->decode(bytes);
    if (!decoded) {
      throw Error(ErrorKind::invalid, "undecodable",
                  field.path + " " + quoted(bytes) + " is neither UTF-8 nor " + charset_->name());
    }
    text.assign(*decoded);
  }

  void clean(boost::json::string& text) const {
    for (const std::string& part : remove_) erase_all(text, part);
    if (collapse_) collapse(text);
    if (trim_) {
      std::string_view all = text, inner = trimmed(all);
      if (inner.size() != all.size()) {
        std::memmove(text.data(), inner.data(), inner.size());
        text.resize(inner.size());
      }
    }
    if (upper_) {
      for (char& c : text) c = to_upper(c);
    } else if (lower_) {
      for (char& c : text) c = to_lower(c);
    }
  }

  static void erase_all(boost::json::string& text, const std::string& part) {
    std::string_view all = text;
    std::size_t at = all.find(part);
    if (part.empty() || at == std::string_view::npos) return;
    char* to = text.data() + at;
    while (at < all.size()) {
      if (all.substr(at).starts_with(part)) {
        at += part.size();
      } else {
        *to++ = all[at++];
      }
    }
    text.resize(static_cast<std::size_t>(to - text.data()));
  }

  static void collapse(boost::json::string& text) {
    char* to = text.data();
    bool in_space = false;
    for (char c : std::string_view(text)) {
      bool space = is_space(c);
      if (!space) *to++ = c;
      if (space && !in_space) *to++ = ' ';
      in_space = space;
    }
    text.resize(static_cast<std::size_t>(to - text.data()));
  }

  std::vector<Field> fields_;
  std::vector<std::string> remove_;
  bool collapse_, trim_, keep_empty_, upper_, lower_;
  std::optional<Charset> charset_;
};

class Digits final : public Rule {
 public:
  Digits(const std::vector<std::string>& paths, Layout& layout) {
    for (const std::string& path : paths) fields_.push_back(writable(path, layout));
  }
  void apply(Frame& frame) const override {
    for (const Field& field : fields_) {
      Value* value = frame.find(field);
      if (value != nullptr && value->is_string()) digits_to_ascii(value->get_string());
    }
  }

 private:
  std::vector<Field> fields_;
};

class Regex final : public Rule {
 public:
  Regex(const RegexRule& config, Layout& layout)
      : from_(layout.field(config.field)),
        to_(writable(config.to.empty() ? config.field : config.to, layout)),
        replaces_(config.replace.has_value()),
        format_(config.replace.value_or(config.extract.value_or(""))),
        refusal_(config.no_match, config.cause) {
    if (config.replace.has_value() == config.extract.has_value()) {
      throw ConfigError("", "give either `replace` or `extract`");
    }
    try {
      pattern_.assign(config.pattern, config.fold ? boost::regex::perl | boost::regex::icase : boost::regex::perl);
    } catch (const boost::regex_error& error) {
      throw ConfigError("pattern", std::string("not a regular expression: ") + error.what());
    }
  }

  void apply(Frame& frame) const override {
    const Value* value = frame.find(from_);
    if (value == nullptr || value->is_null()) {
      frame.clear(from_, to_);
      return;
    }
    std::string spare;
    auto text = scalar_text(*value, spare);
    if (!text) throw Error(ErrorKind::invalid, "not_text", from_.path + " is " + quoted(*value) + ", not text");
    boost::match_results<const char*> match;
    const char* begin = text->data();
    const char* end = begin + text->size();
    std::string result;
    try {
      if (!boost::regex_search(begin, end, match, pattern_)) {
        refusal_.act(frame, from_, to_, [&] { return from_.path + " " + quoted(*text) + " does not match"; });
        return;
      }
      result = replaces_ ? boost::regex_replace(std::string(*text), pattern_, format_) : match.format(format_);
    } catch (const std::runtime_error& error) {
      // The engine gives up on an expression that would take too long with this text.
      if (dynamic_cast<const Error*>(&error) != nullptr) throw;
      throw Error(ErrorKind::invalid, "regex_too_complex", from_.path + " " + quoted(*text) + ": " + error.what())
          .with_advice("write the expression without nested repetition");
    }
    frame.place(to_) = Value(result, frame.storage());
  }

 private:
  Field from_, to_;
  boost::regex pattern_;
  bool replaces_;
  std::string format_;
  Refusal refusal_;
};

}  // namespace

RulePtr make_text(const TextRule& config, Layout& layout) { return std::make_unique<Text>(config, layout); }
RulePtr make_digits(const std::vector<std::string>& fields, Layout& layout) {
  return std::make_unique<Digits>(fields, layout);
}
RulePtr make_regex(const RegexRule& config, Layout& layout) { return std::make_unique<Regex>(config, layout); }

}  // namespace migrate::fields
