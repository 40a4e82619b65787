// Rules about the record as a whole: references, second names, derived records, its type, its end.
#include <memory>

#include "program.hpp"
#include "text.hpp"

namespace migrate::fields {
namespace {

class MakeLink final : public Rule {
 public:
  MakeLink(const LinkRule& config, Layout& layout)
      : from_(layout.field(config.field)),
        column_(writable(config.as.empty() ? config.field : config.as, layout)),
        to_(config.to),
        cause_(config.cause),
        missing_(missing_from(config.missing)),
        blank_fails_(config.blank == "fail") {
    if (!column_.inside.empty()) throw ConfigError("as", "must be a field of the record itself");
    if (blank_fails_ && cause_.empty()) throw ConfigError("cause", "blank: fail needs it");
  }
  void apply(Frame& frame) const override {
    const Value* value = frame.find(from_);
    if (is_blank(value)) {
      if (blank_fails_) throw Error(ErrorKind::invalid, cause_, from_.path + " is blank: it must name one of " + to_);
      frame.place(column_).emplace_null();
      return;
    }
    std::string spare;
    auto text = scalar_text(*value, spare);
    if (!text) throw Error(ErrorKind::invalid, "not_text", from_.path + " is " + quoted(*value) + ", not a key");
    Link link;
    link.relation = column_.path;
    link.target.type = to_;
    link.target.id = std::string(*text);
    link.missing = missing_;
    link.cause = cause_;
    frame.record().links.push_back(std::move(link));
    frame.place(column_).emplace_null();
  }

 private:
  Field from_, column_;
  std::string to_, cause_;
  Missing missing_;
  bool blank_fails_;
};

class MakeKey final : public Rule {
 public:
  MakeKey(const KeyRule& config, Layout& layout)
      : from_(layout.field(config.field)),
        name_(config.name.empty() ? config.field : config.name),
        duplicate_cause_(config.duplicate_cause) {}
  void apply(Frame& frame) const override {
    const Value* value = frame.find(from_);
    if (is_blank(value)) return;
    std::string spare;
    auto text = scalar_text(*value, spare);
    if (!text) throw Error(ErrorKind::invalid, "not_text", from_.path + " is " + quoted(*value) + ", not a key");
    frame.record().keys.push_back(AlternateKey{name_, std::string(*text), duplicate_cause_});
  }

 private:
  Field from_;
  std::string name_, duplicate_cause_;
};

class Drop final : public Rule {
 public:
  void apply(Frame& frame) const override { frame.drop(); }
};

class Fail final : public Rule {
 public:
  Fail(const FailRule& config, Layout& layout)
      : cause_(config.cause), advice_(config.advice), message_(config.message, layout) {}
  void apply(Frame& frame) const override {
    std::string message = message_.text(frame);
    throw Error(ErrorKind::invalid, cause_, message.empty() ? cause_ : message).with_advice(advice_);
  }

 private:
  std::string cause_, advice_;
  Template message_;
};

class Warn final : public Rule {
 public:
  Warn(const WarnRule& config, Layout& layout)
      : cause_(config.cause), field_(config.field), message_(config.message, layout) {}
  void apply(Frame& frame) const override { frame.warn(cause_, field_, message_.text(frame)); }

 private:
  std::string cause_, field_;
  Template message_;
};

class Type final : public Rule {
 public:
  Type(std::string type, const Program& next) : type_(std::move(type)), next_(next) {}
  void apply(Frame& frame) const override {
    frame.record().ref.type = type_;
    frame.become(&next_);
  }

