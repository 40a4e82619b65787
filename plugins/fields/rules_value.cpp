// Rules that read a value of another kind: dates, numbers, booleans, values of a list or a file.
#include <algorithm>
#include <limits>

#include "dates.hpp"
#include "rules.hpp"
#include "text.hpp"

namespace migrate::fields {
namespace {

std::string named(const Field& field, const Value& value) { return field.path + " " + quoted(value); }

bool is_tagged(const Value& value, std::string_view tag) {
  const Object* object = value.if_object();
  return object != nullptr && object->size() == 1 && object->contains(tag);
}

class Date final : public Rule {
 public:
  Date(const DateRule& config, Layout& layout)
      : parser_(config.formats, config.zero, config.pivot),
        instants_({"YYYY-MM-DD[Thh:mm[:ss[.f]][Z]]"}, {}, config.pivot),
        zone_(config.zone),
        day_only_(config.as == "day"),
        blank_fails_(config.blank == "fail"),
        refusal_(config.invalid, config.cause) {
    for (const std::string& path : config.fields) fields_.push_back(writable(path, layout));
  }

  void apply(Frame& frame) const override {
    for (const Field& field : fields_) one(frame, field);
  }

 private:
  void one(Frame& frame, const Field& field) const {
    Value* value = frame.find(field);
    std::string spare;
    auto text = value != nullptr ? scalar_text(*value, spare) : std::string_view();
    std::string_view inner = text ? trimmed(*text) : std::string_view();
    if (text && (inner.empty() || parser_.is_zero(inner))) {
      if (blank_fails_) throw Error(ErrorKind::invalid, refusal_.cause(), field.path + " is blank: a date is needed");
      if (value != nullptr) value->emplace_null();
      return;
    }
    std::optional<DateParts> parts;
    if (text) {
      parts = parser_.parse(inner);
    } else if (is_tagged(*value, "$date")) {
      if (!day_only_) return;
      const boost::json::string* instant = value->at("$date").if_string();
      if (instant != nullptr) parts = instants_.parse(*instant);
    }
    if (!parts || !write(frame, field, *value, *parts)) {
      refusal_.act(frame, field, field, [&] { return named(field, *value) + " is not a date"; });
    }
  }

  /// False when the instant lies outside the years 1 to 9999.
  bool write(Frame& frame, const Field& field, Value& value, const DateParts& parts) const {
    std::array<char, 32> text;
    date::local_seconds local = to_local(parts);
    Zone::Instant instant{date::sys_seconds(local.time_since_epoch())};
    if (!day_only_) {
      if (parts.offset) {
        instant.time -= *parts.offset;
      } else {
        instant = zone_.to_utc(local);
      }
    }
    static constexpr date::sys_seconds first = date::sys_days(date::year(1) / 1 / 1);
    static constexpr date::sys_seconds end = date::sys_days(date::year(10000) / 1 / 1);
    if (instant.time < first || instant.time >= end) return false;
    if (instant.exactness == Zone::Exactness::ambiguous) {
      frame.warn("ambiguous_time", field.path, named(field, value) + " happened twice: the first is taken");
    } else if (instant.exactness == Zone::Exactness::nonexistent) {
      frame.warn("nonexistent_time", field.path, named(field, value) + " did not happen: moved on by the clock change");
    }
    std::size_t size = write_instant(instant.time, parts.microseconds, text);
    if (day_only_) {
      value = Value(std::string_view(text.data(), 10), frame.storage());
    } else {
      Object& object = value.emplace_object();
      object.emplace("$date", std::string_view(text.data(), size));
    }
    return true;
  }

  std::vector<Field> fields_;
  DateParser parser_, instants_;  ///< of texts, and of what stands in a `$date`
  Zone zone_;
  bool day_only_, blank_fails_;
  Refusal refusal_;
};

/// The first run of digits in a text; a sign is not part of it.
struct FirstInteger {
  bool found = false, fits = true, range = false;
  std::int64_t value = 0;
};

std::size_t dash_size(std::string_view text) noexcept {
  if (text.starts_with('-')) return 1;
  if (text.size() < 3 || text[0] != '\xE2') return 0;
  bool dash = text[1] == '\x80' && text[2] >= '\x90' && text[2] <= '\x95';  // U+2010 to U+2015
  bool minus = text[1] == '\x88' && text[2] == '\x92';                      // U+2212
  return dash || minus ? 3 : 0;
}

FirstInteger first_integer(std::string_view text) noexcept {
  FirstInteger result;
  auto at = std::find_if(text.begin(), text.end(), is_digit);
  if (at == text.end()) return result;
  result.found = true;
  text.remove_prefix(static_cast<std::size_t>(at - text.begin()));
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1)) {
    std::int64_t digit = text.front() - '0';
    if (result.value > (std::numeric_limits<std::int64_t>::max() - digit) / 10) result.fits = false;
    if (result.fits) result.value = result.value * 10 + digit;
  }
  auto skip_blanks = [&] { text.remove_prefix(std::min(text.find_first_not_of(' '), text.size())); };
  skip_blanks();
  std::size_t dash = dash_size(text);
  text.remove_prefix(dash);
  skip_blanks();
  result.range = dash > 0 && !text.empty() && is_digit(text.front());
  return result;
}

