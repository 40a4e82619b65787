// Values of records to values of jq and back. jq 1.6 keeps every number as a double and every string as UTF-8: what
// that would change is carried around it or refused, never changed silently.
#pragma once

extern "C" {
#include <jv.h>
}

#include <string_view>

#include "migrate/record.hpp"

namespace migrate::jq {

/// Integers beyond 2^53 become {"$numberLong":"…"}. Throws Error(invalid): `not_utf8` for text that is not UTF-8,
/// `too_deep` beyond `deepest` levels.
jv to_jq(const Value& value);
inline constexpr int deepest = 1000;

/// Takes `value`. `too_deep` as above. Whole numbers up to 2^53 become integers, {"$numberLong":"…"} becomes the
/// integer that it names, and what JSON has no number for {"$numberDouble":"NaN"} and its like. New values are made in
/// `storage`.
Value from_jq(jv value, const boost::json::storage_ptr& storage);

jv text_to_jq(std::string_view text);

}  // namespace migrate::jq
