// Which tickets there are, in which orders they are listed, and what happens to them while they are read.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "simulator/instant.hpp"
#include "simulator/random.hpp"
#include "simulator/settings.hpp"

namespace migrate::freshdesk::simulation {

enum class TicketKind : std::uint8_t { active, deleted, spam, archived };

/// All that is held of a ticket; the rest is made from the seed when it is asked for.
struct Row {
  Seconds created = 0, updated = 0;
  std::uint8_t status = 2, priority = 1;
  TicketKind kind = TicketKind::active;
  std::uint8_t conversations = 0;  ///< from the beginning
  bool operator==(const Row&) const = default;
};

/// What became of a ticket after the beginning.
struct Change {
  struct Conversation {
    Seconds at = 0;
    bool note = false;
  };
  std::vector<Conversation> conversations;  ///< added behind those of the beginning
  Row before;                               ///< ahead of the last change: what the search still sees for a while
  Seconds at = 0;                           ///< of the last change
  Seconds first_updated = 0;                ///< the time of update that the ticket had from the beginning
};

class Tickets {
 public:
  /// Made in the 900 days before `today`; in the order of the last update, `same_second` of them share a second around
  /// each hundredth, two around each tenth, and now and then some more.
  Tickets(std::uint64_t seed, std::size_t items, Seconds today, const Settings& settings);

  static constexpr std::size_t most_conversations = 254;  ///< of a ticket

  std::size_t size() const noexcept { return rows_.size(); }
  const Row& row(std::size_t index) const noexcept { return rows_[index]; }
  Seconds due(std::size_t index) const noexcept;
  std::int64_t id(std::size_t index) const noexcept;
  std::optional<std::size_t> find(std::int64_t id) const noexcept;
  /// With those that were added.
  std::size_t conversations(std::size_t index) const noexcept;
  const Change* change(std::size_t index) const noexcept;

  enum class Order : std::uint8_t { created, updated, due, status };
  /// Those of one kind; equal ones in an order that stays the same but is not that of the ids. Valid until the next
  /// change.
  std::vector<std::uint32_t> listed(TicketKind kind, Order order) const;
  /// The same for active tickets, without a copy.
  const std::vector<std::uint32_t>& active(Order order) const noexcept {
    return orders_[static_cast<std::size_t>(order)];
  }

  /// The `number`th change: another priority or status, a reply, or a private note.
  void touch(std::size_t index, std::size_t number, Seconds now);
  /// Into the bin.
  void remove(std::size_t index, Seconds now);

 private:
  using Key = std::array<std::int64_t, 3>;
  Key key(Order order, std::size_t index) const noexcept;
  void make_rows(Seconds today, const Settings& settings);
  void make_clusters(std::size_t same_second);
  /// Takes an active row out of the orders, changes it, and puts it back when it is still active.
  template <class Edit>
  void edit(std::size_t index, Seconds now, Edit change);

  std::uint64_t seed_;
  std::vector<Row> rows_;
  std::array<std::vector<std::uint32_t>, 4> orders_;
  std::map<std::size_t, Change> changes_;
};

}  // namespace migrate::freshdesk::simulation
