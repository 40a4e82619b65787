// Names for what the service named, that follow from the contents alone.
#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "../simulator.hpp"
#include "migrate/digest.hpp"

namespace migrate::jira {
namespace {

using Renamed = std::map<std::string, std::string, std::less<>>;

bool of_key(char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; }
bool of_name(char c) { return (c >= 'a' && c <= 'f') || (c >= '0' && c <= '9') || c == '-'; }

/// The text with every word of `renamed` in it replaced. Words are keys of issues or ids and names of files.
std::string replaced(std::string_view text, const Renamed& renamed) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const bool begins = i == 0 || !(std::isalnum(static_cast<unsigned char>(text[i - 1])) || text[i - 1] == '-');
    std::size_t end = i;
    if (begins && text[i] >= 'A' && text[i] <= 'Z') {
      while (end < text.size() && of_key(text[end])) ++end;
    } else if (begins && of_name(text[i])) {
      while (end < text.size() && of_name(text[end])) ++end;
    }
    // A bare number is the id of a file only where an address says so: any text may hold the same number.
    const std::string_view word = text.substr(i, end - i);
    const bool number = word.find_first_not_of("0123456789") == std::string_view::npos;
    const std::string_view before = text.substr(0, i);
    const bool named = word.size() == text.size() || before.ends_with("/attachment/content/") ||
                       before.ends_with("/secure/attachment/");
    const auto found = end > i && (!number || named) ? renamed.find(word) : renamed.end();
    if (found == renamed.end()) {
      end = std::max(end, i + 1);
      out += text.substr(i, end - i);
    } else {
      out += found->second;
    }
    i = end;
  }
  return out;
}

void rename(Value& value, const Renamed& renamed) {
  if (value.is_string()) {
    std::string text = replaced(value.get_string(), renamed);
    if (text != value.get_string()) value = std::move(text);
  } else if (value.is_array()) {
    for (Value& each : value.get_array()) rename(each, renamed);
  } else if (value.is_object()) {
    for (auto& [name, each] : value.get_object()) rename(each, renamed);
  }
}

void mask_time(Object& object, std::string_view name) {
  Value* value = object.if_contains(name);
  if (value && !value->is_null()) *value = "set";
}

/// Objects of a list whose order means nothing, by their text.
void sort_list(Value& list) {
  std::vector<std::pair<std::string, Value>> all;
  for (Value& each : list.get_array()) all.emplace_back(boost::json::serialize(each), std::move(each));
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  Array sorted;
  for (auto& [text, each] : all) sorted.push_back(std::move(each));
  list = std::move(sorted);
}

/// Takes out of one issue what the service chose, but for the keys of issues. Files are named by what they are.
void mask_issue(Object& issue) {
  Renamed renamed;
  renamed.emplace(issue.at("id").get_string(), "#");
  std::map<std::string, int> copies;
  for (Value& each : issue.at("attachments").get_array()) {
    Object& file = each.get_object();
    const std::string what = fmt::format("file:{}:{}", std::string_view(file.at("name").get_string()),
                                         std::string_view(file.at("sha256").get_string()).substr(0, 12));
    const std::string name = fmt::format("{}#{}", what, ++copies[what]);
    renamed.emplace(file.at("media").get_string(), name);
    renamed.emplace(file.at("id").get_string(), name);
    file["id"] = file["media"] = name;
    mask_time(file, "created");
  }
  for (const std::string_view list : {"comments", "worklogs", "links", "remoteLinks"}) {
    int number = 0;
    for (Value& each : issue.at(list).get_array()) {
      Object& one = each.get_object();
      const bool ordered = list == "comments" || list == "worklogs";
      renamed.emplace(one.at("id").get_string(), fmt::format("{}#{}", list, ++number));
      if (ordered) {
        one["id"] = number;
      } else {
        one.erase("id");
      }
      mask_time(one, "created");
      if (Value* updated = one.if_contains("updated")) *updated = "set";
    }
  }
  issue.erase("id");
  for (const std::string_view name : {"created", "updated", "resolved"}) mask_time(issue, name);
  for (auto& [name, value] : issue) {
    if (name != "key" && name != "parent") rename(value, renamed);
  }
  sort_list(issue.at("attachments"));
  sort_list(issue.at("remoteLinks"));
  // Of a migration: which of its states has made the issue. Each has a name by chance.
  Value* const mark = issue.at("properties").get_object().if_contains("migration");
  if (mark && mark->is_object()) mask_time(mark->get_object(), "state");
}

struct Entry {
  std::string key, look;
  Object issue;
};

/// Every issue's look, with the looks of those that it names in place of their keys.
void refine(std::vector<Entry>& entries) {
  Renamed looks;
  for (const Entry& each : entries) looks.emplace(each.key, each.look);
  for (Entry& each : entries) {
    Value copy = each.issue;
    copy.get_object().erase("key");
    rename(copy, looks);
    sort_list(copy.get_object().at("links"));
    each.look = sha256(boost::json::serialize(copy));
  }
}

}  // namespace

Value masked_state(const Value& state) {
  std::vector<Entry> entries;
  for (const auto& [key, value] : state.at("issues").get_object()) {
    Entry entry{std::string(key), "issue", value.get_object()};
    mask_issue(entry.issue);
    entries.push_back(std::move(entry));
  }
  // Three looks: at the contents, at the neighbours, and at theirs.
  for (int round = 0; round < 3; ++round) refine(entries);
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.look < b.look; });
  Renamed keys;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string_view project = std::string_view(entries[i].key).substr(0, entries[i].key.find('-'));
    keys.emplace(entries[i].key, fmt::format("{}-#{}", project, i + 1));
  }
  Object issues;
  for (Entry& each : entries) {
    Value issue(std::move(each.issue));
    rename(issue, keys);
    sort_list(issue.get_object().at("links"));
    issues.emplace(keys.at(each.key), std::move(issue));
  }
  Object out;
  out.emplace("issues", std::move(issues));
  return out;
}

}  // namespace migrate::jira