class Number final : public Rule {
 public:
  Number(const NumberRule& config, Layout& layout)
      : from_(layout.field(config.field)),
        to_(writable(config.to.empty() ? config.field : config.to, layout)),
        take_(config.take == "first_integer" ? Take::first_integer
              : config.take == "integer"     ? Take::integer
                                             : Take::decimal),
        mark_(config.decimal_mark.front()),
        min_(config.min.value_or(std::numeric_limits<std::int64_t>::min())),
        max_(config.max.value_or(std::numeric_limits<std::int64_t>::max())),
        none_(config.none, config.none_cause),
        beyond_(config.beyond, config.beyond_cause),
        range_cause_(config.range_cause) {
    if (min_ > max_) throw ConfigError("min", "is above max");
  }

  void apply(Frame& frame) const override {
    const Value* value = frame.find(from_);
    if (is_blank(value) && take_ != Take::first_integer) {
      frame.clear(from_, to_);
      return;
    }
    // Kept by value for the message: the field may be the one that is written.
    std::string spare;
    auto text = value != nullptr ? scalar_text(*value, spare) : std::string_view();
    FirstInteger number;
    if (text && take_ == Take::decimal) return decimal(frame, *value, trimmed(*text));
    if (text) number = take_ == Take::integer ? whole(trimmed(*text)) : first_integer(*text);
    if (!number.found) {
      if (is_blank(value)) {
        frame.clear(from_, to_);
      } else {
        none_.act(frame, from_, to_, [&] { return named(from_, *value) + " has no number"; });
      }
    } else if (!number.fits || number.value < min_ || number.value > max_) {
      beyond_.act(frame, from_, to_, [&] { return named(from_, *value) + " is outside what is taken"; });
    } else {
      if (number.range && !range_cause_.empty()) {
        frame.warn(range_cause_, from_.path, named(from_, *value) + " is a range: its first number is taken");
      }
      frame.place(to_) = Value(number.value, frame.storage());
    }
  }

 private:
  enum class Take { first_integer, integer, decimal };

  static FirstInteger whole(std::string_view text) noexcept {
    bool minus = text.starts_with('-');
    if (minus || text.starts_with('+')) text.remove_prefix(1);
    FirstInteger number;
    if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return number;
    number = first_integer(text);
    if (minus) number.value = -number.value;
    return number;
  }

  /// Exact: digits are carried over as they are.
  void decimal(Frame& frame, const Value& value, std::string_view text) const {
    std::string digits;
    bool point = false, any = false, wrong = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
      char c = text[i];
      if (is_digit(c)) {
        digits += c;
        any = true;
      } else if (c == mark_ && !point && any) {
        digits += '.';
        point = true;
      } else if (i == 0 && (c == '-' || c == '+')) {
        if (c == '-') digits += c;
      } else {
        wrong = true;
      }
    }
    if (!any || wrong || digits.back() == '.') {
      none_.act(frame, from_, to_, [&] { return named(from_, value) + " is not a decimal number"; });
      return;
    }
    double rough = std::strtod(digits.c_str(), nullptr);
    if (rough < static_cast<double>(min_) || rough > static_cast<double>(max_)) {
      beyond_.act(frame, from_, to_, [&] { return named(from_, value) + " is outside what is taken"; });
      return;
    }
    Object& object = frame.place(to_).emplace_object();
    object.emplace("$numberDecimal", digits);
  }

  Field from_, to_;
  Take take_;
  char mark_;
  std::int64_t min_, max_;
  Refusal none_, beyond_;
  std::string range_cause_;
};

/// Words that are compared without regard to the case of ASCII letters.
class WordSet {
 public:
  explicit WordSet(const std::vector<std::string>& words) {
    for (const std::string& word : words) words_.push_back(lowered(trimmed(word)));
  }
  bool contains(std::string_view text) const noexcept {
    return std::any_of(words_.begin(), words_.end(), [&](const std::string& word) {
      return word.size() == text.size() &&
             std::equal(word.begin(), word.end(), text.begin(), [](char a, char b) { return a == to_lower(b); });
    });
  }

 private:
  std::vector<std::string> words_;
};

