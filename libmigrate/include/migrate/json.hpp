// JSON text to values, every number to the nearest double.
//
// Pure functions, callable from any thread. Connectors read the data of people with these and not with Boost.JSON's own
// parse(): that of 1.81 misses three in ten numbers of 17 digits by one unit in the last place, so that a value would
// change by being read, and again with every copy.
#pragma once

#include <boost/json/error.hpp>
#include <boost/json/parse_options.hpp>
#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>
#include <string_view>

#include "migrate/abi.hpp"

MIGRATE_BEGIN

/// The one document in `text`; null and `trouble` when it is none, or is followed by anything but white space.
MIGRATE_API boost::json::value parse_json(std::string_view text, boost::json::error_code& trouble,
                                          boost::json::storage_ptr storage = {},
                                          const boost::json::parse_options& options = {});
/// The same; throws boost::system::system_error.
MIGRATE_API boost::json::value parse_json(std::string_view text, boost::json::storage_ptr storage = {},
                                          const boost::json::parse_options& options = {});

MIGRATE_END
