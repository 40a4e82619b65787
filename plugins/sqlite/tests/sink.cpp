#include "sink_fixture.hpp"

TEST_CASE("sink: creates the file, tables and keys; rows arrive with types as they are kept") {
  TempFolder folder;
  const fs::path file = folder.path / "t.db";
  std::shared_ptr<TableSink> sink = opened(shop(file));
  CHECK(sink->types().size() == 4);
  Outcome outcome =
      write(*sink, "s/1/p/1",
            {record("customers", "7", R"({"name":"Ann","created_at":{"$date":"2024-01-31T20:00:00.000Z"}})"),
             record("customers", "9", R"({"name":null,"created_at":{"$date":"2024-01-31T20:00:00.250Z"}})"),
             record("devices", "3", R"({"ecu":"E1","blocked":true})"),
             record("certificates", "5", R"({"number":"N","device_id":1,"customer_id":2,"status":"active"})"),
             record("vehicles", "5", R"({"certificate_id":1,"brand":"B"})")});
  REQUIRE(outcome.failures.empty());
  for (Effect effect : outcome.effects) CHECK(effect == Effect::created);
  CHECK(outcome.ids == std::vector<Value>{1, 2, 1, 1, 1});
  CHECK(dump(file) == Strings{"certificates: 1|5|N|1|2|active|NULL", "customers: 1|7|Ann|2024-01-31T20:00:00Z",
                              "customers: 2|9|NULL|2024-01-31T20:00:00.25Z", "devices: 1|3|E1|1", "vehicles: 1|1|B|0"});
  CHECK(sql(file, "PRAGMA foreign_key_check").empty());
  CHECK(sql(file, "PRAGMA journal_mode") == Strings{"wal"});
  CHECK(contains(sql(file, "SELECT sql FROM sqlite_schema WHERE name='certificates'").at(0),
                 "\"device_id\" INTEGER REFERENCES \"devices\"(\"id\")"));
  CHECK(wait_for(sink->count("customers")) == 2);
  CHECK(wait_for(sink->receipt("s/1/p/1")) == Value{{"chunk", "s/1/p/1"}});
  CHECK_FALSE(wait_for(sink->receipt("s/1/p/2")).has_value());
}

TEST_CASE("sink: a second time nothing changes; differences are changed alone") {
  TempFolder folder;
  const fs::path file = folder.path / "t.db";
  std::shared_ptr<TableSink> sink = opened(shop(file));
  const auto customers = [](const char* second) {
    return std::vector<Record>{record("customers", "7", R"({"name":"Ann","created_at":null})"),
                               record("customers", "8", second)};
  };
  std::vector<Record> records = customers(R"({"name":"Bob","created_at":null})");
  write(*sink, "s/1/p/1", records);
  records = customers(R"({"name":"Bob","created_at":null})");
  CHECK(write(*sink, "s/2/p/1", records).effects == std::vector<Effect>{Effect::unchanged, Effect::unchanged});
  records = customers(R"({"name":"Bert","created_at":null})");
  CHECK(write(*sink, "s/3/p/1", records).effects == std::vector<Effect>{Effect::unchanged, Effect::updated});
  CHECK(dump(file) == Strings{"customers: 1|7|Ann|NULL", "customers: 2|8|Bert|NULL"});
  CHECK(sql(file, "SELECT chunk, type, address, action, image FROM _migrate_undo") ==
        Strings{R"(s/3/p/1|customers|2|update|{"name":"Bob"})"});
}

TEST_CASE("sink: what was not committed is not there, and ids are the same in the next attempt") {
  TempFolder folder;
  const fs::path file = folder.path / "t.db";
  std::shared_ptr<TableSink> sink = opened(shop(file));
  std::vector<Record> records{record("customers", "7", R"({"name":"Ann"})")};
  Outcome first = write(*sink, "s/1/p/1", records, {}, false);
  CHECK(dump(file).empty());
  Outcome second = write(*sink, "s/1/p/1", records);
  CHECK(first.ids == second.ids);
  CHECK(dump(file).size() == 1);
}

