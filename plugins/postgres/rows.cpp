#include "rows.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <boost/json/serialize.hpp>

#include <algorithm>

namespace migrate::postgres {

std::string excerpt(const Value& value) {
  std::string text = boost::json::serialize(value);
  if (text.size() > 60) {
    std::size_t end = 57;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    text = text.substr(0, end) + "…";
  }
  return text;
}

std::string name_of(const Operation& operation) {
  return fmt::format("{} {}", operation.record().ref.type, operation.record().ref.id);
}

RowWriter::RowWriter(const Target& target, std::vector<int> columns, bool raw_bytes)
    : target_(target), columns_(std::move(columns)), raw_bytes_(raw_bytes), cells_(target.table.columns.size()) {}

std::string RowWriter::column_list() const {
  std::vector<std::string> names;
  for (const int column : columns_) names.push_back(target_.column(column).quoted);
  return fmt::format("{}", fmt::join(names, ", "));
}

std::optional<Error> RowWriter::locate(const Operation& operation) {
  std::fill(cells_.begin(), cells_.end(), nullptr);
  const Object* data = operation.record().data.if_object();
  if (!data) {
    return Error(ErrorKind::invalid, "bad_value", fmt::format("{} has no fields", name_of(operation)));
  }
  std::size_t place = 0;
  for (const auto& field : *data) {
    const std::string_view name(field.key().data(), field.key().size());
    if (place >= hints_.size()) hints_.push_back({std::string(name), target_.table.find(name)});
    Hint& hint = hints_[place++];
    if (hint.name != name) hint = {std::string(name), target_.table.find(name)};
    if (hint.column < 0) {
      return Error(ErrorKind::invalid, "unknown_column",
                   fmt::format("{}: table {} has no column \"{}\".{}", name_of(operation), target_.table.qualified,
                               name, did_you_mean(name, target_.table.column_names())))
          .with_advice("Add the column, or rename or remove the field by a transformer.");
    }
    cells_[static_cast<std::size_t>(hint.column)] = &field.value();
  }
  return std::nullopt;
}

std::optional<Error> RowWriter::add(const Operation& operation, CopyBuffer& out) {
  const std::size_t before = out.size();
  bool first = true;
  for (const int column : columns_) {
    if (!first) out.tab();
    first = false;
    if (auto error = add_cell(operation, column, out)) {
      out.shrink(before);
      return error;
    }
  }
  out.end_row();
  return std::nullopt;
}

std::optional<Error> RowWriter::add_cell(const Operation& operation, int column, CopyBuffer& out) {
  const CatalogColumn& about = target_.column(column);
  if (column == target_.id) {
    out.value(operation.target_id(), about.kind, raw_bytes_);
    return std::nullopt;
  }
  const Value* value = cell(column);
  if (!value || value->is_null()) {
    const bool is_key = std::find(target_.key.begin(), target_.key.end(), column) != target_.key.end();
    if (is_key && !target_.key_is_link) return add_key(operation, column, out);
    if (about.not_null) {
      return Error(ErrorKind::invalid, "missing_value",
                   fmt::format("{}: {}.{} may not be NULL", name_of(operation), target_.table.qualified, about.name));
    }
    out.null();
    return std::nullopt;
  }
  const Refusal refusal = out.value(*value, about.kind, raw_bytes_);
  if (refusal != Refusal::none) return refuse(operation, column, refusal);
  return std::nullopt;
}

std::optional<Error> RowWriter::add_key(const Operation& operation, int column, CopyBuffer& out) {
  const std::string& id = operation.record().ref.id;
  if (target_.key.size() == 1) {
    if (!out.text(id)) return refuse(operation, column, Refusal::nul_character);
    return std::nullopt;
  }
  const std::vector<std::string> parts = split_key(id);
  const auto place =
      static_cast<std::size_t>(std::find(target_.key.begin(), target_.key.end(), column) - target_.key.begin());
  if (parts.size() != target_.key.size() || !out.text(parts[place])) {
    return refuse(operation, column, Refusal::bad_value);
  }
  return std::nullopt;
}

Error RowWriter::refuse(const Operation& operation, int column, Refusal why) const {
  const CatalogColumn& about = target_.column(column);
  const Value* value = cell(column);
  const std::string shown = value ? excerpt(*value) : operation.record().ref.id;
  if (why == Refusal::nul_character) {
    return Error(ErrorKind::invalid, "nul_character",
                 fmt::format("{}: {}.{} would hold the character U+0000: {}", name_of(operation),
                             target_.table.qualified, about.name, shown))
        .with_advice("PostgreSQL cannot store it: remove it by a transformer.");
  }
  return Error(ErrorKind::invalid, "bad_value",
               fmt::format("{}: {}.{} is {} and cannot take {}", name_of(operation), target_.table.qualified,
                           about.name, about.type, shown));
}

}  // namespace migrate::postgres
