// How issues and what belongs to them are answered.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "call.hpp"
#include "store.hpp"

namespace migrate::jira::sim {

/// Which parts of an issue an answer holds.
struct Selection {
  bool id_only = false;
  std::vector<bool> fields;  ///< by position in Site::fields
  std::vector<std::string> properties;
};

class Answers {
 public:
  Answers(const Site& site, Store& store) : site_(site), store_(store) {}

  /// From names as in `fields`: ids, "*all", "*navigable", "-name". `otherwise` stands for an empty list.
  Selection select(const std::vector<std::string>& names, std::string_view otherwise) const;
  Value issue(const Call& call, const Issue& issue, const Values& values, const Selection& selection) const;
  Value rich(const Call& call, const Issue& issue, const std::string& stored) const;
  Value stub(const Call& call, const Issue& issue) const;  ///< of an issue at the other end of a link
  Value attachment(const Call& call, const Attachment& file) const;
  Value comment(const Call& call, const Issue& issue, const Comment& comment, bool with_properties) const;
  Value change(const Call& call, const Change& change) const;  ///< history.cpp
  Value worklog(const Call& call, const Issue& issue, const Worklog& worklog, bool with_properties) const;
  /// Whole, or with the other end only, as an issue's field "issuelinks" has it.
  Value link(const Call& call, const Link& link, const Issue* seen_from) const;
  Value property_keys(const Call& call, std::string_view of, const std::vector<Property>& properties) const;
  /// names, schema, transitions, editmeta: as `expand` asks.
  void expand(const Call& call, const Issue& issue, Object& answer) const;
  Value edit_meta(const Call& call, const Issue& issue) const;
  /// A custom field's value as a person would write it down: names of options and people, no addresses.
  Value plain(const Field& field, const std::string& stored) const;
  std::vector<const Transition*> transitions(const Issue& issue) const;  ///< from the present status

 private:
  Value field(const Call& call, const Issue& issue, const Values& values, Index index) const;
  Value read_only(const Call& call, const Issue& issue, const Values& values, std::string_view id) const;
  Value custom(const Call& call, const Issue& issue, const Field& field, const std::string& stored) const;
  Value option(const Call& call, const Field& field, Index index) const;
  void name_user(const Call& call, Object& out, std::string_view role, Index user) const;

  const Site& site_;
  Store& store_;
};

/// As Jira writes a duration: "1w 2d 3h 4m".
std::string duration_text(std::int64_t seconds);
/// Of a comment on a service desk: false when its property says so.
bool is_public(const Comment& comment);

}  // namespace migrate::jira::sim
