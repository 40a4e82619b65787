// Why something is not taken back.
#pragma once

#include <string>

#include "migrate/http/client.hpp"

namespace migrate::jira {

/// A person has been at it. `by`: what they have done.
Error touched(const std::string& issue, const std::string& by);
/// What Jira will say however often it is asked.
bool is_final(const http::StatusError& refusal);
/// Of one issue: the rollback names it and goes on with the others. `what`: Jira refuses.
Error cannot_restore(const std::string& issue, const std::string& what, const http::StatusError& refusal);

}  // namespace migrate::jira
