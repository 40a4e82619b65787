// Values of the service in the form that an item has.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "migrate/item.hpp"

namespace migrate::freshdesk {

/// In UTC; as it came where it is no time.
std::string time_of(const Value& value, std::string_view name);

/// Members in the order of their names, without those that say nothing (null, empty): the order in answers is no
/// promise.
Value canonical(const Value& value);

/// "Help <help@acme.test>"
Person person_of_mailbox(std::string id, const std::string& mailbox);

/// "01:30"; -1 where it is no time spent.
std::int64_t seconds_of(const std::string& hours_and_minutes);

}  // namespace migrate::freshdesk