TEST_CASE("sink: a record that comes twice in a chunk is one row") {
  TempFolder folder;
  const fs::path file = folder.path / "t.db";
  std::shared_ptr<TableSink> sink = opened(shop(file));
  Record patch = record("customers", "7", R"({"name":"Anna"})");
  patch.intent = Intent::patch;
  Outcome outcome = write(*sink, "s/1/p/1", {record("customers", "7", R"({"name":"Ann"})"), patch});
  CHECK(outcome.effects == std::vector<Effect>{Effect::created, Effect::updated});
  CHECK(dump(file) == Strings{"customers: 1|7|Anna|NULL"});
  UndoResult undone = wait_for(sink->undo("s/1/p/1"));
  CHECK(undone.removed == 1);
  CHECK(undone.kept.empty());
  CHECK(dump(file).empty());
}

TEST_CASE("sink: units that the database refuses are named with causes, and nothing is written") {
  TempFolder folder;
  const fs::path file = folder.path / "t.db";
  std::shared_ptr<TableSink> sink = opened(shop(file));
  write(*sink, "s/1/p/1", {record("devices", "1", R"({"ecu":"E1","blocked":false})")});
  const Strings before = dump(file);
  Record patch = record("devices", "99", R"({"blocked":true})");
  patch.intent = Intent::patch;
  Outcome outcome =
      write(*sink, "s/1/p/2",
            {record("devices", "2", R"({"ecu":"E1","blocked":false})"), record("devices", "3", R"({"ecu":"E3"})"),
             record("devices", "4", R"({"ecu":"E4","blocked":false})"),
             record("certificates", "1", R"({"device_id":77,"customer_id":null})"),
             record("certificates", "2", R"({"nmber":"x"})"), record("certificates", "3", R"({"number":{"a":1}})"),
             record("vehicles", "3", R"({"certificate_id":null})"), patch,
             record("devices", "5", R"({"ecu":"E4","blocked":false})"),
             record("devices", "6", R"({"id":6,"blocked":true})")});
  std::map<std::size_t, std::string> causes;
  for (const UnitFailure& failure : outcome.failures) causes[failure.unit] = failure.error.cause;
  CHECK(causes == std::map<std::size_t, std::string>{{0, "duplicate_key"},
                                                     {1, "missing_value"},
                                                     {3, "missing_reference"},
                                                     {4, "unknown_column"},
                                                     {5, "bad_value"},
                                                     {6, "missing_reference"},
                                                     {7, "missing_record"},
                                                     {8, "duplicate_key"},
                                                     {9, "unknown_column"}});
  for (const UnitFailure& failure : outcome.failures) {
    if (failure.unit == 4) CHECK(contains(failure.error.advice, "\"number\""));
    if (failure.unit == 3) CHECK(contains(failure.error.what(), "device_id=77"));
  }
  CHECK(dump(file) == before);
}

TEST_CASE("sink: a row of a failed unit is no reason to refuse another one") {
  TempFolder folder;
  std::shared_ptr<TableSink> sink = opened(shop(folder.path / "t.db"));
  std::vector<Record> records{record("devices", "1", R"({"ecu":"E1","blocked":false})"),
                              record("devices", "2", R"({"ecu":"E2","blocked":null})"),
                              record("devices", "3", R"({"ecu":"E1","blocked":false})")};
  Outcome outcome = write(*sink, "s/1/p/1", records, {0, 0, 1});
  REQUIRE(outcome.failures.size() == 1);
  CHECK(outcome.failures[0].unit == 0);
}

TEST_CASE("sink: rows may refer to rows of the same chunk that come later, and to themselves") {
  TempFolder folder;
  const fs::path file = folder.path / "t.db";
  std::shared_ptr<TableSink> sink = opened(shop(file));
  Outcome outcome = write(
      *sink, "s/1/p/1",
      {record("certificates", "1", R"({"renewed_from_id":3})"), record("certificates", "2", R"({"renewed_from_id":2})"),
       record("certificates", "3", R"({"renewed_from_id":1})")});
  CHECK(outcome.failures.empty());
  CHECK(sql(file, "SELECT id, renewed_from_id FROM certificates") == Strings{"1|3", "2|2", "3|1"});
  UndoResult undone = wait_for(sink->undo("s/1/p/1"));
  CHECK(undone.removed == 3);
  CHECK(dump(file).empty());
}

