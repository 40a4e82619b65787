// A record as one line, and back, without loss.
//
//   {"record":{"type":"…","id":"…"},"data":…,"links":[…],"blobs":[…],"keys":[…],"version":"…","intent":"patch"}
//
// What is empty is left out. A line without "record" is the record's data alone.
#pragma once

#include <string>
#include <string_view>

#include "migrate/record.hpp"

namespace migrate::jsonl {

/// Without the line's end. Throws Error(invalid, "bad_value") for a NaN or infinity that is not written as
/// `$numberDouble`.
std::string line_of(const Record& record);

/// Values live in `storage`. `place` ("file:line") stands in messages, `type` and `id_field` serve lines that are data
/// alone. Throws Error(invalid, "bad_line").
void read_line(std::string_view line, boost::json::storage_ptr storage, const std::string& place,
               const std::string& type, const std::string& id_field, Record& into);

/// Replaces a record's data, which keeps the storage of the new one.
void set_data(Record& record, Value data);

}  // namespace migrate::jsonl
