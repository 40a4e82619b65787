#include "simulator/tickets.hpp"

#include <algorithm>
#include <numeric>

namespace migrate::freshdesk::simulation {
namespace {

constexpr std::size_t block = 7;  // tickets between two numbers that nobody has
constexpr Seconds oldest = 900 * day, recent = 28 * day, settled = 31 * day;

/// Those that an agent can still work on, and two of the account's own.
constexpr std::array<std::uint8_t, 12> statuses{2, 2, 3, 4, 4, 5, 5, 6, 7, 8, 9, 5};

std::int64_t first_id(std::uint64_t seed) noexcept { return 61 + static_cast<std::int64_t>(mixed(seed) % 150); }

TicketKind kind_of(std::size_t index, std::size_t items, std::optional<std::int64_t> archived_after) noexcept {
  if (archived_after && index >= static_cast<std::size_t>(*archived_after)) return TicketKind::archived;
  // Only what was closed long ago is archived: the first third.
  if (!archived_after && index % 5 == 3 && index < items / 3) return TicketKind::archived;
  if (index % 15 == 11) return TicketKind::deleted;
  if (index % 15 == 13) return TicketKind::spam;
  return TicketKind::active;
}

std::uint8_t conversation_count(Random& random, std::size_t index) {
  if (index % 23 == 4) return static_cast<std::uint8_t>(random.between(31, 38));  // more than a default page
  if (random.chance(25)) return 0;
  if (random.chance(60)) return static_cast<std::uint8_t>(random.between(1, 4));
  return static_cast<std::uint8_t>(random.between(5, 25));
}

}  // namespace

Tickets::Tickets(std::uint64_t seed, std::size_t items, Seconds today, const Settings& settings)
    : seed_(seed), rows_(items) {
  make_rows(today, settings);
  std::vector<std::uint32_t> indices;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (rows_[i].kind == TicketKind::active) indices.push_back(static_cast<std::uint32_t>(i));
  }
  orders_.fill(indices);
  make_clusters(static_cast<std::size_t>(settings.same_second));
  for (const Order order : {Order::created, Order::updated, Order::due, Order::status}) {
    auto& listed = orders_[static_cast<std::size_t>(order)];
    std::sort(listed.begin(), listed.end(), [&](auto a, auto b) { return key(order, a) < key(order, b); });
  }
}

void Tickets::make_rows(Seconds today, const Settings& settings) {
  const std::size_t items = rows_.size(), old = items - items / 3;
  const auto old_step = (oldest - settled) / static_cast<Seconds>(old + 1);
  const auto recent_step = recent / static_cast<Seconds>(items - old + 1);
  for (std::size_t i = 0; i < items; ++i) {
    Random random(seed_, Topic::row, i);
    Row& row = rows_[i];
    row.kind = kind_of(i, items, settings.archived_after);
    row.created = i < old ? today - oldest + static_cast<Seconds>(i) * old_step
                          : today - recent + static_cast<Seconds>(i - old) * recent_step;
    const auto step = i < old ? old_step : recent_step;
    if (i % 10 != 3 && step > 1) row.created += static_cast<Seconds>(random.below(static_cast<std::uint64_t>(step)));
    if (i % 10 == 4) row.created = rows_[i - 1].created;  // made in the same second by a rule
    row.priority = static_cast<std::uint8_t>(random.between(1, 4));
    row.status = random.pick(statuses);
    row.conversations = conversation_count(random, i);
    if (i == 1 && settings.long_thread > 0) row.conversations = static_cast<std::uint8_t>(settings.long_thread);

    const Seconds age = today - row.created;
    Seconds rested = static_cast<Seconds>(random.below(static_cast<std::uint64_t>(std::min(age, 20 * day)) + 1));
    if (row.kind == TicketKind::archived) {
      row.status = 5;
    } else if (row.kind != TicketKind::active) {
      rested = age - random.between(0, std::min(age, 29 * day));  // purged thirty days after
    } else if (random.chance(50)) {
      rested = random.between(0, age);
    }
    row.updated = row.created + rested;
    if (row.kind == TicketKind::active && row.status == 5 && row.updated < today - 120 * day) row.status = 4;
  }
}

