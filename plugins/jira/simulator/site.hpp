// The configuration of the stand-in's site: who and what there is besides issues, and how it is answered.
#pragma once

#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model.hpp"
#include "settings.hpp"

namespace migrate::jira::sim {

/// Made once from settings and seed; only components and versions are added to later.
class Site {
 public:
  Site(Settings chosen, std::uint64_t seed);

  Settings settings;
  std::string origin = "http://jira.invalid", media_origin = "http://media.invalid";
  std::mt19937_64 random;  ///< ids and media names that the service chooses

  std::vector<User> users;  ///< the first is the account itself
  std::vector<IssueType> types;
  std::vector<Status> statuses;
  std::vector<Transition> transitions;
  std::vector<Named> priorities, resolutions, roles, groups;
  std::vector<LinkType> link_types;
  std::vector<Field> fields;
  std::vector<Project> projects;
  std::vector<Component> components, versions;

  bool server() const noexcept { return settings.server(); }
  bool may(std::string_view permission) const;
  bool is_member(Index user, std::string_view of) const;  ///< of a role or group: all who sign in, but for the account
  std::uint64_t next_id();
  /// Of a file at the media service, in the form of a UUID; unrelated to the attachment's id.
  std::string media_id();

  Index field(std::string_view id) const;           ///< by id; none
  Index field_called(std::string_view name) const;  ///< by id, name or cf[number], without regard to case
  Index project(std::string_view key_or_id) const;  ///< by a former key too
  /// By accountId, on Data Center by login.
  Index user(std::string_view account) const;
  /// Whether the project's screens have the field for this type of issue.
  bool on_screen(const Field& field, const IssueType& type, bool creating) const;

  // What answers hold. `api` is 2 or 3 and shows in addresses.
  std::string self(int api, std::string_view path) const;
  std::string time(Millis at) const;     ///< 2021-01-17T12:34:00.000+0000 in the site's zone
  static std::string minute(Millis at);  ///< 2021-01-17T12:34Z
  Value user_json(int api, Index user) const;
  Value status_json(int api, Index status) const;
  Value type_json(int api, Index type) const;
  Value priority_json(int api, Index priority) const;
  Value resolution_json(int api, Index resolution) const;
  Value project_json(int api, Index project, bool whole) const;
  Value link_type_json(int api, Index type) const;
  Value component_json(int api, Index component) const;
  Value version_json(int api, Index version) const;
  Value field_json(Index field) const;
  Value schema_json(const Field& field) const;
  /// One entry of createmeta or, without its id, of editmeta.
  Value field_meta(int api, const Field& field, const Project& project, const IssueType& type, bool creating) const;
  Value transition_json(int api, const Transition& transition, bool with_fields) const;

 private:
  void add_people();
  void add_workflow();
  void add_types();
  void add_system_fields();
  void add_custom_fields();
  void add_projects();
  Value allowed_values(int api, const Field& field, const Project& project) const;

  std::uint64_t last_id_, shift_;
  std::unordered_map<std::string, Index> by_account_;
  std::unordered_map<std::string, Index> field_ids_;
};

/// The position of the entry with that id, or that name (case ignored); none.
template <class List>
Index find_id(const List& list, std::string_view id);
template <class List>
Index find_name(const List& list, std::string_view name);

bool same_text(std::string_view a, std::string_view b) noexcept;  ///< without regard to the case of ASCII letters
std::string lower(std::string_view text);
bool one_of(std::string_view text, const std::vector<std::string>& list);

/// Runs of letters and digits, in lower case; with `stars` a "*" may end one.
std::vector<std::string> words_of(std::string_view text, bool stars);
bool of_word(char lower_case) noexcept;
std::string line_of(const std::string& json);  ///< the text that a JSON string stands for

/// Time texts: yyyy-MM-dd, and Jira's yyyy-MM-dd'T'HH:mm:ss.SSSZ with an offset without colon. Nothing for another
/// form.
std::optional<Millis> parse_date(std::string_view text);
std::optional<Millis> parse_time(std::string_view text);

template <class List>
Index find_id(const List& list, std::string_view id) {
  for (Index i = 0; i < list.size(); ++i) {
    if (list[i].id == id) return i;
  }
  return none;
}

template <class List>
Index find_name(const List& list, std::string_view name) {
  for (Index i = 0; i < list.size(); ++i) {
    if (same_text(list[i].name, name)) return i;
  }
  return none;
}

}  // namespace migrate::jira::sim
