#include "users.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "json.hpp"
#include "migrate/mapping_file.hpp"

namespace migrate::jira {

namespace {

constexpr std::size_t most_remembered = 100'000;

std::string lowered(std::string text) {
  for (char& byte : text)
    if (byte >= 'A' && byte <= 'Z') byte = static_cast<char>(byte + 32);
  return text;
}

}  // namespace

std::optional<std::string> account_for(const std::string& email, const std::vector<Account>& found) {
  const Account* hidden = nullptr;
  std::size_t without = 0;
  for (const Account& account : found) {
    if (!account.active || !account.person || account.id.empty()) continue;
    if (!account.email.empty() && lowered(account.email) == lowered(email)) return account.id;
    if (!account.email.empty()) continue;
    hidden = &account;
    ++without;
  }
  if (without == 1) return hidden->id;
  return std::nullopt;
}

Users::Users(Api& api, const SinkConfig& config) : api_(api), config_(config) {}

void Users::load() {
  if (config_.users.empty() || !mapped_.empty()) return;
  read_mappings(config_.users, "users", [this](const Mapping& mapping) {
    const Value& id = mapping.target_id;
    mapped_[lowered(mapping.source_id)] =
        id.is_string() ? std::string(id.get_string()) : text_at(object("id", id), {"id"});
  });
}

awaitable<std::optional<std::string>> Users::find(std::optional<Person> person, Role role) {
  if (!person) co_return std::nullopt;
  for (const std::string& name : {person->email, person->id})
    if (const auto mapped = mapped_.find(lowered(name)); !name.empty() && mapped != mapped_.end())
      co_return mapped->second;
  if (person->email.find('@') == std::string::npos) co_return std::nullopt;
  std::string email = lowered(person->email);
  const std::string key = (role == Role::assignee ? "a " : "r ") + email;
  while (true) {
    const auto known = asked_.find(key);
    if (known == asked_.end()) break;
    if (!known->second.pending) co_return known->second.id;
    std::shared_ptr<Event> pending = known->second.pending;
    co_await pending->wait();
  }
  if (asked_.size() >= most_remembered) std::erase_if(asked_, [](const auto& entry) { return !entry.second.pending; });
  boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
  auto pending = std::make_shared<Event>(executor);
  asked_[key].pending = pending;
  std::exception_ptr trouble;
  std::optional<std::string> id;
  try {
    id = co_await search(email, role);
  } catch (...) {
    trouble = std::current_exception();
  }
  if (trouble)
    asked_.erase(key);
  else
    asked_[key] = Answer{id, nullptr};
  pending->set();
  if (trouble) std::rethrow_exception(trouble);
  co_return id;
}

awaitable<std::optional<std::string>> Users::search(std::string email, Role role) {
  const std::vector<Account> found = co_await api_.users(email, role == Role::assignee);
  co_return account_for(email, found);
}

awaitable<std::optional<std::string>> Users::fallback() {
  if (config_.fallback_assignee.empty()) co_return std::nullopt;
  if (config_.fallback_assignee.find('@') == std::string::npos) co_return config_.fallback_assignee;
  std::optional<Person> person(std::in_place);
  person->email = config_.fallback_assignee;
  co_return co_await find(person, Role::assignee);
}

}  // namespace migrate::jira