TEST_CASE("sink: flags are true as well when a row that refers to this one says so") {
  TempFolder folder;
  const fs::path file = folder.path / "t.db";
  std::shared_ptr<TableSink> sink = opened(shop(file));
  write(*sink, "s/1/d/1",
        {record("devices", "1", R"({"ecu":"E1","blocked":false})"),
         record("devices", "2", R"({"ecu":"E2","blocked":false})")});
  write(*sink, "s/1/c/1", {record("certificates", "1", R"({"device_id":2,"status":"blocked"})")});
  std::vector<Record> devices{record("devices", "1", R"({"ecu":"E1","blocked":false})"),
                              record("devices", "2", R"({"ecu":"E2","blocked":false})")};
  CHECK(write(*sink, "s/1/d~revisit/1", devices).effects == std::vector<Effect>{Effect::unchanged, Effect::updated});
  CHECK(sql(file, "SELECT blocked FROM devices ORDER BY id") == Strings{"0", "1"});
  std::vector<Operation> operations{Operation(devices[0], 0), Operation(devices[1], 1)};
  operations[0].set_target_id(1);
  operations[1].set_target_id(2);
  CHECK(wait_for(sink->verify(operations)).empty());
  CHECK(write(*sink, "s/2/d/1", devices).effects == std::vector<Effect>{Effect::unchanged, Effect::unchanged});
}

TEST_CASE("sink: removing a row takes along the rows whose key it is") {
  TempFolder folder;
  const fs::path file = folder.path / "t.db";
  std::shared_ptr<TableSink> sink = opened(shop(file));
  write(*sink, "s/1/p/1",
        {record("certificates", "1", "{}"), record("certificates", "2", "{}"),
         record("vehicles", "1", R"({"certificate_id":1,"brand":"A"})"),
         record("vehicles", "2", R"({"certificate_id":2,"brand":"B"})")});
  const Strings before = dump(file);
  Record gone = record("certificates", "1", "{}"), absent = record("certificates", "9", "{}");
  gone.deleted = absent.deleted = true;
  CHECK(write(*sink, "s/2/p/1", {gone, absent}).effects == std::vector<Effect>{Effect::removed, Effect::absent});
  CHECK(dump(file) == Strings{"certificates: 2|2|NULL|NULL|NULL|NULL|NULL", "vehicles: 2|2|B|0"});
  UndoResult undone = wait_for(sink->undo("s/2/p/1"));
  CHECK(undone.restored == 2);
  CHECK(dump(file) == before);
}

TEST_CASE("sink: rollback removes what the migration made and leaves what somebody touched since") {
  TempFolder folder;
  const fs::path file = folder.path / "t.db";
  std::shared_ptr<TableSink> sink = opened(shop(file));
  sql(file, "INSERT INTO customers VALUES(1, 100, 'theirs', NULL)");
  write(*sink, "s/1/p/1",
        {record("customers", "1", R"({"name":"a"})"), record("customers", "2", R"({"name":"b"})"),
         record("customers", "3", R"({"name":"c"})"), record("devices", "1", R"({"ecu":"E","blocked":false})")});
  write(*sink, "s/1/p/2",
        {record("customers", "100", R"({"name":"ours now"})"), record("customers", "1", R"({"name":"a2"})"),
         record("certificates", "1", R"({"device_id":1,"customer_id":4,"status":"active"})")});
  sql(file, "UPDATE customers SET name='edited' WHERE legacy_id=2; UPDATE certificates SET number='edited'");
  CHECK(wait_for(sink->chunks("s/")) == Strings{"s/1/p/2", "s/1/p/1"});
  CHECK(wait_for(sink->chunks("s/1/q")).empty());
  UndoResult second = wait_for(sink->undo("s/1/p/2"));
  CHECK(second.restored == 2);
  CHECK(second.removed == 0);
  REQUIRE(second.kept.size() == 1);
  CHECK(second.kept[0].record.type == "certificates");
  UndoResult first = wait_for(sink->undo("s/1/p/1"));
  CHECK(first.removed == 1);
  CHECK(first.kept.size() == 3);  // edited; and two that the kept certificate refers to
  CHECK(dump(file) == Strings{"certificates: 1|1|edited|1|4|active|NULL", "customers: 1|100|theirs|NULL",
                              "customers: 3|2|edited|NULL", "customers: 4|3|c|NULL", "devices: 1|1|E|0"});
  CHECK(wait_for(sink->undo("s/1/p/1")).removed == 0);
  CHECK(wait_for(sink->chunks("")).empty());
  CHECK(sql(file, "SELECT name FROM sqlite_schema WHERE name LIKE '\\_migrate\\_%\\_id' ESCAPE '\\'").empty());
}

