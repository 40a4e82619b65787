// Points in time as the service writes and reads them: whole seconds of UTC.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace migrate::freshdesk::simulation {

/// Since 1970.
using Seconds = std::int64_t;
constexpr Seconds minute = 60, hour = 3600, day = 86400;

/// "2016-02-13T23:27:49Z"
std::string instant(Seconds time);
/// "2016-02-13"
std::string date_of(Seconds time);
/// "20160213T232749Z", as signed addresses have it.
std::string compact_instant(Seconds time);

/// The eight forms that the service documents for its parameters, from "YYYY-MM-DD" on; without a zone it is UTC.
std::optional<Seconds> parse_instant(std::string_view text);
std::optional<Seconds> parse_compact_instant(std::string_view text);

}  // namespace migrate::freshdesk::simulation
