#include "../../sqlite/tests/helpers.hpp"
#include "line.hpp"
#include "sink.hpp"
#include "source.hpp"

namespace {

Record record(std::string type, std::string id, std::string_view json) {
  Record result;
  result.ref.type = std::move(type);
  result.ref.id = std::move(id);
  result.data = boost::json::parse(json);
  return result;
}

std::shared_ptr<Sink> opened(const fs::path& folder, const Services& services = Services()) {
  jsonl::SinkConfig config;
  config.path = folder;
  std::shared_ptr<Sink> sink = jsonl::make_sink(config, services);
  wait_for(sink->prepare(std::vector<TableSchema>()));
  return sink;
}

WriteResult write(Sink& sink, const std::string& chunk, std::vector<Record> records, bool commit = true) {
  std::vector<Operation> operations;
  for (std::size_t i = 0; i < records.size(); ++i) operations.emplace_back(records[i], i);
  std::unique_ptr<TableTransaction> transaction = wait_for(sink.as_tables()->begin(chunk));
  wait_for(transaction->identify(operations));
  WriteResult result = wait_for(transaction->write(operations));
  if (commit && result.failures.empty()) wait_for(transaction->commit(Value{{"chunk", chunk}}));
  return result;
}

std::vector<Record> read_all(const fs::path& path, std::size_t limit, std::string id = "id") {
  jsonl::SourceConfig config;
  config.path = path;
  config.id = std::move(id);
  std::shared_ptr<Source> source = jsonl::make_source(config, Services());
  std::vector<Record> all;
  for (const Partition& partition : wait_for(source->partitions())) {
    Cursor from;
    for (bool last = false; !last;) {
      RecordBatch batch = wait_for(source->read(partition, from, limit));
      for (Record& each : batch.records) {
        Record copy = each;
        jsonl::set_data(copy, detached(each.data));
        all.push_back(std::move(copy));
      }
      last = batch.last;
      from = boost::json::parse(boost::json::serialize(batch.next));
    }
  }
  return all;
}

std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

Record rich() {
  Record full = record("tickets", "17|x", R"({"a":[1,2.5,null,true],"n":9223372036854775807,"u":18446744073709551615,
      "date":{"$date":"2024-01-31T20:00:00Z"},"nan":{"$numberDouble":"NaN"},"":"empty name"})");
  full.data.get_object()["nul"] = std::string("a\0b", 3);
  full.data.get_object()["foreign"] = std::string("\xC7\xE1");
  full.data.get_object()["line"] = "one\ntwo\r\n";
  full.data.get_object()["huge"] = std::string(300'000, 'x');
  full.links.push_back(Link{"device_id", {"devices.ecu", "E1"}, Missing::fails, "missing_device", Value{{"k", 1}}});
  full.links.push_back(Link{"other", {"tickets", "18"}, Missing::dropped, "", nullptr});
  full.blobs.push_back(Blob{"b", "name.png", "image/png", 12, "ab12", Value("https://x")});
  full.keys.push_back(AlternateKey{"ecu", "E1", "duplicate_ecu"});
  full.warnings.push_back(Warning{"cause", "field", "message"});
  full.version = "v3";
  full.intent = Intent::get_or_create;
  return full;
}

}  // namespace

TEST_CASE("jsonl: a staged record comes back whole") {
  TempFolder folder;
  write(*opened(folder.path / "s"), "s/1/p/1", {rich()});
  std::vector<Record> found = read_all(folder.path / "s", 10);
  REQUIRE(found.size() == 1);
  const Record expected = rich();
  CHECK((found[0].ref == expected.ref));
  CHECK((found[0].data == expected.data));
  CHECK(jsonl::line_of(found[0]) == jsonl::line_of(expected));
  REQUIRE(found[0].links.size() == 2);
  CHECK((found[0].links[0].missing == Missing::fails));
  CHECK(found[0].links[0].attributes == Value{{"k", 1}});
  CHECK(found[0].blobs.at(0).size == 12U);
  CHECK(found[0].keys.at(0).duplicate_cause == "duplicate_ecu");
  CHECK((found[0].intent == Intent::get_or_create));
  CHECK(opened(folder.path / "s")->traits().keeps_links);
}

