// The clean words that rows are made of, each a pure function of an index.
#pragma once

#include <cstdint>
#include <string>

#include "random.hpp"

namespace certificates {

std::string person_name(Random& random);
std::string company_name(Random& random);
std::string city_name(Random& random);
std::string vehicle_type(Random& random);

/// The ECU number of the device `index`, as a careful clerk would type it. Distinct for distinct indices.
std::string ecu_number(std::int64_t index);

/// The technician `index`; distinct keys for distinct indices below technician_limit.
std::string technician_name(std::int64_t index);
inline constexpr std::int64_t technician_limit = 1800;

}  // namespace certificates