class Boolean final : public Rule {
 public:
  Boolean(const BooleanRule& config, Layout& layout)
      : is_true_(config.is_true),
        is_false_(config.is_false),
        rest_(config.rest),
        refusal_(config.invalid, config.cause) {
    for (const std::string& path : config.fields) fields_.push_back(writable(path, layout));
  }
  void apply(Frame& frame) const override {
    std::string spare;
    for (const Field& field : fields_) {
      Value* value = frame.find(field);
      auto text = value != nullptr ? scalar_text(*value, spare) : std::string_view();
      std::string_view word = text ? trimmed(*text) : std::string_view();
      if (text && is_true_.contains(word)) {
        frame.place(field) = true;  // the field may be absent: an empty word is one of those that are listed
      } else if (rest_) {
        frame.place(field) = *rest_;
      } else if (text && is_false_.contains(word)) {
        frame.place(field) = false;
      } else if (text && word.empty()) {
        frame.clear(field, field);
      } else {
        refusal_.act(frame, field, field, [&] { return named(field, *value) + " is neither true nor false"; });
      }
    }
  }

 private:
  std::vector<Field> fields_;
  WordSet is_true_, is_false_;
  std::optional<bool> rest_;
  Refusal refusal_;
};

/// What Map and Lookup share: a value that is found or not.
class Replace : public Rule {
 public:
  Replace(const std::string& field, const std::string& to, const std::optional<Value>& fallback, Refusal refusal,
          bool blank_counts, Layout& layout)
      : from_(layout.field(field)),
        to_(writable(to.empty() ? field : to, layout)),
        blank_counts_(blank_counts),
        refusal_(std::move(refusal)) {
    if (fallback) fallback_ = detached(*fallback);
  }
  void apply(Frame& frame) const override {
    const Value* value = frame.find(from_);
    if (is_blank(value) && !blank_counts_) {
      frame.clear(from_, to_);
      return;
    }
    std::string spare;
    auto text = value != nullptr ? scalar_text(*value, spare) : std::string_view();
    const Value* found = text ? find(*text) : nullptr;
    auto message = [&] {
      return value == nullptr || value->is_null() ? from_.path + " is blank" : named(from_, *value) + " is not listed";
    };
    if (found != nullptr) {
      frame.place(to_) = Value(*found, frame.storage());
    } else if (fallback_) {
      frame.warn(refusal_.cause(), from_.path, message());
      frame.place(to_) = Value(*fallback_, frame.storage());
    } else {
      refusal_.act(frame, from_, to_, message);
    }
  }

 protected:
  virtual const Value* find(std::string_view text) const = 0;

 private:
  Field from_, to_;
  std::optional<Value> fallback_;
  bool blank_counts_;
  Refusal refusal_;
};

class Map final : public Replace {
 public:
  Map(const MapRule& config, Layout& layout)
      : Replace(config.field, config.to, config.fallback, Refusal(config.otherwise, config.cause),
                config.blank == "otherwise", layout),
        fold_(config.fold) {
    for (const auto& [word, value] : config.values) {
      std::string key = fold_ ? lowered(trimmed(word)) : word;
      for (const Entry& entry : entries_) {
        if (entry.key == key) throw ConfigError("values", "\"" + word + "\" stands there twice");
      }
      entries_.push_back(Entry{std::move(key), detached(value)});
    }
    std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) { return a.key < b.key; });
  }

 private:
  struct Entry {
    std::string key;
    Value value;
  };
  const Value* find(std::string_view text) const override {
    std::string folded;
    if (fold_) text = folded = lowered(trimmed(text));
    auto at = std::lower_bound(entries_.begin(), entries_.end(), text,
                               [](const Entry& entry, std::string_view key) { return entry.key < key; });
    return at != entries_.end() && at->key == text ? &at->value : nullptr;
  }
  bool fold_;
  std::vector<Entry> entries_;
};

class Lookup final : public Replace {
 public:
  Lookup(const LookupRule& config, const Mapping& mapping, Layout& layout)
      : Replace(config.field, config.to, config.fallback, Refusal(config.missing, config.cause), false, layout),
        mapping_(mapping) {}

 private:
  const Value* find(std::string_view text) const override { return mapping_.find(text); }
  const Mapping& mapping_;
};

}  // namespace

RulePtr make_date(const DateRule& config, Layout& layout) { return std::make_unique<Date>(config, layout); }
RulePtr make_number(const NumberRule& config, Layout& layout) { return std::make_unique<Number>(config, layout); }
RulePtr make_boolean(const BooleanRule& config, Layout& layout) { return std::make_unique<Boolean>(config, layout); }
RulePtr make_map(const MapRule& config, Layout& layout) { return std::make_unique<Map>(config, layout); }
RulePtr make_lookup(const LookupRule& config, const Mappings& mappings, Layout& layout) {
  auto mapping = mappings.find(config.in);
  if (mapping == mappings.end()) {
    std::vector<std::string> known;
    for (const auto& [name, unused] : mappings) known.push_back(name);
    throw ConfigError("in", "there is no mapping \"" + config.in + "\"" + config::suggestion(config.in, known));
  }
  return std::make_unique<Lookup>(config, mapping->second, layout);
}

}  // namespace migrate::fields
