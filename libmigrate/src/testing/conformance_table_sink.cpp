#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>

#include "conformance_run.hpp"

MIGRATE_BEGIN
namespace testing {

namespace {

/// Records that keep still while operations refer to them.
class Chunk {
 public:
  explicit Chunk(const TableSinkFixture& fixture) : fixture_(fixture) {}
  Record& parent(int key, Value text) {
    Object data;
    data.emplace(fixture_.text, std::move(text));
    return add(fixture_.type, key, std::move(data));
  }
  Record& child(int key, Value text, Value parent_id) {
    Object data;
    data.emplace(fixture_.text, std::move(text));
    data.emplace(fixture_.parent, std::move(parent_id));
    return add(fixture_.child, key, std::move(data));
  }
  Record& add(const std::string& type, int key, Object data) {
    Record& record = records_.emplace_back();
    record.ref = RecordRef{type, std::to_string(key)};
    record.data = std::move(data);
    operations_.emplace_back(record, operations_.size());
    return record;
  }
  std::span<Operation> all() { return operations_; }
  Operation& operator[](std::size_t i) { return operations_[i]; }

 private:
  const TableSinkFixture& fixture_;
  std::deque<Record> records_;
  std::vector<Operation> operations_;
};

constexpr const char* prefix = "conformance/00000001/chunk/";

awaitable<WriteResult> write_chunk(TableSink& sink, std::string name, Chunk& chunk) {
  std::unique_ptr<TableTransaction> transaction = co_await sink.begin(prefix + name);
  std::span<Operation> all = chunk.all();
  co_await transaction->identify(all);
  WriteResult result = co_await transaction->write(all);
  require(result.failures.empty(), result.failures.empty() ? std::string() : result.failures.front().error.what());
  Value receipt = Object{{"of", name}};
  co_await transaction->commit(std::move(receipt));
  co_return result;
}

awaitable<std::map<std::string, std::string>> rows(TableSink& sink, std::string type) {
  std::map<std::string, std::string> result;
  std::string after;
  while (true) {
    std::string name = type, from = after;
    std::vector<TargetRow> page = co_await sink.list(std::move(name), std::move(from), 2, true);
    for (const TargetRow& row : page) {
      require(!result.count(row.key), "list() gives key " + row.key + " twice");
      result[row.key] = boost::json::serialize(row.id) + boost::json::serialize(row.data);
    }
    if (page.empty()) co_return result;
    after = page.back().key;
  }
}

awaitable<void> undo_all(TableSink& sink) {
  const std::vector<std::string> names = co_await sink.chunks(prefix);
  for (const std::string& name : names) {
    std::string chunk = name;
    co_await sink.undo(std::move(chunk));
  }
}

std::string text_of(const TargetRow& row, const std::string& column) {
  const Value* value = row.data.as_object().if_contains(column);
  return value && value->is_string() ? std::string(value->get_string()) : std::string("(not a text)");
}

awaitable<void> corpus_survives(const TableSinkFixture& fixture) {
  auto sink = fixture.make();
  const std::vector<std::string> texts = nasty_texts();
  Chunk chunk(fixture);
  for (std::size_t i = 0; i < texts.size(); ++i) chunk.parent(static_cast<int>(i) + 1, Value(texts[i]));
  chunk.parent(9999, nullptr);
  co_await write_chunk(*sink, "corpus", chunk);
  std::vector<TargetRow> page = co_await sink->list(fixture.type, "", texts.size() + 10, true);
  require(page.size() == texts.size() + 1, fmt::format("{} rows were written, {} are there", texts.size() + 1, page.size()));
  for (std::size_t i = 0; i < texts.size(); ++i)
    require(text_of(page[i], fixture.text) == texts[i], fmt::format("text {} came back changed", i));
  require(page.back().data.at(fixture.text).is_null(), "NULL came back as something");
  std::vector<Finding> findings = co_await sink->verify(chunk.all());
  require(findings.empty(), "verify() finds differences in what was just written");
  co_await undo_all(*sink);
}

awaitable<void> nothing_without_commit(const TableSinkFixture& fixture) {
  auto sink = fixture.make();
  Value first_id;
  for (int attempt = 0; attempt < 2; ++attempt) {
    Chunk chunk(fixture);
    chunk.parent(1, "one");
    std::unique_ptr<TableTransaction> transaction = co_await sink->begin(std::string(prefix) + "dropped");
    co_await transaction->identify(chunk.all());
    if (attempt == 0)
      first_id = chunk[0].target_id();
    else
      require(chunk[0].target_id() == first_id, "another attempt hands out another id");
    co_await transaction->write(chunk.all());
    transaction.reset();
    const std::uint64_t count = co_await sink->count(fixture.type);
    require(count == 0, "rows are there although nothing was committed");
    const std::optional<Value> receipt = co_await sink->receipt(std::string(prefix) + "dropped");
    require(!receipt, "a receipt is there although nothing was committed");
  }
}

awaitable<void> receipt_with_rows(const TableSinkFixture& fixture) {
  auto sink = fixture.make();
  Chunk chunk(fixture);
  chunk.parent(1, "one");
  co_await write_chunk(*sink, "first", chunk);
  auto another = fixture.make();
  const std::optional<Value> receipt = co_await another->receipt(std::string(prefix) + "first");
  require(receipt && receipt->as_object().contains("of"), "the receipt did not come back");
  std::vector<std::string> keys{"1", "2"};
  const std::vector<Value> ids = co_await another->find(fixture.type, std::move(keys));
  require(ids.size() == 2 && ids[0] == chunk[0].target_id() && ids[1].is_null(), "find() does not find what was written");
  co_await undo_all(*another);
}

awaitable<void> twice_is_once(const TableSinkFixture& fixture) {
  auto sink = fixture.make();
  Chunk first(fixture);
  for (int i = 1; i <= 5; ++i) first.parent(i, Value(fmt::format("row {}", i)));
  co_await write_chunk(*sink, "a", first);
  const auto before = co_await rows(*sink, fixture.type);
  Chunk second(fixture);
  for (int i = 1; i <= 5; ++i) second.parent(i, Value(i == 3 ? std::string("row three") : fmt::format("row {}", i)));
  second.parent(6, "row 6");
  const WriteResult result = co_await write_chunk(*sink, "b", second);
  for (int i = 0; i < 5; ++i)
    require(result.effects[i] == (i == 2 ? Effect::updated : Effect::unchanged), "an equal row was not left alone, or a changed one was");
  require(result.effects[5] == Effect::created, "a new row among old ones was not created");
  const auto after = co_await rows(*sink, fixture.type);
  require(after.size() == 6, "writing twice is not writing once");
  // Back to the first chunk: the image of row 3 is restored, row 6 is gone.
  co_await sink->undo(std::string(prefix) + "b");
  const auto restored = co_await rows(*sink, fixture.type);
  require(restored == before, "undo() of an update does not restore the rows as they were");
  co_await sink->undo(std::string(prefix) + "b");
  co_await undo_all(*sink);
  const std::uint64_t left = co_await sink->count(fixture.type);
  require(left == 0, "undo() of everything leaves something");
}

awaitable<void> patch_and_remove(const TableSinkFixture& fixture) {
  auto sink = fixture.make();
  Chunk first(fixture);
  first.parent(1, "one");
  first.parent(2, "two");
  co_await write_chunk(*sink, "a", first);
  Chunk second(fixture);
  Object note;
  note.emplace(fixture.other, "a note");
  second.add(fixture.type, 1, std::move(note)).intent = Intent::patch;
  second.add(fixture.type, 2, Object()).deleted = true;
  second.add(fixture.type, 3, Object()).deleted = true;
  const WriteResult result = co_await write_chunk(*sink, "b", second);
  require(result.effects[0] == Effect::updated, "a patch did not update");
  require(result.effects[1] == Effect::removed, "a removal did not remove");
  require(result.effects[2] == Effect::absent || result.effects[2] == Effect::unchanged,
          "the removal of an absent row is not reported as such");
  std::vector<TargetRow> page = co_await sink->list(fixture.type, "", 10, true);
  require(page.size() == 1 && text_of(page[0], fixture.text) == "one" && text_of(page[0], fixture.other) == "a note",
          "a patch changes more than its fields");
  co_await undo_all(*sink);
  const std::uint64_t left = co_await sink->count(fixture.type);
  require(left == 0, "undo() of everything leaves something");
}

awaitable<void> culprits_are_found(const TableSinkFixture& fixture) {
  auto sink = fixture.make();
  Chunk chunk(fixture);
  for (int i = 1; i <= 7; ++i) chunk.parent(i, Value(fmt::format("good {}", i)));
  for (std::size_t i = 0; i < fixture.impossible_texts.size(); ++i)
    chunk.parent(100 + static_cast<int>(i), Value(fixture.impossible_texts[i]));
  std::unique_ptr<TableTransaction> transaction = co_await sink->begin(std::string(prefix) + "bad");
  co_await transaction->identify(chunk.all());
  const WriteResult result = co_await transaction->write(chunk.all());
  transaction.reset();
  require(result.failures.size() == fixture.impossible_texts.size(),
          fmt::format("{} units were refused instead of {}", result.failures.size(), fixture.impossible_texts.size()));
  for (const UnitFailure& failure : result.failures) {
    require(failure.unit >= 7, "a good unit was refused");
    require(!failure.error.cause.empty() && std::string(failure.error.what()).size() > 10, "a refusal without a reason");
  }
  const std::uint64_t count = co_await sink->count(fixture.type);
  require(count == 0, "refused chunks leave rows behind");
}

awaitable<void> references_within(const TableSinkFixture& fixture) {
  auto sink = fixture.make();
  Chunk parents(fixture);
  parents.parent(1, "parent");
  co_await write_chunk(*sink, "a", parents);
  Chunk children(fixture);
  children.child(1, "child", parents[0].target_id());
  co_await write_chunk(*sink, "b", children);
  std::vector<TargetRow> page = co_await sink->list(fixture.child, "", 10, true);
  require(page.size() == 1 && page[0].data.at(fixture.parent) == parents[0].target_id(), "the reference is not there");
  co_await undo_all(*sink);
}

awaitable<void> verify_finds(const TableSinkFixture& fixture) {
  auto sink = fixture.make();
  Chunk chunk(fixture);
  chunk.parent(1, "one");
  chunk.parent(2, "two");
  co_await write_chunk(*sink, "a", chunk);
  Chunk expected(fixture);
  expected.parent(1, "one");
  expected.parent(2, "tow");
  expected.parent(3, "three");
  expected[0].set_target_id(chunk[0].target_id());
  expected[1].set_target_id(chunk[1].target_id());
  const std::vector<Finding> findings = co_await sink->verify(expected.all());
  bool changed = false, missing = false;
  for (const Finding& finding : findings) {
    require(finding.record.id != "1", "an equal row is reported as different");
    changed = changed || (finding.record.id == "2" && finding.field == fixture.text);
    missing = missing || finding.record.id == "3";
  }
  require(changed, "a changed field is not found, or not named");
  require(missing, "a missing row is not found");
  co_await undo_all(*sink);
}

awaitable<void> preview_writes_nothing(const TableSinkFixture& fixture) {
  auto sink = fixture.make();
  Chunk chunk(fixture);
  chunk.parent(1, "one");
  Object unknown;
  unknown.emplace("no_such_column", 1);
  chunk.add(fixture.type, 2, std::move(unknown));
  const std::vector<Finding> findings = co_await sink->preview(chunk.all());
  require(!findings.empty(), "preview() does not mention a field that has no column");
  const std::uint64_t count = co_await sink->count(fixture.type);
  require(count == 0, "preview() has written");
}

awaitable<void> key_ranges(const TableSinkFixture& fixture) {
  auto sink = fixture.make();
  Chunk chunk(fixture);
  for (const int key : {2, 9, 10, 11, 100}) chunk.parent(key, "x");
  co_await write_chunk(*sink, "a", chunk);
  KeyRange range;
  range.after = 2;
  range.through = 11;
  const std::vector<std::string> keys = co_await sink->keys(fixture.type, range);
  const std::vector<std::string> expected{"9", "10", "11"};
  std::vector<std::string> sorted = keys;
  std::sort(sorted.begin(), sorted.end(), [](const std::string& a, const std::string& b) { return std::stoi(a) < std::stoi(b); });
  require(sorted == expected, "keys() does not keep to (after, through] in numbers");
  std::vector<TargetRow> page = co_await sink->list(fixture.type, "9", 10, false);
  require(page.size() == 3 && page[0].key == "10", "list() is not in the order of numbers");
  co_await undo_all(*sink);
}

}  // namespace

std::vector<std::string> nasty_texts() {
  std::vector<std::string> texts{
      "",
      " ",
      "  leading and trailing  ",
      "NULL",
      "null",
      "\\N",
      "\\",
      "\\\\n\\t",
      "tab\there",
      "line\nfeed",
      "carriage\rreturn",
      "crlf\r\nends",
      "'single' \"double\" `back`",
      "percent %s %n {} ${HOME} $1",
      "comma, semicolon; pipe|",
      "\x01\x02\x1f\x7f",
      "caf\xC3\xA9 cafe\xCC\x81",
      "\xD8\xB4\xD9\x87\xD8\xA7\xD8\xAF\xD8\xA9 \xD9\xA1\xD9\xA2\xD9\xA3",
      "\xE2\x80\x8F\xE2\x80\xAEright to left",
      "\xF0\x9F\x9A\x97\xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9",
      "\xC2\xA0no-break\xC2\xA0",
      "\xEF\xBB\xBFmark",
      "1e309",
      "-0",
      "9007199254740993",
      "2024-02-30",
      "true",
      "{\"$date\":\"2024-01-01T00:00:00Z\"}",
  };
  texts.push_back(std::string(100'000, 'x'));
  return texts;
}

std::vector<Result> check_table_sink(const TableSinkFixture& fixture) {
  Runner runner;
  runner.run("prepare() and check() pass, and pass again", [&]() -> awaitable<void> {
    for (int i = 0; i < 2; ++i) {
      auto sink = fixture.make();
      std::vector<TableSchema> none;
      co_await sink->prepare(std::move(none));
      const std::vector<Check> checks = co_await sink->check();
      for (const Check& check : checks) require(check.passed, check.name + ": " + check.message);
    }
  });
  const auto prepared = [&fixture](awaitable<void> (*check)(const TableSinkFixture&)) {
    return [&fixture, check]() -> awaitable<void> {
      TableSinkFixture ready = fixture;
      std::shared_ptr<TableSink> first = fixture.make();
      std::vector<TableSchema> none;
      co_await first->prepare(std::move(none));
      // The connection that prepared stands for the one that a run uses; others come from the fixture.
      ready.make = [first] { return first; };
      co_await check(ready);
    };
  };
  runner.run("nasty texts and NULL come back as they were", prepared(&corpus_survives));
  runner.run("without a commit nothing is there, and ids do not depend on earlier attempts",
             prepared(&nothing_without_commit));
  runner.run("rows and receipt arrive together", prepared(&receipt_with_rows));
  runner.run("writing twice is writing once; undo restores images, and twice is success", prepared(&twice_is_once));
  runner.run("a patch changes its fields only; a removal removes", prepared(&patch_and_remove));
  if (fixture.impossible_texts.empty())
    runner.skip("units that the database refuses are singled out", "the fixture names no text that the target refuses");
  else
    runner.run("units that the database refuses are singled out", prepared(&culprits_are_found));
  runner.run("references arrive", prepared(&references_within));
  runner.run("verify() names what was changed and what is missing", prepared(&verify_finds));
  runner.run("preview() warns and writes nothing", prepared(&preview_writes_nothing));
  runner.run("integer keys are numbers", prepared(&key_ranges));
  return runner.take();
}

}  // namespace testing
MIGRATE_END
