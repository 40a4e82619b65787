#include "simulator/account.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "simulator/text.hpp"

namespace migrate::freshdesk::simulation {

Account::Account(std::uint64_t seed, std::size_t tickets, Seconds today)
    : seed_(seed),
      today_(today),
      users_(agents + 12 + tickets / 3),
      companies_(3 + tickets / 40),
      user_ids_(seed, 1, 43'000'000'000 + static_cast<std::int64_t>(mixed(seed) % 100'000) * 1000, 7),
      company_ids_(seed, 2, 43'500'000'000 + static_cast<std::int64_t>(mixed(seed) % 1000) * 100, 11),
      group_ids_(seed, 3, 43'000'120'000, 13),
      product_ids_(seed, 4, 43'000'004'000, 5) {}

UserKind Account::kind(std::size_t index) const noexcept {
  if (index == 5) return UserKind::downgraded_agent;
  if (index < agents) return index == 11 ? UserKind::former_agent : UserKind::agent;
  const std::size_t number = index - agents;
  if (number % 11 == 5) return UserKind::deleted;
  if (number % 11 == 8) return UserKind::merged;
  if (number % 17 == 9) return UserKind::blocked;
  return UserKind::contact;
}

std::optional<std::size_t> Account::company_of(std::size_t user) const noexcept {
  Random random(seed_, Topic::company, user);
  if (user < agents || !random.chance(55)) return std::nullopt;
  return random.below(companies_);
}

User Account::user(std::size_t index) const {
  Random random(seed_, Topic::user, index);
  User user;
  user.index = index;
  user.id = user_ids_.at(index);
  user.kind = kind(index);
  const PersonName name = random_person(random);
  user.name = name.full;
  user.created = today_ - random.between(40, 1400) * day - random.between(0, day);
  user.updated = user.created + random.between(0, today_ - user.created);
  if (index < agents) {
    user.email = fmt::format("{}.{}@acme.test", name.mailbox, index);
    return user;
  }
  user.company = company_of(index);
  const bool without_email = (index - agents) % 9 == 4;
  if (!without_email) {
    const std::string domain = user.company ? company(*user.company).domain : "mail.test";
    user.email = fmt::format("{}+{}@{}", name.mailbox, index, domain);
  }
  if (without_email || random.chance(30)) user.phone = fmt::format("+49 221 {:07}", random.below(10'000'000));
  if (random.chance(20)) user.mobile = fmt::format("0{:010}", random.below(10'000'000'000));
  if (without_email && random.chance(50)) user.twitter = std::to_string(random.below(1'000'000'000'000));
  if (random.chance(15)) user.external = fmt::format("CRM/{:05}", index);
  user.verified = random.chance(70);
  return user;
}

std::optional<std::size_t> Account::find_user(std::int64_t id) const noexcept {
  const auto index = user_ids_.find(id);
  return index && *index < users_ ? index : std::nullopt;
}

const std::vector<std::uint32_t>& Account::contacts() const {
  if (contacts_.empty()) {
    std::vector<std::pair<std::string, std::uint32_t>> named;
    for (std::size_t index = 0; index < users_; ++index) {
      const UserKind kind = this->kind(index);
      const bool no_contact = kind == UserKind::agent || kind == UserKind::former_agent || kind == UserKind::merged;
      if (!no_contact) named.emplace_back(user(index).name, static_cast<std::uint32_t>(index));
    }
    std::sort(named.begin(), named.end());
    contacts_.reserve(named.size());
    for (const auto& [name, index] : named) contacts_.push_back(index);
  }
  return contacts_;
}

Company Account::company(std::size_t index) const {
  Company company;
  company.id = company_ids_.at(index);
  company.name = company_name(index);
  if (index >= 12) company.name += fmt::format(" {}", index);
  company.domain = fmt::format("company{}.test", index);
  return company;
}

std::optional<std::size_t> Account::find_company(std::int64_t id) const noexcept {
  const auto index = company_ids_.find(id);
  return index && *index < companies_ ? index : std::nullopt;
}

Named Account::group(std::size_t index) const {
  static constexpr std::array<std::string_view, groups> names{"First line", "Hardware", "\u00c9quipe France",
                                                              "Billing & Refunds", "Escalations"};
  return {group_ids_.at(index), std::string(names[index])};
}

Named Account::product(std::size_t index) const {
  static constexpr std::array<std::string_view, products> names{"Labels Pro", "Labels (old)", "Cloud \u2601"};
  return {product_ids_.at(index), std::string(names[index])};
}

}  // namespace migrate::freshdesk::simulation
