// `use: fields`: records changed by a list of rules.
#pragma once

#include <memory>

#include "config.hpp"
#include "migrate/services.hpp"
#include "migrate/transformer.hpp"

namespace migrate::fields {

/// Throws ConfigError with every fault.
std::shared_ptr<const Transformer> make_fields(FieldsConfig config, const Services& services);

}  // namespace migrate::fields