 private:
  std::string type_;
  const Program& next_;
};

Intent intent_from(const std::string& word) {
  return word == "get_or_create" ? Intent::get_or_create : word == "patch" ? Intent::patch : Intent::upsert;
}

}  // namespace

Rule::~Rule() = default;

Missing missing_from(const std::string& word) {
  return word == "fail" ? Missing::fails : word == "drop" ? Missing::dropped : Missing::deferred;
}

std::vector<Field> fields_from(const std::vector<std::string>& paths, Layout& layout) {
  std::vector<Field> fields;
  for (const std::string& path : paths) fields.push_back(layout.field(path));
  return fields;
}

Field writable(const std::string& path, Layout& layout) {
  if (path == Layout::id_name || path == Layout::type_name) {
    throw Error(ErrorKind::invalid, "configuration", path + " cannot be changed; `type` renames a record's type");
  }
  return layout.field(path);
}

Refusal::Refusal(const std::string& word, std::string cause)
    : kind_(word == "fail"    ? Kind::fail
            : word == "warn"  ? Kind::warn
            : word == "clear" ? Kind::clear
                              : Kind::keep),
      cause_(std::move(cause)) {}

void Refusal::fail(Frame&, const Field&, const std::string& message) const {
  throw Error(ErrorKind::invalid, cause_, message).with_advice("correct the value in the source, or change the rule");
}

void Refusal::keep(Frame& frame, const Field& from, const Field& to) {
  if (from.path == to.path) return;
  const Value* value = frame.find(from);
  Value copy(frame.storage());
  if (value != nullptr) copy = *value;
  frame.place(to) = std::move(copy);
}

EmitsRecord::EmitsRecord(const EmitRule& config, const Program& next, Layout& layout)
    : type_(config.type), id_(config.id, layout), intent_(intent_from(config.intent)), next_(next) {
  for (const auto& [name, value] : config.data) {
    DataMaker maker{name, Value(), std::nullopt};
    const boost::json::string* text = value.if_string();
    if (text != nullptr && text->find_first_of("{}") != std::string_view::npos) {
      maker.text.emplace(std::string_view(*text), layout);
    } else {
      maker.constant = detached(value);
    }
    data_.push_back(std::move(maker));
  }
  for (const EmitLink& link : config.links) {
    links_.push_back(LinkMaker{link.as, link.to, link.cause, Template(link.id, layout), missing_from(link.missing)});
  }
  for (const EmitKey& key : config.keys) {
    keys_.push_back(KeyMaker{key.name, key.duplicate_cause, Template(key.value, layout)});
  }
}

void EmitsRecord::add_link(Frame& frame, Record& record, const LinkMaker& maker) const {
  std::string id = maker.id.text(frame);
  record.data.get_object().emplace(maker.as, nullptr);
  if (trimmed(id).empty()) return;
  Link link;
  link.relation = maker.as;
  link.target = RecordRef{maker.to, std::move(id)};
  link.missing = maker.missing;
  link.cause = maker.cause;
  record.links.push_back(std::move(link));
}

void EmitsRecord::apply(Frame& frame) const {
  Record record;
  record.ref = RecordRef{type_, id_.text(frame)};
  if (record.ref.id.empty()) {
    throw Error(ErrorKind::invalid, "blank_id", "the record of type " + type_ + " that is derived here has no id")
        .with_advice("give the rule `emit` a `when` that leaves such records out");
  }
  Object data(frame.storage());
  data.reserve(data_.size() + links_.size());
  for (const DataMaker& maker : data_) {
    data.emplace(maker.name, maker.text ? maker.text->value(frame) : Value(maker.constant, frame.storage()));
  }
  // Not assigned: an assignment would copy the fields out of the batch's arena.
  std::destroy_at(&record.data);
  std::construct_at(&record.data, std::move(data));
  record.links.reserve(links_.size());
  for (const LinkMaker& link : links_) add_link(frame, record, link);
  for (const KeyMaker& key : keys_) {
    std::string value = key.value.text(frame);
    if (!trimmed(value).empty()) record.keys.push_back(AlternateKey{key.name, std::move(value), key.duplicate_cause});
  }
  record.version = frame.record().version;
  record.intent = intent_;
  frame.emit(std::move(record), &next_);
}

void EmitsRecord::apply_deleted(Frame& frame) const {
  if (intent_ != Intent::upsert || !id_.names_only()) return;
  Record record;
  record.ref = RecordRef{type_, id_.text(frame)};
  record.deleted = true;
  record.data = Object();
  for (const LinkMaker& link : links_) {
    if (link.id.names_only()) add_link(frame, record, link);
  }
  frame.emit(std::move(record), &next_);
}

RulePtr make_link(const LinkRule& config, Layout& layout) { return std::make_unique<MakeLink>(config, layout); }
RulePtr make_key(const KeyRule& config, Layout& layout) { return std::make_unique<MakeKey>(config, layout); }
RulePtr make_drop() { return std::make_unique<Drop>(); }
RulePtr make_fail(const FailRule& config, Layout& layout) { return std::make_unique<Fail>(config, layout); }
RulePtr make_warn(const WarnRule& config, Layout& layout) { return std::make_unique<Warn>(config, layout); }
RulePtr make_type(const std::string& type, const Program& next) { return std::make_unique<Type>(type, next); }

}  // namespace migrate::fields
