// The issues, found by key, id and label, and the index that lags behind them.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "site.hpp"

namespace migrate::jira::sim {

/// Positions grow with time of creation; so do ids.
class Store {
 public:
  explicit Store(Site& site) : site_(site) {}

  /// A new issue with the next number of its project. Numbers are never used again.
  Issue& add(Index project, Values values, Millis now);
  /// The issue's values are these from now on; a search sees them after the lag.
  void change(Issue& issue, Values values, Millis now);
  /// Sets `updated` only: something beside the fields has changed.
  void touch(Issue& issue, Millis now);
  /// For good; what belonged to it as an epic loses its parent. A count by the index still has it until the lag is
  /// over.
  void erase(Issue& issue, Millis now);

  /// The project's key is this from now on, and so are those of its issues. The former ones go on working.
  void rename(Index project, std::string key);

  Issue* find(std::string_view key_or_id);
  Issue* at(Index position) { return issues_[position].get(); }
  const std::vector<std::unique_ptr<Issue>>& all() const noexcept { return issues_; }

  /// Lets the index see what is old enough by now.
  void catch_up(Millis now);
  /// Positions, ascending, of the issues that the index knows under this label.
  const std::vector<Index>& labelled(const std::string& label) const;
  /// The same of those with all of the words in custom fields of one line; nothing when a word with a star leaves it
  /// open.
  std::optional<std::vector<Index>> with_words(const std::vector<std::string>& words) const;

  std::unordered_map<std::uint64_t, Link> links;
  std::unordered_map<std::uint64_t, Index> attachments;                    ///< id to issue
  std::unordered_map<std::string, std::pair<Index, std::uint64_t>> media;  ///< name at the media service
  std::unordered_map<std::uint64_t, Index> comments;                       ///< id to issue
  std::uint64_t created = 0, deleted = 0;
  Index actor = 0;  ///< the user who does what is done now; none: nobody who has signed in

 private:
  struct Pending {
    Millis due;
    Index position;
    std::shared_ptr<const Values> values;  ///< null: deleted
  };
  using Positions = std::unordered_map<std::string, std::vector<Index>>;
  void index(Issue& issue, std::shared_ptr<const Values> values);
  /// history.cpp: what an edit has changed, in the issue's change log.
  void remember(Issue& issue, const Values& before, const Values& after, Millis now);
  static void index(Positions& by, Index position, const std::vector<std::string>& before,
                    const std::vector<std::string>& after);
  std::vector<std::string> indexed_words(const Values* values) const;  ///< sorted

  Site& site_;
  std::vector<std::unique_ptr<Issue>> issues_;  ///< null once deleted and forgotten by the index
  std::unordered_map<std::string, Index> by_key_;
  std::unordered_map<std::uint64_t, Index> by_id_;
  Positions by_label_, by_word_;
  std::deque<Pending> pending_;
};

}  // namespace migrate::jira::sim
