// One record while rules run on it: its fields in numbered slots, so that a rule finds one without comparing names.
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "migrate/record.hpp"

namespace migrate::fields {

class Program;

/// A field as a rule names it: "status", "requester.email" (inside an object), "a\.b" (a dot in the name), "$id" and
/// "$type" (of the record itself, read only).
struct Field {
  std::string path;
  std::uint16_t slot = 0;
  std::vector<std::string> inside;  ///< names below the slot's own
  bool same_as(const Field& other) const noexcept { return slot == other.slot && inside == other.inside; }
};

/// The names that the rules of one program use, each with its slot.
class Layout {
 public:
  /// Adds the name when it is new.
  Field field(std::string_view path);
  /// Before the first find().
  void seal();
  /// -1: no rule names it.
  int find(std::string_view name) const noexcept;
  const std::vector<std::string>& names() const noexcept { return names_; }
  /// Slots that stand for the record itself; -1: no rule uses it.
  int id_slot() const noexcept { return id_slot_; }
  int type_slot() const noexcept { return type_slot_; }
  bool of_record(int slot) const noexcept { return slot >= 0 && (slot == id_slot_ || slot == type_slot_); }

  static constexpr std::string_view id_name = "$id", type_name = "$type";

 private:
  static std::size_t hash(std::string_view name) noexcept;
  std::vector<std::string> names_;
  int id_slot_ = -1, type_slot_ = -1;
  std::vector<std::int16_t> table_;  ///< open addressing; size is a power of two
};

class Frame {
 public:
  /// Takes the fields out of `record.data`, which must be an object, until store().
  Frame(const Layout& layout, Record& record);

  Record& record() noexcept { return record_; }
  const boost::json::storage_ptr& storage() const noexcept { return record_.data.storage(); }

  /// Null when the record has no such field.
  Value* find(const Field& field) noexcept;
  /// The field's value, null when it is new. Objects on the way are made where there is nothing; throws Error(invalid,
  /// "not_an_object") where there is something else, which would be lost.
  Value& place(const Field& field);
  /// What becomes of a blank: `to` is null. A field that the record lacks stays out of it where it is both.
  void clear(const Field& from, const Field& to);
  void erase(const Field& field) noexcept;
  /// Fields that no rule names go too.
  void keep_only(const std::vector<bool>& slots) noexcept;

  void warn(std::string_view cause, std::string_view field, std::string message);
  void drop() noexcept { dropped_ = true; }
  bool dropped() const noexcept { return dropped_; }
  void become(const Program* next) noexcept { next_ = next; }
  const Program* next() const noexcept { return next_; }
  void emit(Record derived, const Program* program) { emitted_.push_back(Emitted{std::move(derived), program}); }

  struct Emitted {
    Record record;
    const Program* program;
  };
  std::vector<Emitted>& emitted() noexcept { return emitted_; }

  /// Puts the fields back: those that were there in their order, then the new ones.
  void store();

 private:
  const Layout& layout_;
  Record& record_;
  boost::container::small_vector<Value, 48> values_;
  boost::container::small_vector<std::uint8_t, 48> present_;
  boost::container::small_vector<std::int16_t, 32> order_;  ///< slot of each original field; -1: no rule names it
  bool others_kept_ = true, dropped_ = false;
  const Program* next_ = nullptr;
  std::vector<Emitted> emitted_;
};

/// Text with {field} in it. One placeholder and nothing else gives the field's value as it is.
class Template {
 public:
  /// `{{` and `}}` stand for braces. Throws Error(invalid) when braces do not pair up.
  Template(std::string_view text, Layout& layout);
  /// The text; fields that are blank or absent add nothing.
  std::string text(Frame& frame) const;
  /// In the frame's storage; null when every placeholder is blank.
  Value value(Frame& frame) const;
  /// No field of the data takes part, only constants, $id and $type.
  bool names_only() const noexcept;

 private:
  bool all_blank(Frame& frame) const;
  struct Part {
    std::string text;
    std::optional<Field> field;
  };
  std::vector<Part> parts_;
};

}  // namespace migrate::fields
