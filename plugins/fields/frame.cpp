#include "frame.hpp"

#include <algorithm>
#include <cstring>

#include "text.hpp"

namespace migrate::fields {
namespace {

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> parts(1);
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '\\' && i + 1 < path.size() && (path[i + 1] == '.' || path[i + 1] == '\\')) {
      parts.back() += path[++i];
    } else if (path[i] == '.') {
      parts.emplace_back();
    } else {
      parts.back() += path[i];
    }
  }
  return parts;
}

}  // namespace

Field Layout::field(std::string_view path) {
  Field field;
  field.path = std::string(path);
  std::vector<std::string> parts = split_path(path);
  auto known = std::find(names_.begin(), names_.end(), parts.front());
  field.slot = static_cast<std::uint16_t>(known - names_.begin());
  if (known == names_.end()) names_.push_back(parts.front());
  field.inside.assign(std::make_move_iterator(parts.begin() + 1), std::make_move_iterator(parts.end()));
  return field;
}

std::size_t Layout::hash(std::string_view name) noexcept {
  // Length, first and last bytes tell nearly all column names of a table apart; find() compares the whole name anyway.
  std::uint32_t head = 0, tail = 0;
  std::size_t count = std::min<std::size_t>(name.size(), 4);
  std::memcpy(&head, name.data(), count);
  std::memcpy(&tail, name.data() + name.size() - count, count);
  std::uint64_t mixed = (static_cast<std::uint64_t>(head) << 32 | tail) + name.size() * 0x9E3779B97F4A7C15ULL;
  return static_cast<std::size_t>((mixed * 0xD6E8FEB86659FD93ULL) >> 40);
}

void Layout::seal() {
  std::size_t size = 16;
  while (size < names_.size() * 4) size *= 2;
  table_.assign(size, -1);
  for (std::size_t i = 0; i < names_.size(); ++i) {
    std::size_t at = hash(names_[i]) & (size - 1);
    while (table_[at] >= 0) at = (at + 1) & (size - 1);
    table_[at] = static_cast<std::int16_t>(i);
  }
  id_slot_ = find(id_name);
  type_slot_ = find(type_name);
}

int Layout::find(std::string_view name) const noexcept {
  std::size_t mask = table_.size() - 1;
  for (std::size_t at = hash(name) & mask; table_[at] >= 0; at = (at + 1) & mask) {
    if (names_[static_cast<std::size_t>(table_[at])] == name) return table_[at];
  }
  return -1;
}

Frame::Frame(const Layout& layout, Record& record) : layout_(layout), record_(record) {
  const std::vector<std::string>& names = layout.names();
  values_.reserve(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) values_.emplace_back(storage());
  present_.resize(names.size(), 0);
  Object& object = record.data.get_object();
  order_.reserve(object.size());
  for (auto& entry : object) {
    int slot = layout.find(entry.key());
    if (layout.of_record(slot)) slot = -1;  // data that happens to have a field of that name
    order_.push_back(static_cast<std::int16_t>(slot));
    if (slot < 0) continue;
    values_[static_cast<std::size_t>(slot)] = std::move(entry.value());
    present_[static_cast<std::size_t>(slot)] = 1;
  }
  auto own = [&](int slot, const std::string& text) {
    if (slot < 0) return;
    values_[static_cast<std::size_t>(slot)] = Value(text, storage());
    present_[static_cast<std::size_t>(slot)] = 1;
  };
  own(layout.id_slot(), record.ref.id);
  own(layout.type_slot(), record.ref.type);
}

Value* Frame::find(const Field& field) noexcept {
  if (!present_[field.slot]) return nullptr;
  Value* value = &values_[field.slot];
  for (const std::string& name : field.inside) {
    Object* object = value->if_object();
    value = object != nullptr ? object->if_contains(name) : nullptr;
    if (value == nullptr) return nullptr;
  }
  return value;
}

Value& Frame::place(const Field& field) {
  Value* value = &values_[field.slot];
  if (!present_[field.slot]) value->emplace_null();  // what a rule has removed is gone
  present_[field.slot] = 1;
  for (const std::string& name : field.inside) {
    if (value->is_null()) value->emplace_object();
    Object* object = value->if_object();
    if (object == nullptr) {
      throw Error(ErrorKind::invalid, "not_an_object",
                  field.path + " has no place inside " + quoted(*value) + ", which is no object and would be lost")
          .with_advice("name another field, or rename the one that is in the way before this rule");
    }
    value = &(*object)[name];
  }
  return *value;
}