TEST_CASE("sink: only the newest receipt of a stream is kept") {
  TempFolder folder;
  const fs::path file = folder.path / "t.db";
  std::shared_ptr<TableSink> sink = opened(shop(file));
  write(*sink, "s/1/p/1", {record("customers", "1", "{}")});
  write(*sink, "s/1/q/1", {record("customers", "2", "{}")});
  write(*sink, "s/1/p/2", {record("customers", "3", "{}")});
  sink = opened(shop(file));
  write(*sink, "s/1/p/3", {record("customers", "4", "{}")});
  CHECK(sql(file, "SELECT chunk FROM _migrate_journal WHERE receipt IS NOT NULL ORDER BY 1") ==
        Strings{"s/1/p/3", "s/1/q/1"});
}

TEST_CASE("sink: rows are found, listed and counted by their natural keys") {
  TempFolder folder;
  std::shared_ptr<TableSink> sink = opened(shop(folder.path / "t.db"));
  std::vector<Record> records;
  for (int i = 1; i <= 12; ++i) records.push_back(record("customers", std::to_string(i * 10), R"({"name":"x"})"));
  write(*sink, "s/1/p/1", records);
  std::vector<std::string> wanted{"20", "25", "110"};
  CHECK(wait_for(sink->find("customers", wanted)) == std::vector<Value>{2, nullptr, 11});
  Strings listed;
  std::string after;
  while (true) {
    std::vector<TargetRow> page = wait_for(sink->list("customers", after, 5, false));
    if (page.empty()) break;
    for (const TargetRow& row : page) listed.push_back(row.key);
    after = page.back().key;
  }
  CHECK(listed == Strings{"10", "20", "30", "40", "50", "60", "70", "80", "90", "100", "110", "120"});
  CHECK(wait_for(sink->list("customers", "110", 5, true)).at(0).data ==
        boost::json::parse(R"({"id":12,"legacy_id":120,"name":"x","created_at":null})"));
  KeyRange range;
  range.after = 90;
  range.through = 110;
  CHECK(wait_for(sink->keys("customers", range)) == Strings{"100", "110"});
}

TEST_CASE("sink: verification names every field that differs and every row that is missing") {
  TempFolder folder;
  const fs::path file = folder.path / "t.db";
  std::shared_ptr<TableSink> sink = opened(shop(file));
  std::vector<Record> records{record("customers", "1", R"({"name":"a","created_at":{"$date":"2024-01-31T20:00:00Z"}})"),
                              record("customers", "2", R"({"name":"b","created_at":null})")};
  write(*sink, "s/1/p/1", records);
  std::vector<Operation> operations{Operation(records[0], 0), Operation(records[1], 1)};
  operations[0].set_target_id(1);
  operations[1].set_target_id(2);
  CHECK(wait_for(sink->verify(operations)).empty());
  sql(file, "UPDATE customers SET name='z', created_at='2024-01-31T21:00:00Z' WHERE id=1");
  operations[1].set_target_id(nullptr);
  std::vector<Finding> findings = wait_for(sink->verify(operations));
  REQUIRE(findings.size() == 3);
  CHECK(findings[0].field == "name");
  CHECK(findings[0].expected == "a");
  CHECK(findings[0].found == "z");
  CHECK(findings[1].field == "created_at");
  CHECK(findings[2].field.empty());
}

