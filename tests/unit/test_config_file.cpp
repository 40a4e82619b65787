#include <doctest/doctest.h>
#include <stdlib.h>

#include <boost/json/serialize.hpp>
#include <filesystem>
#include <fstream>

#include "migrate/config_file.hpp"

using namespace migrate;
namespace fs = std::filesystem;

namespace {

class TempDir {
 public:
  TempDir() {
    std::string name = (fs::temp_directory_path() / "migrate-config-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TempDir() { fs::remove_all(path_); }
  fs::path write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name) << text;
    return path_ / name;
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

struct EndConfig {
  fs::path path;
  Secret token;
  std::string dsn;
  int busy_ms = 5000;
  std::vector<std::string> tables;
  std::map<std::string, std::string> names;
};
Spec<EndConfig> end_spec() {
  return Spec<EndConfig>("One end.")
      .field("path", &EndConfig::path, "A file")
      .field("token", &EndConfig::token, "A token")
      .optional()
      .field("dsn", &EndConfig::dsn, "A connection string")
      .optional()
      .sensitive()
      .field("busy_ms", &EndConfig::busy_ms, "A time")
      .optional()
      .field("tables", &EndConfig::tables, "Tables")
      .optional()
      .field("names", &EndConfig::names, "Names")
      .optional();
}
struct ServerConfig {
  std::string server;
  int busy_ms = 1;
};
Spec<ServerConfig> server_spec() {
  return Spec<ServerConfig>("Another end.")
      .field("server", &ServerConfig::server, "A server")
      .field("busy_ms", &ServerConfig::busy_ms, "A time")
      .optional();
}
struct NoOptions {};

Registry registry_for_tests() {
  Registry registry;
  registry.add_source("files", end_spec(), [](EndConfig, const Services&) { return std::shared_ptr<Source>(); });
  registry.add_sink("files", end_spec(), [](EndConfig, const Services&) { return std::shared_ptr<Sink>(); });
  registry.add_sink("server", server_spec(), [](ServerConfig, const Services&) { return std::shared_ptr<Sink>(); });
  registry.add_transformer("same", Spec<NoOptions>("As it is."), [](NoOptions, const Services&) {
    return transform_with([](Record record, std::vector<Record>& out) { out.push_back(std::move(record)); });
  });
  return registry;
}

const std::string minimal =
    "migration: a-to-b\n"
    "source: {connector: files, path: in.db}\n"
    "sink: {connector: files, path: out.db}\n";

MigrationFile parsed(const TempDir& dir, const std::string& text, std::vector<std::string> set = {}) {
  FileOverrides overrides;
  overrides.set = std::move(set);
  return parse_migration(dir.write("m.yaml", text), registry_for_tests(), overrides);
}

/// The lines of the error, without the directory.
std::string faults(const TempDir& dir, const std::string& text, std::vector<std::string> set = {}) {
  try {
    parsed(dir, text, std::move(set));
  } catch (const ConfigError& error) {
    std::string what = error.what(), prefix = dir.path().string() + "/";
    for (std::size_t at; (at = what.find(prefix)) != std::string::npos;) what.erase(at, prefix.size());
    return what;
  }
  return "accepted";
}

std::string json_of(const std::string& yaml) {
  return boost::json::serialize(config::parse_document(yaml, "t.yaml", ".").value);
}

}  // namespace

TEST_CASE("a minimal file and its defaults") {
  TempDir dir;
  MigrationFile file = parsed(dir, minimal);
  CHECK(file.name == "a-to-b");
  CHECK(file.working_dir == dir.path() / "a-to-b.work");
  CHECK(file.source.name == "files");
  CHECK(file.source.options.at("path").as_string() == (dir.path() / "in.db").string());
  CHECK(file.store.name == "sqlite");
  CHECK(file.store.options.at("path").as_string() == (dir.path() / "a-to-b.work/migration.db").string());
  CHECK(file.run.mode == Mode::full);
  CHECK(file.run.max_failures == 100);
  CHECK(file.run.retry.attempts == 5);
  CHECK(file.reports.formats.size() == 4);
  CHECK(file.reports.max_rows == 100'000);
  CHECK(file.warnings.empty());
  CHECK_FALSE(fs::exists(file.working_dir));
}

TEST_CASE("everything that a file can say") {
  TempDir dir;
  MigrationFile file = parsed(dir, minimal +
                                       "working_dir: w\n"
                                       "transform:\n  - use: same\n  - {use: same}\n"
                                       "store: {connector: memory}\n"
                                       "run: {mode: incremental, verify: standard, on_record_failure: keep,\n"
                                       "      on_verify_failure: rollback, max_failures: 0, batch_size: 7,\n"
                                       "      partitions_in_flight: 2, items_in_flight: 3, sample: 9, only: users,\n"
                                       "      skip_phases: [linking, verification],\n"
                                       "      where: {type: c, field: ecu, value: 'A1'},\n"
                                       "      retry: {attempts: 2, first_ms: 1, longest_ms: 20}}\n"
                                       "reports: [json, md]\n"
                                       "mappings: {users: users.csv}\n");
  CHECK(file.working_dir == dir.path() / "w");
  CHECK(file.transforms.size() == 2);
  CHECK(file.store.name == "memory");
  CHECK(file.run.mode == Mode::incremental);
  CHECK(file.run.verify == VerifyLevel::standard);
  CHECK(file.run.on_record_failure == OnRecordFailure::keep);
  CHECK(file.run.on_verify_failure == OnVerifyFailure::rollback);
  CHECK(file.run.max_failures == 0);
  CHECK(file.run.batch_size == 7);
  CHECK(file.run.partitions_in_flight == 2);
  CHECK(file.run.items_in_flight == 3);
  CHECK(file.run.sample == 9);
  CHECK(file.run.only == std::set<std::string>{"users"});
  CHECK(file.run.skip == std::set<Phase>{Phase::linking, Phase::verification});
  CHECK(file.run.where->field == "ecu");
  CHECK(file.run.retry.attempts == 2);
  CHECK(file.run.retry.longest == std::chrono::milliseconds(20));
  CHECK(file.reports.formats == std::vector<std::string>{"json", "md"});
  CHECK(file.mappings.at("users") == dir.path() / "users.csv");
}

TEST_CASE("every fault at once, each with its place") {
  TempDir dir;
  CHECK(faults(dir,
               "migration: A to B\n"
               "source:\n"
               "  connector: files\n"
               "  pth: in.db\n"
               "  busy_ms: soon\n"
               "transform:\n"
               "  - use: sam\n"
               "  - {}\n"
               "sinc: {connector: files}\n"
               "run: {modus: full, verify: quick, sample: 0}\n"
               "reports: [json, pdf]\n") ==
        "m.yaml:1:1: sink: is missing (The connector to write to, `connector: NAME` and its options)\n"
        "m.yaml:1:12: migration: may hold a-z, 0-9 and - only\n"
        "m.yaml:3:3: source.path: is missing (A file)\n"
        "m.yaml:4:3: source.pth: unknown option; did you mean \"path\"?\n"
        "m.yaml:5:12: source.busy_ms: expected an integer, found the text \"soon\"\n"
        "m.yaml:7:10: transform[0].use: There is no transformer named \"sam\"; did you mean \"same\"?\n"
        "  no place was searched for plugins\n"
        "m.yaml:8:5: transform[1].use: is missing (the name of the transformer)\n"
        "m.yaml:9:1: sinc: unknown option; did you mean \"sink\"?\n"
        "m.yaml:10:7: run.modus: unknown option; did you mean \"mode\"?\n"
        "m.yaml:10:28: run.verify: \"quick\" is none of none, basic, standard, comprehensive\n"
        "m.yaml:10:43: run.sample: 0 is too small; at least 1\n"
        "m.yaml:11:17: reports.formats[1]: \"pdf\" is none of json, md, html, xlsx");
}

TEST_CASE("files that cannot be read or are no YAML") {
  TempDir dir;
  CHECK(faults(dir, "a: [1, 2\nb: 3\n").starts_with("m.yaml:2:"));
  CHECK(faults(dir, "source: {token: ${env:X}}\n").find("must stand in quotes") != std::string::npos);
  CHECK(faults(dir, "- 1\n") == "m.yaml:1:1: expected a map with migration, source and sink");
  CHECK(faults(dir, "").find("source: is missing") != std::string::npos);
  CHECK(faults(dir, "a: 1\na: 2\n").find("m.yaml:2:1: a: is written twice") != std::string::npos);
  CHECK(faults(dir, minimal + "---\na: 1\n") == "m.yaml: holds several YAML documents");
  CHECK(faults(dir, ", a: 1\n") == "m.yaml: holds several YAML documents");
  Registry registry = registry_for_tests();
  CHECK_THROWS_WITH_AS(
      parse_migration(dir.path() / "no.yaml", registry),
      ((dir.path() / "no.yaml").string() + ": the file cannot be read: No such file or directory").c_str(),
      ConfigError);
  CHECK_THROWS_AS(parse_migration(dir.path(), registry), ConfigError);
}

TEST_CASE("a small file that stands for an enormous or endless value is refused") {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    std::string before = "*a" + std::to_string(i - 1), name = "a" + std::to_string(i);
    bomb += name + ": &" + name + " [";
    for (int k = 0; k < 9; ++k) bomb += before + ", ";
    bomb += before + "]\n";
  }
  CHECK_THROWS_AS(config::parse_document(bomb, "t", "."), ConfigError);
  CHECK_THROWS_AS(config::parse_document("a: &a [*a]", "t", "."), ConfigError);
  CHECK_THROWS_AS(config::parse_document(std::string(100'000, '['), "t", "."), ConfigError);
}

TEST_CASE("scalars have the type that they look like, quoted ones are texts") {
  CHECK(json_of("[1, -2, +3, 9007199254740993, 18446744073709551615, 99999999999999999999, 007]") ==
        R"([1,-2,3,9007199254740993,18446744073709551615,"99999999999999999999",7])");
  CHECK(json_of("[1.5, .5, 1e3, -, ., 1.2.3, 0x10, 2024-01-31, 12:30]") ==
        R"([1.5E0,5E-1,1E3,"-",".","1.2.3","0x10","2024-01-31","12:30"])");
  CHECK(json_of("[true, False, yes, no, ~, null, '', \"\", , !!str 5, '5', \"true\"]") ==
        R"([true,false,"yes","no",null,null,"","",null,"5","5","true"])");
  CHECK(json_of("a:\nb: |\n  x\n  y\n") == R"({"a":null,"b":"x\ny\n"})");
  CHECK_THROWS_AS(json_of("a: !!binary aGk="), ConfigError);
}

TEST_CASE("JSON is read with its positions") {
  CHECK(json_of("{\"a\": \"\\u00e9\\ud83d\\ude00\\/\\\\ud83d\", \"b\": [1, {\"c\": null}],\n\t\"d\": -1e2}") ==
        R"({"a":"é😀/\\ud83d","b":[1,{"c":null}],"d":-1E2})");
  TempDir dir;
  CHECK(faults(dir,
               "{\n  \"migration\": \"a\",\n  \"source\": {\"connector\": \"files\", \"path\": 5},\n"
               "  \"sink\": {\"connector\": \"files\", \"path\": \"b\"}\n}\n") ==
        "m.yaml:3:44: source.path: expected a path, found 5; put it in quotes");
}

TEST_CASE("environment and files are put in") {
  TempDir dir;
  dir.write("token.txt", "s3cr3t\n");
  setenv("MIGRATE_TEST_NUMBER", "17", 1);
  unsetenv("MIGRATE_TEST_ABSENT");
  std::string text =
      "migration: a\n"
      "source: {connector: files, path: \"x/${env:MIGRATE_TEST_NUMBER}/y\", token: \"${file:token.txt}\",\n"
      "         busy_ms: \"${env:MIGRATE_TEST_NUMBER}\", names: {a: '$${env:X} ${other}'}}\n"
      "sink: {connector: files, path: b}\n";
  MigrationFile file = parsed(dir, text);
  auto source = end_spec().read(file.source.options);
  CHECK(source.path == dir.path() / "x/17/y");
  CHECK(source.token.reveal() == "s3cr3t");
  CHECK(source.busy_ms == 17);
  CHECK(source.names.at("a") == "${env:X} ${other}");
  CHECK(file.warnings.empty());

  try {
    config::parse_document("a: '${env:MIGRATE_TEST_ABSENT}${file:none}'\nb: ['${env:']\n", "t.yaml", "/x");
    FAIL("accepted");
  } catch (const ConfigError& error) {
    CHECK(error.what() ==
          std::string("t.yaml:1:4: a: the environment variable MIGRATE_TEST_ABSENT is not set; "
                      "the file /x/none cannot be read: No such file or directory\n"
                      "t.yaml:2:5: b[0]: \"${env:\" has no closing brace"));
  }
}

TEST_CASE("what cannot be put in is told once, beside all other faults") {
  TempDir dir;
  unsetenv("MIGRATE_TEST_ABSENT");
  const std::string absent = "the environment variable MIGRATE_TEST_ABSENT is not set";
  const std::string text =
      "migration: '${env:MIGRATE_TEST_ABSENT}'\n"
      "source: {connector: files, path: 5, token: '${env:MIGRATE_TEST_ABSENT}', busy_ms: '${env:MIGRATE_TEST_ABSENT}'}\n"
      "sink: {connector: files, path: b, path: c, pth: d}\n"
      "run: {batch_size: -1, mode: '${env:MIGRATE_TEST_ABSENT}'}\n";
  CHECK(faults(dir, text) == "m.yaml:1:12: migration: " + absent +
                                 "\nm.yaml:2:34: source.path: expected a path, found 5; put it in quotes"
                                 "\nm.yaml:2:44: source.token: " +
                                 absent + "\nm.yaml:2:83: source.busy_ms: " + absent +
                                 "\nm.yaml:3:35: sink.path: is written twice"
                                 "\nm.yaml:3:44: sink.pth: unknown option; did you mean \"path\"?"
                                 "\nm.yaml:4:19: run.batch_size: -1 is too small; at least 0"
                                 "\nm.yaml:4:29: run.mode: " +
                                 absent);

  // A connector's name, a whole block, and what lies within a value of any form.
  CHECK(faults(dir, "migration: a\nsource: {connector: '${env:MIGRATE_TEST_ABSENT}', path: 5}\n"
                    "sink: '${env:MIGRATE_TEST_ABSENT}'\n") ==
        "m.yaml:2:21: source.connector: " + absent + "\nm.yaml:3:7: sink: " + absent);
  config::Context context;
  config::Origins origins;
  origins["a.b[0]"].missing = "x";
  origins["a-c"].missing = "y";
  context.origins = &origins;
  struct Anything {
    Value a;
  };
  auto spec = Spec<Anything>("").field("a", &Anything::a, "");
  CHECK_THROWS_WITH_AS(spec.parse(Object{{"a", {{"b", {""}}}}}, context), "a.b[0]: x", ConfigError);

  // Where nothing may stand, what could not be had is not taken for nothing.
  struct Maybe {
    std::optional<std::string> a;
  };
  origins.clear();
  origins["a"].missing = "x";
  auto maybe = Spec<Maybe>("").field("a", &Maybe::a, "");
  CHECK_THROWS_WITH_AS(maybe.parse(Object{{"a", nullptr}}, context), "a: x", ConfigError);

  // Who looks at the state needs nothing of the ends, but does of the state.
  const std::string ends =
      "migration: a\nsource: {connector: files, path: '${env:MIGRATE_TEST_ABSENT}'}\nsink: {connector: '${file:none}'}\n";
  FileOverrides overrides;
  overrides.state_only = true;
  CHECK(parse_migration(dir.write("m.yaml", ends), registry_for_tests(), overrides).name == "a");
  const auto file = dir.write("m.yaml", ends + "working_dir: '${env:MIGRATE_TEST_ABSENT}'\n");
  CHECK_THROWS_AS(parse_migration(file, registry_for_tests(), overrides), ConfigError);

  // What the command line replaces is not missed.
  overrides.working_dir = dir.path() / "elsewhere";
  CHECK(parse_migration(file, registry_for_tests(), overrides).working_dir == dir.path() / "elsewhere");
  CHECK(faults(dir, minimal + "run: {mode: '${env:MIGRATE_TEST_ABSENT}'}\n", {"run.mode=test"}) == "accepted");
}

TEST_CASE("what came from the environment is not shown in faults") {
  TempDir dir;
  setenv("MIGRATE_TEST_SECRET", "hunter2", 1);
  std::string what = faults(dir, minimal +
                                     "run: {batch_size: '${env:MIGRATE_TEST_SECRET}', "
                                     "mode: '${env:MIGRATE_TEST_SECRET}'}\n");
  CHECK(what.find("hunter2") == std::string::npos);
  CHECK(what.find("run.batch_size: expected an integer, found a text") != std::string::npos);
  CHECK(what.find("run.mode: this is none of") != std::string::npos);
}

TEST_CASE("a secret in the file is warned of, one on the command line is refused") {
  TempDir dir;
  std::string text =
      "migration: a\n"
      "source: {connector: files, path: a, token: hunter2}\n"
      "sink: {connector: files, path: b, dsn: 'host=h password=hunter2'}\n";
  MigrationFile file = parsed(dir, text);
  REQUIRE(file.warnings.size() == 2);
  CHECK(file.warnings[0].path == "source.token");
  CHECK(file.warnings[0].line == 2);
  CHECK(file.warnings[1].path == "sink.dsn");

  std::string what = faults(dir, minimal, {"source.token=hunter2", "sink.dsn=postgresql://u:hunter2@h/d"});
  CHECK(what.starts_with("--set: source.token: a secret on the command line"));
  CHECK(what.find("--set: sink.dsn: a secret") != std::string::npos);
  CHECK(what.find("hunter2") == std::string::npos);
  CHECK(faults(dir, minimal, {"sink.dsn=postgresql://u@h/d"}) == "accepted");
  setenv("MIGRATE_TEST_SECRET", "hunter2", 1);
  CHECK(faults(dir, minimal, {"source.token=${env:MIGRATE_TEST_SECRET}"}) == "accepted");
}

TEST_CASE("the command line overrides the file") {
  TempDir dir;
  MigrationFile file =
      parsed(dir, minimal,
             {"source.path=other.db", "source.busy_ms=7", "run.retry.attempts=3", "source.tables[0]=12",
              "source.tables[1]='x'", "run.mode=test", "source.names[\"a b\"]=true", "store={connector: memory}"});
  auto source = end_spec().read(file.source.options);
  CHECK(source.path == fs::current_path() / "other.db");
  CHECK(source.busy_ms == 7);
  CHECK(source.tables == std::vector<std::string>{"12", "x"});
  CHECK(source.names.at("a b") == "true");
  CHECK(file.run.retry.attempts == 3);
  CHECK(file.run.mode == Mode::test);
  CHECK(file.store.name == "memory");
  CHECK(end_spec().read(file.sink.options).path == dir.path() / "out.db");

  CHECK(faults(dir, minimal, {"source.busy_ms=x"}) ==
        "--set: source.busy_ms: expected an integer, found the text \"x\"");
  CHECK(faults(dir, minimal, {"source.urk=x"}).starts_with("--set: source.urk: unknown option"));
  CHECK(faults(dir, minimal, {"source.path.x=1"}) == "--set: source.path.x: source.path is no map");
  CHECK(faults(dir, minimal, {"source.tables[3]=1"}) == "--set: source.tables[3]: source.tables has only 0 elements");
  CHECK(faults(dir, minimal, {"nonsense"}) == "--set: write it as path=value, for example source.url=http://localhost");
}

TEST_CASE("another connector from the command line leaves out what only the file's own one has") {
  TempDir dir;
  const std::string text =
      "migration: a-to-b\n"
      "source: {connector: files, path: in.db}\n"
      "sink: {connector: files, path: out.db, busy_ms: 3}\n";
  MigrationFile file = parsed(dir, text, {"sink.connector=server", "sink.server=here"});
  auto sink = server_spec().read(file.sink.options);
  CHECK(sink.server == "here");
  CHECK(sink.busy_ms == 3);
  CHECK_FALSE(file.sink.options.get_object().contains("path"));

  CHECK(faults(dir, text, {"sink.connector=server", "sink.server=here", "sink.path=x.db"})
            .starts_with("--set: sink.path: unknown option"));
  CHECK(faults(dir, minimal + "  # typo\n", {"sink.connector=server"}).find("sink.server: is missing") !=
        std::string::npos);
  std::string typo = text;
  typo.insert(typo.rfind('}'), ", sevrer: x");
  CHECK(faults(dir, typo, {"sink.connector=server", "sink.server=here"}).find("sink.sevrer: unknown option") !=
        std::string::npos);
}

TEST_CASE("a working directory from the command line") {
  TempDir dir;
  FileOverrides overrides;
  overrides.working_dir = "elsewhere";
  MigrationFile file = parse_migration(dir.write("m.yaml", minimal), registry_for_tests(), overrides);
  CHECK(file.working_dir == fs::current_path() / "elsewhere");
  CHECK(file.store.options.at("path").as_string() == (fs::current_path() / "elsewhere/migration.db").string());
}

TEST_CASE("the schema of a whole file lists every connector") {
  Value schema = migration_schema(registry_for_tests());
  const Array& sources = schema.at("properties").at("source").at("oneOf").as_array();
  REQUIRE(sources.size() == 1);
  CHECK(sources[0].at("properties").at("connector").at("const") == "files");
  CHECK(schema.at("properties").at("store").at("oneOf").as_array().size() == 2);
  CHECK(migration_markdown().find("| `run.retry.attempts` |") != std::string::npos);
}