TEST_CASE("jsonl: a number that JSON lacks is refused, not damaged") {
  TempFolder folder;
  Record bad = record("t", "1", "{}");
  bad.data.get_object()["x"] = Array{std::nan("")};
  WriteResult result = write(*opened(folder.path), "s/1/p/1", {bad, record("t", "2", "{}")});
  REQUIRE(result.failures.size() == 1);
  CHECK(result.failures[0].unit == 0);
  CHECK(result.failures[0].error.cause == "bad_value");
}

TEST_CASE("jsonl: nothing twice, changes once, removed gone; finish leaves one line a record") {
  TempFolder folder;
  const fs::path file = folder.path / "t.jsonl";
  std::shared_ptr<Sink> sink = opened(folder.path);
  write(*sink, "s/1/p/1",
        {record("t", "1", R"({"v":1})"), record("t", "2", R"({"v":2})"), record("t", "3", R"({"v":3})")});
  Record gone = record("t", "3", "{}"), patch = record("t", "2", R"({"w":5})"), absent = record("t", "9", R"({"w":5})");
  gone.deleted = true;
  patch.intent = Intent::patch;
  CHECK(
      write(*sink, "s/2/p/1", {record("t", "1", R"({"v":1})"), patch, gone, record("t", "4", R"({"v":4})")}).effects ==
      std::vector<Effect>{Effect::unchanged, Effect::updated, Effect::removed, Effect::created});
  absent.intent = Intent::patch;
  CHECK(write(*sink, "s/2/p/2", {absent}).failures.at(0).error.cause == "missing_record");
  const auto seen = [&] {
    Strings rows;
    for (const Record& each : read_all(folder.path, 1)) rows.push_back(each.ref.id + boost::json::serialize(each.data));
    return rows;
  };
  const Strings expected{R"(1{"v":1})", R"(2{"v":2,"w":5})", R"(4{"v":4})"};
  CHECK(seen() == expected);
  wait_for(sink->finish());
  CHECK(seen() == expected);
  const std::string text = content(file);
  CHECK(std::count(text.begin(), text.end(), '\n') == 3);
  CHECK(wait_for(sink->as_tables()->count("t")) == 3);
  write(*sink, "s/3/p/1", {record("t", "5", R"({"v":5})")});
  CHECK(seen().size() == 4);
}

TEST_CASE("jsonl: what was not committed is cut off; committed chunks and receipts stay") {
  TempFolder folder;
  const fs::path file = folder.path / "t.jsonl";
  std::string crash_at;
  Services services;
  services.fault_point = [&](std::string_view point) {
    if (point == crash_at) throw SimulatedCrash{std::string(point)};
  };
  std::string committed;
  {
    std::shared_ptr<Sink> sink = opened(folder.path, services);
    write(*sink, "s/1/p/1", {record("t", "1", "{}")});
    committed = content(file);
    write(*sink, "s/1/p/2", {record("t", "2", "{}")}, false);
    crash_at = "jsonl.commit before";
    CHECK_THROWS_AS(write(*sink, "s/1/p/2", {record("t", "2", "{}")}), SimulatedCrash);
  }
  std::ofstream(file, std::ios::app | std::ios::binary) << "{\"record\":{\"type\":\"t\",\"i";
  crash_at.clear();
  std::shared_ptr<Sink> sink = opened(folder.path, services);
  CHECK(content(file) == committed);
  CHECK_FALSE(wait_for(sink->as_tables()->receipt("s/1/p/2")).has_value());
  CHECK(wait_for(sink->as_tables()->receipt("s/1/p/1")) == Value{{"chunk", "s/1/p/1"}});
  crash_at = "jsonl.commit after";
  CHECK_THROWS_AS(write(*sink, "s/1/p/2", {record("t", "2", "{}")}), SimulatedCrash);
  crash_at.clear();
  sink = opened(folder.path, services);
  CHECK(wait_for(sink->as_tables()->receipt("s/1/p/2")).has_value());
  CHECK(read_all(folder.path, 10).size() == 2);
}

