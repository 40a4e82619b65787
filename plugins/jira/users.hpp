// Who is who in Jira: by mapping file, else by e-mail address.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "api.hpp"
#include "migrate/item.hpp"
#include "migrate/task_group.hpp"

namespace migrate::jira {

enum class Role { reporter, assignee };

/// Every address is searched for once: Jira keeps a limit of its own on such searches. Up to 100,000 answers are
/// remembered. On the run's strand.
class Users {
 public:
  Users(Api& api, const SinkConfig& config);
  /// Reads the mapping file. Throws Error(invalid) with file:line.
  void load();

  /// The account id (Data Center: user name). Nothing when Jira does not know the person, has deactivated the account,
  /// or, for an assignee, does not let it have issues of the project.
  awaitable<std::optional<std::string>> find(std::optional<Person> person, Role role);
  /// The configured account for assignees that Jira does not know.
  awaitable<std::optional<std::string>> fallback();

 private:
  struct Answer {
    std::optional<std::string> id;
    std::shared_ptr<Event> pending;  ///< somebody is asking
  };
  awaitable<std::optional<std::string>> search(std::string email, Role role);

  Api& api_;
  const SinkConfig& config_;
  std::map<std::string, std::string> mapped_;  ///< by e-mail in lower case
  std::unordered_map<std::string, Answer> asked_;
};

/// Which of the accounts found for an address it is: the one that shows this address; or the only one, when its owner
/// hides the address. Nobody otherwise: a search also finds what merely begins like it.
std::optional<std::string> account_for(const std::string& email, const std::vector<Account>& found);

}  // namespace migrate::jira