void Tickets::make_clusters(std::size_t same_second) {
  auto& listed = orders_[static_cast<std::size_t>(Order::updated)];
  std::sort(listed.begin(), listed.end(),
            [&](auto a, auto b) { return key(Order::updated, a) < key(Order::updated, b); });
  const std::size_t half = same_second / 2;
  // Backwards, and to the later time: no ticket may have changed before it was made.
  for (std::size_t rank = listed.size(); rank-- > 1;) {
    Random random(seed_, Topic::order, rank);
    const std::size_t place = (rank + half) % 100;
    const bool tied = same_second > 1 && (rank % 10 == 0 || (place >= 1 && place < same_second) || same_second >= 100);
    if (tied || random.chance(15)) rows_[listed[rank - 1]].updated = rows_[listed[rank]].updated;
  }
}

Tickets::Key Tickets::key(Order order, std::size_t index) const noexcept {
  const Row& row = rows_[index];
  const auto shuffled = static_cast<std::int64_t>(mixed(seed_ ^ index) >> 1);
  switch (order) {
    case Order::updated:
      return {row.updated, shuffled, 0};
    case Order::due:
      return {due(index), shuffled, 0};
    case Order::status:
      return {row.status, shuffled, 0};
    case Order::created:
      break;
  }
  return {row.created, shuffled, 0};
}

Seconds Tickets::due(std::size_t index) const noexcept {
  return rows_[index].created + static_cast<Seconds>(1 + mixed(seed_ + index) % 96) * hour;
}

std::int64_t Tickets::id(std::size_t index) const noexcept {
  return first_id(seed_) + static_cast<std::int64_t>(index + index / block);
}

std::optional<std::size_t> Tickets::find(std::int64_t id) const noexcept {
  if (id < first_id(seed_)) return std::nullopt;
  const auto distance = static_cast<std::size_t>(id - first_id(seed_));
  if (distance % (block + 1) == block) return std::nullopt;
  const std::size_t index = distance / (block + 1) * block + distance % (block + 1);
  return index < rows_.size() ? std::optional(index) : std::nullopt;
}

std::size_t Tickets::conversations(std::size_t index) const noexcept {
  const Change* changed = change(index);
  return rows_[index].conversations + (changed ? changed->conversations.size() : 0);
}

const Change* Tickets::change(std::size_t index) const noexcept {
  const auto found = changes_.find(index);
  return found == changes_.end() ? nullptr : &found->second;
}

std::vector<std::uint32_t> Tickets::listed(TicketKind kind, Order order) const {
  if (kind == TicketKind::active) return active(order);
  std::vector<std::uint32_t> indices;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (rows_[i].kind == kind) indices.push_back(static_cast<std::uint32_t>(i));
  }
  std::sort(indices.begin(), indices.end(), [&](auto a, auto b) { return key(order, a) < key(order, b); });
  return indices;
}

template <class Edit>
void Tickets::edit(std::size_t index, Seconds now, Edit change) {
  constexpr std::array all{Order::created, Order::updated, Order::due, Order::status};
  const auto place = [&](Order order) {
    auto& listed = orders_[static_cast<std::size_t>(order)];
    return std::lower_bound(listed.begin(), listed.end(), key(order, index),
                            [&](auto other, const Key& wanted) { return key(order, other) < wanted; });
  };
  for (const Order order : all) orders_[static_cast<std::size_t>(order)].erase(place(order));
  const auto [entry, first] = changes_.try_emplace(index);
  Change& changed = entry->second;
  if (first) changed.first_updated = rows_[index].updated;
  changed.before = rows_[index];
  changed.at = now;
  rows_[index].updated = now;
  change(rows_[index], changed);
  if (rows_[index].kind != TicketKind::active) return;
  for (const Order order : all) {
    orders_[static_cast<std::size_t>(order)].insert(place(order), static_cast<std::uint32_t>(index));
  }
}

void Tickets::touch(std::size_t index, std::size_t number, Seconds now) {
  edit(index, now, [&](Row& row, Change& change) {
    const bool room = row.conversations + change.conversations.size() < most_conversations - 1;
    if (number % 4 == 0) {
      row.priority = static_cast<std::uint8_t>(row.priority % 4 + 1);
    } else if (number % 4 == 3 || !room) {
      row.status = static_cast<std::uint8_t>(2 + (row.status - 1) % 8);
    } else {
      change.conversations.push_back({now, number % 4 == 2});
      if (number % 4 == 1) row.status = 2;
    }
  });
}

void Tickets::remove(std::size_t index, Seconds now) {
  edit(index, now, [](Row& row, Change&) { row.kind = TicketKind::deleted; });
}

}  // namespace migrate::freshdesk::simulation
