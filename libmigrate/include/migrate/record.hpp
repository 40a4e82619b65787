// What moves: one record, its links and blobs, and the batch that a source hands over. (Reader's file 1 of 5.)
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/value.hpp>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "migrate/abi.hpp"
#include "migrate/error.hpp"

MIGRATE_BEGIN

template <class T>
using awaitable = boost::asio::awaitable<T>;

/// The value of a field. What JSON lacks is written the MongoDB Extended JSON way: `{"$date":"2024-01-31T20:00:00Z"}`,
/// `{"$binary":{"base64":…,"subType":"00"}}`, `{"$numberDecimal":"…"}`, `{"$numberDouble":"NaN"}`, and of our own
/// `{"$ref":{"type":…,"id":…}}`, `{"$richText":{"format":…,"text":…}}`. An int64 never passes through a double.
///
/// Inside a RecordBatch values usually live in the batch's arena: they are valid as long as the batch, and copying one
/// (Boost.JSON copies share the memory resource of their original) does not prolong that. `detached()` does.
using Value = boost::json::value;
using Object = boost::json::object;
using Array = boost::json::array;

/// A copy on the heap, independent of any batch.
inline Value detached(const Value& value) { return Value(value, boost::json::storage_ptr()); }

/// Where a source goes on; opaque to everyone but the source that made it. null: from the start.
using Cursor = Value;

/// Names a record of the source: `type` is the migration's word for the kind ("certificates"), `id` the source's key.
struct RecordRef {
  std::string type, id;
  auto operator<=>(const RecordRef&) const = default;
};

/// What becomes of a link whose target cannot be found on the target system.
enum class Missing {
  fails,     ///< the record, and with it its whole unit, fails with the link's cause
  deferred,  ///< written without it now, set in the link phase; a warning with the link's cause if it never resolves
  dropped    ///< written without it, with a warning when the link has a cause
};

/// A reference to another record. For tables `relation` is the column that receives the target's id.
/// A target type "devices.ecu_number" names a record of type "devices" by its alternate key "ecu_number".
struct Link {
  std::string relation;
  RecordRef target;
  Missing missing = Missing::deferred;
  std::string cause;  ///< of the failure or warning, for example "missing_customer"
  Value attributes;
};

/// A second name under which links may find the record (see Link). The first record of a name keeps it.
struct AlternateKey {
  std::string name, value;
  std::string duplicate_cause;  ///< not empty: a later record with the same name fails with this cause
};

/// A file that belongs to a record. `locator` is the source's own address for it, passed back to Source::open().
struct Blob {
  std::string id, name, media_type;
  std::optional<std::uint64_t> size;
  std::string sha256;
  Value locator;
  bool left_out = false;  ///< set by an ItemSink that brings the item without this file, beside its warning
};

/// A value that was changed or left out by a named rule; counted per type and cause for migrated records only.
struct Warning {
  std::string cause, field, message;
};

/// How a record meets what is already on the target.
enum class Intent {
  upsert,         ///< created, or brought up to date
  get_or_create,  ///< created when nobody has; the first record of a run with this ref decides the content
  patch           ///< only the named fields of an existing record; its absence is a failure
};

/// One item, or one row of a table. Comments and files belong to their item; rows that a transformer derives from one
/// source record are records of their own and form one unit with it: they arrive together or not at all.
struct Record {
  RecordRef ref;
  Value data;
  std::vector<Link> links;
  std::vector<Blob> blobs;
  std::vector<AlternateKey> keys;
  std::vector<Warning> warnings;
  std::string version;  ///< changes whenever the record does; empty when the source has none
  Intent intent = Intent::upsert;
  bool deleted = false;
  /// Set by a source that has found the record and cannot read it: it counts as read and fails with this, untransformed,
  /// and the others go on. What concerns more than one record is thrown.
  std::shared_ptr<const Error> failure;
};

/// A part of the source that is read in order by one reader. Lower ranks are finished first; equal ranks may be read
/// at the same time. A `revisit` partition is a second pass over records that later ones can have changed.
struct Partition {
  std::string name;
  int rank = 0;
  std::string type;  ///< of the records that it yields, as the source names it
  Value options;
  std::optional<std::uint64_t> size;  ///< records, if the source can tell cheaply: for progress only
  bool revisit = false;
};

/// The half-open range of integer keys (after, through] that a batch covers completely: what the target holds in
/// there and the batch lacks has vanished from the source. No bound: open on that side.
struct KeyRange {
  std::optional<std::int64_t> after, through;
};

/// An arena for one batch. Its blocks are those of batches that have ended, so that a long run does not have the system
/// hand out and clear the same memory again and again. `first_block`: the bytes that it will hold at least. Any thread.
MIGRATE_API std::shared_ptr<boost::json::monotonic_resource> make_arena(std::size_t first_block = std::size_t{64} << 10);

/// What one Source::read() returns. Record values may live in `arena`, so the records must not outlive it.
struct RecordBatch {
  // The arena is declared first so that it is destroyed last.
  std::shared_ptr<boost::json::monotonic_resource> arena;
  std::vector<Record> records;
  Cursor next;
  bool last = false;
  std::optional<KeyRange> covers;
};

MIGRATE_END