TEST_CASE("sink: verification of a table without a row names each record, also where no id is known") {
  TempFolder folder;
  const fs::path file = folder.path / "t.db";
  std::shared_ptr<TableSink> sink = opened(shop(file));
  std::vector<Record> records{record("customers", "1", R"({"name":"a"})"), record("customers", "2", R"({"name":"b"})"),
                              record("devices", "1", R"({"ecu":"E"})")};
  records[2].deleted = true;
  std::vector<Operation> operations{Operation(records[0], 0), Operation(records[1], 1), Operation(records[2], 2)};
  std::vector<Finding> findings = wait_for(sink->verify(operations));
  REQUIRE(findings.size() == 2);
  CHECK(findings[0].message == "it is not on the target");
  operations[1].set_target_id(2);
  CHECK(wait_for(sink->verify(operations)).size() == 2);
}

TEST_CASE("sink: an imported id is adopted, and created under that id where it is absent") {
  TempFolder folder;
  const fs::path file = folder.path / "t.db";
  std::shared_ptr<TableSink> sink = opened(shop(file));
  sql(file, "INSERT INTO customers VALUES(40, NULL, 'old', NULL)");
  std::vector<Record> records{record("customers", "1", R"({"name":"new"})"),
                              record("customers", "2", R"({"name":"b"})")};
  std::vector<Operation> operations{Operation(records[0], 0), Operation(records[1], 1)};
  operations[0].set_target_id(40);
  std::unique_ptr<TableTransaction> transaction = wait_for(sink->begin("s/1/p/1"));
  wait_for(transaction->identify(operations));
  CHECK(operations[0].action() == Action::update);
  CHECK(operations[1].target_id() == Value(41));
  CHECK(wait_for(transaction->write(operations)).failures.empty());
  wait_for(transaction->commit(nullptr));
  CHECK(dump(file) == Strings{"customers: 40|1|new|NULL", "customers: 41|2|b|NULL"});
}

TEST_CASE("sink: places that cannot be written say so") {
  TempFolder folder;
  const fs::path file = folder.path / "absent" / "t.db";
  CHECK(error_of([&] { opened(shop(file)); }).cause == "missing_file");
  CHECK_FALSE(wait_for(sqlite::make_sink(shop(file), Services())->check()).at(0).passed);
  const fs::path text = folder.path / "text";
  std::ofstream(text) << std::string(5000, 'x');
  Error foreign = error_of([&] { opened(shop(text)); });
  CHECK(foreign.cause == "not_a_database");
  CHECK(contains(foreign.what(), text.string()));

  SinkConfig closed = shop(folder.path / "closed.db");
  closed.create = false;
  CHECK(error_of([&] { opened(closed); }).cause == "missing_file");
  sql(closed.path, "CREATE TABLE customers(id INTEGER PRIMARY KEY, legacy_id, nam)");
  Error column = error_of([&] { opened(closed); });
  CHECK(column.cause == "missing_column");
  CHECK_FALSE(column.advice.empty());
}

TEST_CASE("sink: another program's lock is waited for, then reported as passing trouble") {
  TempFolder folder;
  SinkConfig config = shop(folder.path / "t.db");
  config.busy_ms = 1;
  std::shared_ptr<TableSink> sink = opened(config);
  sqlite3* other = nullptr;
  sqlite3_open(config.path.c_str(), &other);
  sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr);
  Error error = error_of([&] { wait_for(sink->begin("s/1/p/1")); });
  sqlite3_close(other);
  CHECK(error.kind() == ErrorKind::transient);
  CHECK(error.cause == "database_locked");
  CHECK_NOTHROW(wait_for(sink->begin("s/1/p/1")));
}

