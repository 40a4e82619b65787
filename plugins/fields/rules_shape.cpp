// Rules that move, set and remove fields.
#include <algorithm>

#include "rules.hpp"
#include "text.hpp"

namespace migrate::fields {
namespace {

using Moves = std::vector<std::pair<Field, Field>>;

Moves moves_from(const std::map<std::string, std::string>& names, Layout& layout) {
  Moves moves;
  for (const auto& [from, to] : names) moves.emplace_back(layout.field(from), writable(to, layout));
  return moves;
}

/// All at once: `{a: b, b: a}` swaps.
class Rename final : public Rule {
 public:
  explicit Rename(Moves moves) : moves_(std::move(moves)) {}
  void apply(Frame& frame) const override {
    boost::container::small_vector<Value, 8> values;
    boost::container::small_vector<const Field*, 8> targets;
    for (const auto& [from, to] : moves_) {
      Value* value = frame.find(from);
      if (value == nullptr) continue;
      values.push_back(std::move(*value));
      targets.push_back(&to);
      frame.erase(from);
    }
    for (std::size_t i = 0; i < values.size(); ++i) frame.place(*targets[i]) = std::move(values[i]);
  }

 private:
  Moves moves_;
};

class Copy final : public Rule {
 public:
  explicit Copy(Moves moves) : moves_(std::move(moves)) {}
  void apply(Frame& frame) const override {
    for (const auto& [from, to] : moves_) {
      const Value* value = frame.find(from);
      Value copy(frame.storage());
      if (value != nullptr) copy = *value;
      frame.place(to) = std::move(copy);
    }
  }

 private:
  Moves moves_;
};

class Set final : public Rule {
 public:
  Set(const std::map<std::string, Value>& values, Layout& layout) {
    for (const auto& [name, value] : values) values_.emplace_back(writable(name, layout), detached(value));
  }
  void apply(Frame& frame) const override {
    for (const auto& [field, value] : values_) frame.place(field) = Value(value, frame.storage());
  }

 private:
  std::vector<std::pair<Field, Value>> values_;
};

class Remove final : public Rule {
 public:
  explicit Remove(std::vector<Field> fields) : fields_(std::move(fields)) {}
  void apply(Frame& frame) const override {
    for (const Field& field : fields_) frame.erase(field);
  }

 private:
  std::vector<Field> fields_;
};

class Keep final : public Rule {
 public:
  explicit Keep(const std::vector<Field>& fields) {
    for (const Field& field : fields) {
      if (!field.inside.empty()) {
        throw Error(ErrorKind::invalid, "configuration", "keep takes whole fields, not \"" + field.path + "\"");
      }
      if (slots_.size() <= field.slot) slots_.resize(field.slot + 1U, false);
      slots_[field.slot] = true;
    }
  }
  void apply(Frame& frame) const override { frame.keep_only(slots_); }

 private:
  std::vector<bool> slots_;
};

class Templates final : public Rule {
 public:
  Templates(const std::map<std::string, std::string>& texts, Layout& layout) {
    for (const auto& [to, text] : texts) texts_.emplace_back(writable(to, layout), Template(text, layout));
  }
  void apply(Frame& frame) const override {
    for (const auto& [to, text] : texts_) {
      Value value = text.value(frame);
      frame.place(to) = std::move(value);
    }
  }

 private:
  std::vector<std::pair<Field, Template>> texts_;
};

class Split final : public Rule {
 public:
  Split(const SplitRule& config, Layout& layout)
      : from_(layout.field(config.field)),
        by_(config.by),
        repeats_(config.missing == "repeat"),
        fails_(config.missing == "fail"),
        cause_(config.cause) {
    for (const std::string& name : config.into) into_.push_back(writable(name, layout));
  }
  void apply(Frame& frame) const override {
    const Value* value = frame.find(from_);
    std::string spare;
    auto whole = value != nullptr ? scalar_text(*value, spare) : std::nullopt;
    if (value != nullptr && !whole) {
      throw Error(ErrorKind::invalid, "not_text", from_.path + " is " + quoted(*value) + ", not text");
    }
    // Copied: the field may be one of those that are written.
    std::string text(whole.value_or(std::string_view()));
    bool blank = trimmed(text).empty();
    std::string_view rest = text, last;
    bool more = !blank;
    for (std::size_t i = 0; i < into_.size(); ++i) {
      if (more) {
        last = i + 1 < into_.size() ? part(rest, more) : rest;
        frame.place(into_[i]) = Value(last, frame.storage());
      } else if (fails_ && !blank) {
        throw Error(ErrorKind::invalid, cause_,
                    from_.path + " " + quoted(std::string_view(text)) + " has fewer than " +
                        std::to_string(into_.size()) + " parts");
      } else if (repeats_ && !blank) {
        frame.place(into_[i]) = Value(last, frame.storage());
      } else {
        frame.clear(from_, into_[i]);
      }
    }
  }

 private:
  /// What comes before the next separator; `rest` is what follows it, `more` whether there was one.
  std::string_view part(std::string_view& rest, bool& more) const noexcept {
    std::size_t begin, end;
    if (by_.empty()) {
      begin = 0;
      while (begin < rest.size() && !is_space(rest[begin])) ++begin;
      end = begin;
      while (end < rest.size() && is_space(rest[end])) ++end;
      more = end < rest.size();
    } else {
      begin = std::min(rest.find(by_), rest.size());
      end = std::min(begin + by_.size(), rest.size());
      more = begin < rest.size();
    }
    std::string_view head = rest.substr(0, begin);
    rest.remove_prefix(end);
    return head;
  }

  Field from_;
  std::string by_;
  std::vector<Field> into_;
  bool repeats_, fails_;
  std::string cause_;
};

}  // namespace

RulePtr make_rename(const std::map<std::string, std::string>& names, Layout& layout) {
  for (const auto& [from, to] : names) writable(from, layout);
  return std::make_unique<Rename>(moves_from(names, layout));
}
RulePtr make_copy(const std::map<std::string, std::string>& names, Layout& layout) {
  return std::make_unique<Copy>(moves_from(names, layout));
}
RulePtr make_set(const std::map<std::string, Value>& values, Layout& layout) {
  return std::make_unique<Set>(values, layout);
}
RulePtr make_remove(const std::vector<std::string>& fields, Layout& layout) {
  std::vector<Field> list;
  for (const std::string& path : fields) list.push_back(writable(path, layout));
  return std::make_unique<Remove>(std::move(list));
}
RulePtr make_keep(const std::vector<std::string>& fields, Layout& layout) {
  return std::make_unique<Keep>(fields_from(fields, layout));
}
RulePtr make_template(const std::map<std::string, std::string>& texts, Layout& layout) {
  return std::make_unique<Templates>(texts, layout);
}
RulePtr make_split(const SplitRule& config, Layout& layout) { return std::make_unique<Split>(config, layout); }

}  // namespace migrate::fields
