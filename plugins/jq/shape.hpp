// A record as a jq program sees it, and back.
#pragma once

#include "migrate/record.hpp"

namespace migrate::jq {

/// {type, id, data, links, keys, blobs, warnings, version, intent, deleted}; values are copied.
Value shown(const Record& record);

/// The record that a result describes: type, id and data are needed, everything else is as in `original` where the
/// result has no word of it and the same type and id, else empty. What is made of a record that has vanished has
/// vanished, too, and needs no data. Throws Error(invalid, "jq_result").
Record taken(Value result, const Record& original);

}  // namespace migrate::jq
