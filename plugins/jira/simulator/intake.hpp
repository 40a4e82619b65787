// Values that a request sends, taken into an issue's values or refused field by field.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "call.hpp"
#include "store.hpp"

namespace migrate::jira::sim {

/// Made for one create or edit. Changes nothing but the Values that it is given; faults are collected, and the caller
/// checks them before it changes anything.
class Intake {
 public:
  /// `issue` is null while it is being created.
  Intake(const Call& call, const Site& site, Store& store, Index project, const Issue* issue)
      : call_(call), site_(site), store_(store), project_(project), issue_(issue) {}

  Faults faults;
  std::vector<std::string> mentions;  ///< accounts that the texts mention
  std::vector<Comment> comments;      ///< from "update": to be added
  std::vector<Link> links;            ///< the same; `none` stands for the issue itself

  void fields(const Object& sent, Values& values);
  void update(const Object& sent, Values& values);
  /// A required field that is empty; while editing only those that `sent` names.
  void required(const Values& values, const Object* sent);
  /// Whether the parent fits type and project.
  void parent_fits(const Values& values);

  /// A rich text as it is kept, in the format of the call's version. Faults under `field`; a bad document refuses at
  /// once.
  std::string rich(std::string_view field, const Value& value);
  std::optional<Comment> comment(const Value& sent);
  std::optional<Worklog> worklog(const Value& sent);
  std::optional<Link> link(const Value& sent);
  std::vector<Property> properties(const Value& list);
  void visibility(const Object& sent, std::string& type, std::string& value);

 private:
  void field(Index index, const Value& value, Values& values);
  void custom(Index index, const Value& value, Values& values);
  std::optional<std::string> custom_form(const Field& field, const Value& value);
  void text(const Field& field, const Value& value, std::string& out);
  void user(const Field& field, const Value& value, Index& out);
  void labels(const Field& field, const Value& value, std::vector<std::string>& out);
  void parent(const Field& field, const Value& value, Index& out);
  std::optional<Index> listed(const Field& field, const Value& value);
  std::optional<Index> option(const Field& field, const Value& value);
  void list(const Field& field, const Value& value, std::vector<Index>& out);
  void issue_type(const Field& field, const Value& value, Index& out);
  void priority(const Field& field, const Value& value, Index& out);
  void estimates(const Field& field, const Value& value, Values& values);
  void change(Index index, std::string_view verb, const Value& value, Values& values);
  void change_list(Index index, bool adds, const Value& value, Values& values);
  void change_labels(const Field& field, bool adds, const Value& value, std::vector<std::string>& list);
  void change_custom_list(Index index, bool adds, const Value& value, Values& values);
  std::string from_wiki_text(std::string_view wiki) const;

  const Call& call_;
  const Site& site_;
  Store& store_;
  Index project_;
  const Issue* issue_;
};

/// "key", "id", "name" … of an object that names something; empty when it is none.
std::string_view naming(const Value& value, std::string_view by);
bool is_set(const Site& site, Index field, const Values& values);
void set_custom(Values& values, Index field, std::optional<std::string> json);
const std::string* custom_of(const Values& values, Index field);
/// Seconds of "1w 2d 3h 4m" (weeks of five days of eight hours); nothing for another form.
std::optional<std::int64_t> duration(std::string_view text);

}  // namespace migrate::jira::sim
