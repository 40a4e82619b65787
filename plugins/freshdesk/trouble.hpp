// One ticket or person that the service cannot show must not keep the others from arriving.
#pragma once

#include <functional>
#include <optional>

#include "api.hpp"

namespace migrate::freshdesk {

/// Awaits what `attempt` begins, twice where the first time may have been the service's bad moment. Returns what is
/// wrong with the thing that was asked for; throws what is wrong with the service, the key or the connection. Strand and
/// cancellation are those of the Api's calls.
awaitable<std::optional<Error>> trouble_of_one(Api& api, std::function<awaitable<void>()> attempt);

}  // namespace migrate::freshdesk
