#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <set>

#include "conformance_run.hpp"

MIGRATE_BEGIN
namespace testing {

namespace {

struct Reading {
  std::vector<std::string> records;        ///< "type/id:data", in order
  std::vector<Cursor> cursors;             ///< where each batch began
  std::vector<std::size_t> records_before; ///< how many records came before it
  Cursor end;
};

std::string describe(const Record& record) {
  return fmt::format("{}/{}:{}", record.ref.type, record.ref.id, boost::json::serialize(record.data));
}

awaitable<Reading> read_all(Source& source, const Partition& partition, Cursor from, std::size_t limit) {
  Reading reading;
  Cursor cursor = detached(from);
  while (true) {
    reading.cursors.push_back(cursor);
    reading.records_before.push_back(reading.records.size());
    RecordBatch batch = co_await source.read(partition, cursor, limit);
    for (const Record& record : batch.records) reading.records.push_back(describe(record));
    require(batch.last || !batch.records.empty(), "a batch that is not the last is empty: a reader could wait for ever");
    require(reading.cursors.size() < 1'000'000, "reading does not end");
    cursor = detached(batch.next);
    if (batch.last) break;
  }
  reading.end = cursor;
  co_return reading;
}

awaitable<void> check_partitions(const SourceFixture& fixture) {
  auto source = fixture.make();
  const std::vector<Partition> first = co_await source->partitions();
  auto another = fixture.make();
  const std::vector<Partition> second = co_await another->partitions();
  require(first.size() == second.size(), "two connections list different numbers of partitions");
  std::set<std::string> names;
  for (std::size_t i = 0; i < first.size(); ++i) {
    require(first[i].name == second[i].name && first[i].rank == second[i].rank, "the order of partitions is not stable");
    require(first[i].revisit || names.insert(first[i].name).second, "two partitions are called " + first[i].name);
  }
}

awaitable<void> check_records(const SourceFixture& fixture) {
  auto source = fixture.make();
  const std::vector<Partition> partitions = co_await source->partitions();
  std::set<std::string> refs;
  std::size_t total = 0;
  for (const Partition& partition : partitions) {
    if (partition.revisit) continue;
    Reading reading = co_await read_all(*source, partition, Cursor(), fixture.batch);
    for (const std::string& record : reading.records) {
      const std::string ref = record.substr(0, record.find(':'));
      require(refs.insert(ref).second, ref + " was read twice");
    }
    total += reading.records.size();
  }
  require(total == fixture.expected_records,
          fmt::format("{} records were read, {} are there", total, fixture.expected_records));
}

awaitable<void> check_resume(const SourceFixture& fixture) {
  auto source = fixture.make();
  const std::vector<Partition> partitions = co_await source->partitions();
  for (const Partition& partition : partitions) {
    Reading whole = co_await read_all(*source, partition, Cursor(), fixture.batch);
    for (std::size_t i = 0; i < whole.cursors.size(); ++i) {
      auto fresh = fixture.make();
      // Partitions belong to the connection that listed them.
      const std::vector<Partition> again = co_await fresh->partitions();
      Reading rest = co_await read_all(*fresh, again[&partition - partitions.data()], whole.cursors[i], fixture.batch + 1);
      const std::vector<std::string> expected(whole.records.begin() + static_cast<std::ptrdiff_t>(whole.records_before[i]),
                                              whole.records.end());
      require(rest.records == expected, fmt::format("{}: from cursor {} on, {} records came instead of {}", partition.name,
                                                    boost::json::serialize(whole.cursors[i]), rest.records.size(),
                                                    expected.size()));
    }
    RecordBatch behind = co_await source->read(partition, whole.end, fixture.batch);
    require(behind.last && behind.records.empty(), partition.name + ": behind the end there is something");
  }
}

awaitable<void> check_repeat(const SourceFixture& fixture) {
  auto source = fixture.make();
  const std::vector<Partition> partitions = co_await source->partitions();
  for (const Partition& partition : partitions) {
    RecordBatch first = co_await source->read(partition, Cursor(), fixture.batch);
    Cursor second_cursor = detached(first.next);
    if (!first.last) co_await source->read(partition, second_cursor, fixture.batch);
    RecordBatch again = co_await source->read(partition, Cursor(), fixture.batch);
    require(first.records.size() == again.records.size(), partition.name + ": the same read gives another number");
    for (std::size_t i = 0; i < first.records.size(); ++i)
      require(describe(first.records[i]) == describe(again.records[i]), partition.name + ": the same read gives others");
  }
}

awaitable<void> check_fetch(const SourceFixture& fixture) {
  auto source = fixture.make();
  const std::vector<Partition> partitions = co_await source->partitions();
  for (const Partition& partition : partitions) {
    RecordBatch first = co_await source->read(partition, Cursor(), fixture.batch);
    std::vector<RecordRef> refs;
    for (const Record& record : first.records) refs.push_back(record.ref);
    if (refs.empty()) continue;
    refs.push_back(RecordRef{refs.front().type, "987654321"});
    RecordBatch fetched = co_await source->fetch(std::move(refs));
    std::set<std::string> wanted, got;
    for (const Record& record : first.records) wanted.insert(describe(record));
    for (const Record& record : fetched.records) got.insert(describe(record));
    require(wanted == got, partition.name + ": fetch() gives other records than read()");
  }
}

}  // namespace

std::vector<Result> check_source(const SourceFixture& fixture) {
  Runner runner;
  runner.run("check() finds nothing wrong", [&]() -> awaitable<void> {
    auto source = fixture.make();
    const std::vector<Check> checks = co_await source->check();
    for (const Check& check : checks) require(check.passed, check.name + ": " + check.message);
  });
  runner.run("partitions are stable and named once", [&] { return check_partitions(fixture); });
  runner.run("every record comes once", [&] { return check_records(fixture); });
  runner.run("from every cursor comes exactly the rest", [&] { return check_resume(fixture); });
  runner.run("the same arguments give the same records", [&] { return check_repeat(fixture); });
  if (fixture.make()->traits().fetches)
    runner.run("fetch() gives what read() gives, and leaves out what is gone", [&] { return check_fetch(fixture); });
  else
    runner.skip("fetch() gives what read() gives", "the source does not fetch single records");
  return runner.take();
}

}  // namespace testing
MIGRATE_END