TEST_CASE("sink: a full disk breaks the chunk off and says so") {
  TempFolder folder;
  const fs::path file = folder.path / "t.db";
  opened(shop(file));
  sqlite3_auto_extension(reinterpret_cast<void (*)()>(+[](sqlite3* db, char**, const void*) {
    return sqlite3_exec(db, "PRAGMA max_page_count=30", nullptr, nullptr, nullptr);
  }));
  Error error;
  {
    std::shared_ptr<TableSink> sink = opened(shop(file));
    Record big = record("customers", "1", "{}");
    big.data.get_object()["name"] = std::string(1 << 20, 'x');
    std::vector<Record> records{big};
    error = error_of([&] { write(*sink, "s/1/p/1", records); });
  }
  sqlite3_reset_auto_extension();
  CHECK(error.cause == "disk_full");
  CHECK(contains(error.what(), file.string()));
  CHECK(dump(file).empty());
}

TEST_CASE("sink: without tables in the configuration it takes those of the source, keys carried over") {
  TempFolder folder;
  SinkConfig config;
  config.path = folder.path / "t.db";
  TableSchema plain, pair, bare;
  plain.type = "plain";
  plain.columns = {{"k", ColumnType::integer, false}, {"v", ColumnType::any, true}, {"f", ColumnType::boolean, true}};
  plain.key = {"k"};
  pair.type = "pair";
  pair.columns = {{"a", ColumnType::text, false}, {"b", ColumnType::integer, false}, {"v", ColumnType::real, true}};
  pair.key = {"a", "b"};
  bare.type = "bare";
  bare.columns = {{"v", ColumnType::text, true}};
  bare.key = {"rowid"};
  std::shared_ptr<TableSink> sink = opened(config, Services(), {plain, pair, bare});
  const auto rows = [] {
    return std::vector<Record>{record("plain", "5", R"({"k":5,"v":"5","f":true})"),
                               record("pair", "x\\|y|2", R"({"a":"x|y","b":2,"v":3})"),
                               record("bare", "9", R"({"v":"z"})")};
  };
  std::vector<Record> records = rows();
  CHECK(write(*sink, "s/1/p/1", records).failures.empty());
  CHECK(sql(config.path,
            "SELECT k, typeof(v), f FROM plain UNION ALL SELECT a, b, v FROM pair UNION ALL SELECT rowid, v, 0 "
            "FROM bare") == Strings{"5|text|1", "x|y|2|3.0", "9|z|0"});
  records = rows();
  CHECK(write(*sink, "s/2/p/1", records).effects == std::vector<Effect>(3, Effect::unchanged));
  CHECK(sink->key_columns("pair") == Strings{"a", "b"});
  std::shared_ptr<Sink> later = sqlite::make_sink(config, Services());
  for (const Check& check : wait_for(later->check())) CHECK(check.passed);
  CHECK(later->as_tables()->types().size() == 3);
  CHECK(later->as_tables()->key_columns("bare") == Strings{"rowid"});
  CHECK(wait_for(later->as_tables()->undo("s/1/p/1")).removed == 3);
}

