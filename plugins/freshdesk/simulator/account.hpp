// What an account has besides tickets: people, companies, groups, products. Made from the seed at each question;
// nothing is held but the order of the list of contacts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "simulator/instant.hpp"
#include "simulator/random.hpp"

namespace migrate::freshdesk::simulation {

/// Ascending numbers with gaps, so that they can be mistaken for no others and still be found again without a table.
class Ids {
 public:
  Ids(std::uint64_t seed, std::uint64_t kind, std::int64_t first, std::int64_t step) noexcept
      : seed_(mixed(seed) ^ kind), first_(first), step_(step) {}
  std::int64_t at(std::size_t index) const noexcept {
    return first_ + static_cast<std::int64_t>(index) * step_ +
           static_cast<std::int64_t>(mixed(seed_ + index) % static_cast<std::uint64_t>(step_));
  }
  std::optional<std::size_t> find(std::int64_t id) const noexcept {
    if (id < first_) return std::nullopt;
    const auto index = static_cast<std::size_t>((id - first_) / step_);
    return at(index) == id ? std::optional(index) : std::nullopt;
  }

 private:
  std::uint64_t seed_;
  std::int64_t first_, step_;
};

enum class UserKind {
  agent,
  former_agent,  ///< an agent who was deleted: found under no address
  contact,       ///< active
  blocked,
  deleted,          ///< softly: 405
  merged,           ///< into another contact: found under no address
  downgraded_agent  ///< an agent who was deleted, which leaves a contact
};

struct User {
  std::size_t index = 0;
  std::int64_t id = 0;
  UserKind kind = UserKind::contact;
  std::string name;
  std::optional<std::string> email, phone, mobile, twitter, external;
  std::optional<std::size_t> company;
  bool verified = true;
  Seconds created = 0, updated = 0;
};

struct Company {
  std::int64_t id = 0;
  std::string name, domain;
};

/// A group or a product.
struct Named {
  std::int64_t id = 0;
  std::string name;
};

class Account {
 public:
  /// `today` is the end of the time in which everything was made.
  Account(std::uint64_t seed, std::size_t tickets, Seconds today);

  /// Agents come first; agents and contacts share one space of numbers.
  static constexpr std::size_t agents = 14;
  std::size_t users() const noexcept { return users_; }
  User user(std::size_t index) const;
  UserKind kind(std::size_t index) const noexcept;
  std::optional<std::size_t> company_of(std::size_t user) const noexcept;
  std::int64_t user_id(std::size_t index) const noexcept { return user_ids_.at(index); }
  std::optional<std::size_t> find_user(std::int64_t id) const noexcept;
  /// Contacts of every kind but merged ones, with those who were agents, by name.
  const std::vector<std::uint32_t>& contacts() const;

  std::size_t companies() const noexcept { return companies_; }
  Company company(std::size_t index) const;
  std::optional<std::size_t> find_company(std::int64_t id) const noexcept;

  static constexpr std::size_t groups = 5, products = 3;
  Named group(std::size_t index) const;
  Named product(std::size_t index) const;

  Seconds today() const noexcept { return today_; }
  std::uint64_t seed() const noexcept { return seed_; }

 private:
  std::uint64_t seed_;
  Seconds today_;
  std::size_t users_, companies_;
  Ids user_ids_, company_ids_, group_ids_, product_ids_;
  mutable std::vector<std::uint32_t> contacts_;
};

}  // namespace migrate::freshdesk::simulation
