#pragma once

#include <string>

#include "migrate/record.hpp"

namespace migrate::program {

/// Lets a person change `data` as JSON in $VISUAL or $EDITOR. Throws Error(invalid) where there is no terminal or no
/// editor, and when what comes back is not an object.
Value edited_by_person(const Value& data, const std::string& title);

}  // namespace migrate::program