TEST_CASE("sink: values come back as they were, or are refused") {
  TempFolder folder;
  SinkConfig config;
  config.path = folder.path / "t.db";
  TableSchema schema;
  schema.type = "t";
  schema.columns = {{"k", ColumnType::integer, false}, {"any", ColumnType::any, true},
                    {"text", ColumnType::text, true},  {"number", ColumnType::numeric, true},
                    {"real", ColumnType::real, true},  {"whole", ColumnType::integer, true},
                    {"json", ColumnType::json, true}};
  schema.key = {"k"};
  std::shared_ptr<TableSink> sink = opened(config, Services(), {schema});
  Record nasty = record("t", "1", R"({"any":{"$binary":{"base64":"AP8=","subType":"00"}},
      "text":{"$binary":{"base64":"x+E=","subType":"00"}},"number":{"$numberDecimal":"12.50"},"real":7,
      "whole":-9223372036854775808,"json":{"a":[1]}})");
  Record more = record("t", "2", R"({"any":{"$numberDouble":"-Infinity"},"text":5,"number":"12x","real":1e300,
      "whole":"17","json":"[1, 2]"})");
  more.data.get_object()["any"] = std::string("a\0b", 3);
  std::vector<Record> records{nasty, more};
  REQUIRE(write(*sink, "s/1/p/1", records).failures.empty());
  CHECK(sql(config.path, "SELECT hex(any), typeof(any), hex(text), typeof(text), number, real, whole, json FROM t") ==
        Strings{R"(00FF|blob|C7E1|text|12.5|7.0|-9223372036854775808|{"a":[1]})",
                "610062|text|35|text|12x|1.0e+300|17|[1, 2]"});
  records = {nasty, more};
  CHECK(write(*sink, "s/2/p/1", records).effects == std::vector<Effect>(2, Effect::unchanged));
  std::vector<Operation> operations{Operation(records[0], 0), Operation(records[1], 1)};
  operations[0].set_target_id(1);
  operations[1].set_target_id(2);
  CHECK(wait_for(sink->verify(operations)).empty());
  const auto cause = [&](std::string_view json) {
    std::vector<Record> one{record("t", "9", json)};
    std::vector<UnitFailure> failures = write(*sink, "s/3/p/1", one, {}, false).failures;
    return failures.empty() ? std::string() : failures[0].error.cause;
  };
  CHECK(cause(R"({"real":{"$numberDouble":"NaN"}})") == "bad_value");
  CHECK(cause(R"({"whole":18446744073709551615})") == "bad_value");
  CHECK(cause(R"({"text":[1]})") == "bad_value");
  CHECK(cause(R"({"number":{"$numberDecimal":"0.12345678901234567890"}})") == "bad_value");
  CHECK(cause(R"({"text":{"$numberDecimal":"0.12345678901234567890"}})").empty());
  CHECK(wait_for(sink->undo("s/1/p/1")).removed == 2);
}

TEST_CASE("sink: a crash at any point leaves a chunk whole or not there at all") {
  TempFolder folder;
  int reached = 0;
  for (int crash = 1; crash < 20; ++crash) {
    const fs::path file = folder.path / (std::to_string(crash) + ".db");
    int left = crash;
    Services services;
    services.fault_point = [&](std::string_view point) {
      if (--left == 0) throw SimulatedCrash{std::string(point)};
    };
    std::vector<Record> records{record("devices", "1", R"({"ecu":"E","blocked":false})"),
                                record("certificates", "1", R"({"device_id":1})")};
    bool crashed = false;
    try {
      std::shared_ptr<TableSink> sink = opened(shop(file), services);
      write(*sink, "s/1/p/1", records);
    } catch (const SimulatedCrash&) {
      crashed = true;
    }
    std::shared_ptr<TableSink> sink = opened(shop(file));
    const bool arrived = wait_for(sink->receipt("s/1/p/1")).has_value();
    CHECK(dump(file).size() == (arrived ? 2U : 0U));
    if (!crashed) break;
    ++reached;
    if (!arrived) write(*sink, "s/1/p/1", records);
    CHECK(dump(file) == Strings{"certificates: 1|1|NULL|1|NULL|NULL|NULL", "devices: 1|1|E|0"});
  }
  CHECK(reached == 6);
}

TEST_CASE("sink: whoever copies the file alone after the run has everything") {
  TempFolder folder;
  const fs::path file = folder.path / "t.db";
  std::shared_ptr<TableSink> sink = opened(shop(file));
  write(*sink, "s/1/p/1", {record("customers", "7", R"({"name":"Ann","created_at":null})")});
  wait_for(sink->find("customers", {"7"}));  // a second, reading connection
  sink.reset();
  CHECK_FALSE(fs::exists(file.string() + "-wal"));
  CHECK(dump(file) == Strings{"customers: 1|7|Ann|NULL"});
}
