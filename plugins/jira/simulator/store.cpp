#include "store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace migrate::jira::sim {

Issue& Store::add(Index project, Values values, Millis now) {
  auto issue = std::make_unique<Issue>();
  issue->id = site_.next_id();
  issue->position = static_cast<Index>(issues_.size());
  issue->project = project;
  issue->number = ++site_.projects[project].last_number;
  issue->key = fmt::format("{}-{}", site_.projects[project].key, issue->number);
  by_key_.emplace(issue->key, issue->position);
  by_id_.emplace(issue->id, issue->position);
  values.created = values.status_changed = now;
  issues_.push_back(std::move(issue));
  Issue& made = *issues_.back();
  change(made, std::move(values), now);
  ++created;
  return made;
}

void Store::change(Issue& issue, Values values, Millis now) {
  values.updated = now;
  const Index before = issue.now ? issue.now->parent : none;
  if (values.parent != before) {
    if (before != none && at(before)) std::erase(at(before)->children, issue.position);
    if (values.parent != none) at(values.parent)->children.push_back(issue.position);
  }
  if (issue.now) remember(issue, *issue.now, values, now);
  issue.now = std::make_shared<const Values>(std::move(values));
  pending_.push_back({now + site_.settings.lag(), issue.position, issue.now});
}

void Store::touch(Issue& issue, Millis now) {
  if (issue.now->updated == now) return;
  change(issue, *issue.now, now);
}

void Store::erase(Issue& issue, Millis now) {
  issue.deleted = true;
  if (issue.now->parent != none && at(issue.now->parent)) std::erase(at(issue.now->parent)->children, issue.position);
  for (const Index child : std::vector<Index>(issue.children)) {
    Values orphan = *at(child)->now;
    orphan.parent = none;
    change(*at(child), std::move(orphan), now);
  }
  for (const std::uint64_t id : std::vector<std::uint64_t>(issue.links)) {
    const auto found = links.find(id);
    for (const Index end : {found->second.inward, found->second.outward}) {
      if (Issue* other = at(end)) std::erase(other->links, id);
    }
    links.erase(found);
  }
  for (const Attachment& file : issue.attachments) {
    attachments.erase(file.id);
    media.erase(file.media);
  }
  for (const Comment& comment : issue.comments) comments.erase(comment.id);
  by_key_.erase(issue.key);
  for (const std::string& former : site_.projects[issue.project].former_keys)
    by_key_.erase(fmt::format("{}-{}", former, issue.number));
  by_id_.erase(issue.id);
  ++deleted;
  pending_.push_back({now + site_.settings.lag(), issue.position, nullptr});
}

void Store::rename(Index project, std::string key) {
  Project& of = site_.projects[project];
  of.former_keys.push_back(std::exchange(of.key, std::move(key)));
  for (const std::unique_ptr<Issue>& issue : issues_) {
    if (!issue || issue->deleted || issue->project != project) continue;
    issue->key = fmt::format("{}-{}", of.key, issue->number);
    by_key_.emplace(issue->key, issue->position);
  }
}

Issue* Store::find(std::string_view key_or_id) {
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(key_or_id.data(), key_or_id.data() + key_or_id.size(), id);
  if (error == std::errc() && end == key_or_id.data() + key_or_id.size()) {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : at(found->second);
  }
  std::string key(key_or_id);
  for (char& c : key) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : at(found->second);
}

void Store::catch_up(Millis now) {
  for (; !pending_.empty() && pending_.front().due <= now; pending_.pop_front()) {
    Pending& next = pending_.front();
    Issue* issue = at(next.position);
    if (!issue) continue;
    const bool gone = !next.values;
    index(*issue, std::move(next.values));
    if (gone) issues_[next.position].reset();
  }
}

void Store::index(Positions& by, Index position, const std::vector<std::string>& before,
                  const std::vector<std::string>& after) {
  for (const std::string& each : before) {
    if (std::binary_search(after.begin(), after.end(), each)) continue;
    const auto found = by.find(each);
    std::vector<Index>& list = found->second;
    list.erase(std::lower_bound(list.begin(), list.end(), position));
    if (list.empty()) by.erase(found);
  }
  for (const std::string& each : after) {
    if (std::binary_search(before.begin(), before.end(), each)) continue;
    std::vector<Index>& list = by[each];
    list.insert(std::upper_bound(list.begin(), list.end(), position), position);
  }
}

std::vector<std::string> Store::indexed_words(const Values* values) const {
  std::vector<std::string> all;
  if (!values) return all;
  for (const auto& [field, json] : values->custom) {
    if (site_.fields[field].kind != Kind::text) continue;
    for (std::string& word : words_of(line_of(json), false)) all.push_back(std::move(word));
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

void Store::index(Issue& issue, std::shared_ptr<const Values> values) {
  static const std::vector<std::string> nothing;
  index(by_label_, issue.position, issue.indexed ? issue.indexed->labels : nothing, values ? values->labels : nothing);
  if (!issue.indexed || !values || issue.indexed->custom != values->custom) {
    index(by_word_, issue.position, indexed_words(issue.indexed.get()), indexed_words(values.get()));
  }
  issue.indexed = std::move(values);
}

std::optional<std::vector<Index>> Store::with_words(const std::vector<std::string>& words) const {
  std::optional<std::vector<Index>> all;
  for (const std::string& word : words) {
    if (word.ends_with('*')) continue;
    const auto found = by_word_.find(word);
    if (found == by_word_.end()) return std::vector<Index>();
    if (!all || found->second.size() < all->size()) all = found->second;
  }
  return all;
}

const std::vector<Index>& Store::labelled(const std::string& label) const {
  static const std::vector<Index> nothing;
  const auto found = by_label_.find(label);
  return found == by_label_.end() ? nothing : found->second;
}

}  // namespace migrate::jira::sim