TEST_CASE("jsonl: a chunk is taken back to what was there before") {
  TempFolder folder;
  std::shared_ptr<Sink> sink = opened(folder.path);
  write(*sink, "s/1/p/1", {record("t", "1", R"({"v":1})")});
  Record gone = record("t", "1", "{}");
  gone.deleted = true;
  write(*sink, "s/1/p/2", {record("t", "1", R"({"v":2})"), record("t", "2", "{}")});
  write(*sink, "s/1/p/3", {gone});
  CHECK(wait_for(sink->as_tables()->chunks("s/1/")) == Strings{"s/1/p/3", "s/1/p/2", "s/1/p/1"});
  wait_for(sink->as_tables()->undo("s/1/p/3"));
  UndoResult result = wait_for(sink->as_tables()->undo("s/1/p/2"));
  CHECK(result.removed == 1);
  CHECK(result.restored == 1);
  std::vector<Record> left = read_all(folder.path, 10);
  REQUIRE(left.size() == 1);
  CHECK(left[0].data == boost::json::parse(R"({"v":1})"));
  wait_for(sink->as_tables()->undo("s/1/p/1"));
  CHECK(content(folder.path / "t.jsonl").empty());
  CHECK(wait_for(sink->as_tables()->undo("s/1/p/1")).removed == 0);
}

TEST_CASE("jsonl: verification compares data field by field") {
  TempFolder folder;
  std::shared_ptr<Sink> sink = opened(folder.path);
  write(*sink, "s/1/p/1", {record("t", "1", R"({"v":1,"w":2})")});
  std::vector<Record> records{record("t", "1", R"({"w":2,"v":1})"), record("t", "1", R"({"v":3})"),
                              record("t", "2", "{}")};
  std::vector<Operation> operations{Operation(records[0], 0), Operation(records[1], 1), Operation(records[2], 2)};
  std::vector<Finding> findings = wait_for(sink->verify(operations));
  REQUIRE(findings.size() == 2);
  CHECK(findings[0].field == "v");
  CHECK(findings[1].record.id == "2");
}

TEST_CASE("jsonl: plain files with CRLF, blank lines, a byte order mark and no newline at the end") {
  TempFolder folder;
  const fs::path file = folder.path / "people.jsonl";
  std::ofstream(file, std::ios::binary)
      << "\xEF\xBB\xBF{\"id\":7,\"n\":\"a\"}\r\n\r\n   \n{\"id\":\"x\"}\n\n{\"id\":9}";
  for (std::size_t limit : {1U, 2U, 3U, 10U}) {
    CAPTURE(limit);
    std::vector<Record> all = read_all(file, limit);
    REQUIRE(all.size() == 3);
    CHECK((all[0].ref == RecordRef{"people", "7"}));
    CHECK(all[0].data == boost::json::parse(R"({"id":7,"n":"a"})"));
    CHECK(all[1].ref.id == "x");
    CHECK(all[2].ref.id == "9");
  }
}

TEST_CASE("jsonl: what cannot be read is named with file and line") {
  TempFolder folder;
  const fs::path file = folder.path / "t.jsonl";
  std::ofstream(file) << "{\"id\":1}\n\n{\"id\":2,\n";
  Error error = error_of([&] { read_all(file, 10); });
  CHECK(error.cause == "bad_line");
  CHECK(contains(error.what(), file.string() + ":3"));
  std::ofstream(file, std::ios::trunc) << "{\"id\":1}\n[1]\n";
  CHECK(contains(error_of([&] { read_all(file, 1); }).what(), ":2"));
  CHECK(contains(error_of([&] { read_all(file, 1, "key"); }).what(), "\"key\""));
  CHECK(error_of([&] { read_all(folder.path / "absent", 1); }).cause == "missing_file");
  jsonl::SourceConfig config;
  config.path = folder.path / "absent";
  CHECK_FALSE(wait_for(jsonl::make_source(config, Services())->check()).at(0).passed);
}

TEST_CASE("jsonl: a file that lost committed lines is not gone on with") {
  TempFolder folder;
  write(*opened(folder.path), "s/1/p/1", {record("t", "1", "{}"), record("t", "2", "{}")});
  fs::resize_file(folder.path / "t.jsonl", 20);
  Error error = error_of([&] { opened(folder.path); });
  CHECK(error.cause == "damaged_staging");
  CHECK_FALSE(error.advice.empty());
}
