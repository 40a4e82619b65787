// What the ids in a ticket are called: people, groups, companies, products, and the labels of numbers.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "api.hpp"
#include "migrate/item.hpp"

namespace migrate::freshdesk {

/// The names that a batch of tickets needs. Plain data: the mapping of a ticket is a pure function of it.
struct Names {
  std::map<std::int64_t, Person> people;  ///< those that the service still knows
  std::map<std::int64_t, std::string> groups, companies, products;
  std::map<std::int64_t, std::string> statuses, priorities, sources;
  std::map<std::int64_t, Error> troubled_people, troubled_companies;  ///< those that the service cannot show
};

/// The ids that a batch of tickets names.
struct WantedNames {
  std::set<std::int64_t> people, companies, statuses, groups, products;
};

/// `choices` of a ticket field: {"2":["Open","Being Processed"]}, {"Low":1}, or a list of texts, which has no numbers.
std::map<std::int64_t, std::string> labels_of(const Value& choices);

/// Remembers the least lately used last; at most `capacity` entries.
template <class T>
class Recent {
 public:
  explicit Recent(std::size_t capacity) : capacity_(capacity) {}
  const T* find(std::int64_t id) {
    const auto found = index_.find(id);
    if (found == index_.end()) return nullptr;
    order_.splice(order_.begin(), order_, found->second);
    return &found->second->second;
  }
  void put(std::int64_t id, T value) {
    if (const auto found = index_.find(id); found != index_.end()) {
      order_.erase(found->second);
      index_.erase(found);
    }
    order_.emplace_front(id, std::move(value));
    index_[id] = order_.begin();
    if (order_.size() <= capacity_) return;
    index_.erase(order_.back().first);
    order_.pop_back();
  }

 private:
  std::size_t capacity_;
  std::list<std::pair<std::int64_t, T>> order_;
  std::unordered_map<std::int64_t, typename std::list<std::pair<std::int64_t, T>>::iterator> index_;
};

/// Looks names up with as few requests as will do: agents, groups, products and labels are listed once, contacts and
/// companies asked for one by one and remembered, the last ten thousand of each. Runs last for hours: who is no contact
/// is asked for as an agent, and an unknown status, group or product has its list read again, once for each id. A kind
/// of names that the key may not see is warned of once; its ids stand for themselves then. One strand; several calls at
/// once.
class Directory {
 public:
  explicit Directory(Api& api) : api_(api) {}

  /// Everything that is wanted and known. What the service no longer knows is left out.
  awaitable<Names> look_up(WantedNames wanted);
  /// Before may_have_time_entries(): finds out which tickets have any, once, from a list that is trusted to be
  /// complete.
  awaitable<void> list_time_entries();
  /// False: this ticket had none when they were listed, and was not changed since. True where nobody knows.
  bool may_have_time_entries(std::int64_t ticket, Second updated) const;
  bool has_time_entries() const noexcept { return times_ != Times::none; }
  /// After a refusal: warns once, and asks no more.
  void no_time_entries();

 private:
  using Found = std::optional<Value>;
  awaitable<void> list_once();
  awaitable<void> list_again(const WantedNames* wanted);
  void take_labels(const Array& fields);
  awaitable<std::optional<std::unordered_set<std::int64_t>>> timed_tickets();
  awaitable<void> ask(std::string resource, std::set<std::int64_t> ids, std::function<void(std::int64_t, Found)> take,
                      std::map<std::int64_t, Error>& troubled);
  std::map<std::int64_t, std::string> named(const std::optional<Array>& rows, std::string_view what);
  void warn(const std::string& message);

  static constexpr std::size_t remembered = 10'000;
  static constexpr int most_time_pages = 200;

  Api& api_;
  bool listed_ = false, fields_listed_ = false, groups_listed_ = false, products_listed_ = false;
  std::unordered_map<std::int64_t, Person> agents_;
  Names fixed_;          ///< groups, products and labels
  WantedNames in_none_;  ///< ids that lists have been read again for
  Recent<std::optional<Person>> contacts_{remembered};
  Recent<std::string> companies_{remembered};

  enum class Times { unknown, none, listed, not_listed };
  Times times_ = Times::unknown;
  Second times_as_of_{};
  std::unordered_set<std::int64_t> timed_;
};

}  // namespace migrate::freshdesk