void Frame::clear(const Field& from, const Field& to) {
  if (from.same_as(to) && find(from) == nullptr) return;
  place(to).emplace_null();
}

void Frame::erase(const Field& field) noexcept {
  if (!present_[field.slot]) return;
  if (field.inside.empty()) {
    present_[field.slot] = 0;
    values_[field.slot] = nullptr;
    return;
  }
  Value* value = &values_[field.slot];
  for (std::size_t i = 0; i + 1 < field.inside.size(); ++i) {
    Object* object = value->if_object();
    value = object != nullptr ? object->if_contains(field.inside[i]) : nullptr;
    if (value == nullptr) return;
  }
  if (Object* object = value->if_object()) object->erase(field.inside.back());
}

void Frame::keep_only(const std::vector<bool>& slots) noexcept {
  others_kept_ = false;
  for (std::size_t i = 0; i < present_.size(); ++i) {
    if (!(i < slots.size() && slots[i]) && !layout_.of_record(static_cast<int>(i))) present_[i] = 0;
  }
}

void Frame::warn(std::string_view cause, std::string_view field, std::string message) {
  record_.warnings.push_back(Warning{std::string(cause), std::string(field), std::move(message)});
}

void Frame::store() {
  const std::vector<std::string>& names = layout_.names();
  Object& before = record_.data.get_object();
  Object after(storage());
  // Exactly: beyond 18 fields an object of Boost.JSON has a hash table, which costs more than it saves here.
  std::size_t count = 0;
  for (std::int16_t slot : order_) count += slot < 0 && others_kept_;
  for (std::size_t i = 0; i < names.size(); ++i) count += present_[i] && !layout_.of_record(static_cast<int>(i));
  after.reserve(count);
  std::size_t at = 0;
  for (auto& entry : before) {
    std::int16_t slot = order_[at++];
    if (slot < 0) {
      if (others_kept_) after.emplace(entry.key(), std::move(entry.value()));
    } else if (auto i = static_cast<std::size_t>(slot); present_[i]) {
      after.emplace(entry.key(), std::move(values_[i]));
      present_[i] = 0;
    }
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (present_[i] && !layout_.of_record(static_cast<int>(i))) {
      after.emplace(names[i], std::move(values_[i]));
    }
  }
  before = std::move(after);
}

Template::Template(std::string_view text, Layout& layout) {
  auto wrong = [&](std::string_view what) {
    return Error(ErrorKind::invalid, "configuration", "\"" + std::string(text) + "\": " + std::string(what));
  };
  parts_.emplace_back();
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    bool doubled = i + 1 < text.size() && text[i + 1] == c;
    if ((c == '{' || c == '}') && doubled) {
      parts_.back().text += c;
      ++i;
    } else if (c == '{') {
      std::size_t end = text.find('}', i);
      if (end == std::string_view::npos || end == i + 1) throw wrong("{ needs a field's name and }; {{ is a brace");
      parts_.back().field = layout.field(text.substr(i + 1, end - i - 1));
      parts_.emplace_back();
      i = end;
    } else if (c == '}') {
      throw wrong("} without {; }} is a brace");
    } else {
      parts_.back().text += c;
    }
  }
}

std::string Template::text(Frame& frame) const {
  std::string out, spare;
  for (const Part& part : parts_) {
    out += part.text;
    const Value* value = part.field ? frame.find(*part.field) : nullptr;
    if (value == nullptr) continue;
    auto text = scalar_text(*value, spare);
    if (!text) {
      throw Error(ErrorKind::invalid, "not_text", part.field->path + " is " + quoted(*value) + ", not text")
          .with_advice("name a field inside it, or leave it out of the template");
    }
    out += *text;
  }
  return out;
}

bool Template::all_blank(Frame& frame) const {
  bool any = false;
  for (const Part& part : parts_) {
    if (!part.field) continue;
    any = true;
    if (!is_blank(frame.find(*part.field))) return false;
  }
  return any;
}

Value Template::value(Frame& frame) const {
  if (parts_.size() == 2 && parts_[0].text.empty() && parts_[1].text.empty()) {
    const Value* value = frame.find(*parts_[0].field);
    return value != nullptr ? Value(*value, frame.storage()) : Value(nullptr, frame.storage());
  }
  if (all_blank(frame)) return Value(nullptr, frame.storage());
  return Value(text(frame), frame.storage());
}

bool Template::names_only() const noexcept {
  return std::all_of(parts_.begin(), parts_.end(), [](const Part& part) {
    return !part.field || part.field->path == Layout::id_name || part.field->path == Layout::type_name;
  });
}

}  // namespace migrate::fields
