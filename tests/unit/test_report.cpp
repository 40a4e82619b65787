// The reports of a run, from what a run of the engine leaves.
#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <fstream>
#include <iterator>

#include "memory_systems.hpp"
#include "migrate/report_writer.hpp"
#include "temporary_folder.hpp"

using namespace testing_systems;

namespace {

/// Things 1 to `count`; every third fails, with text in its message that no format may be confused by.
struct World {
  TemporaryFolder folder;
  MemoryDatabase database;
  Faults faults;
  std::shared_ptr<CheckpointStore> store = make_memory_store(faults.services());
  std::shared_ptr<MemorySource> source = std::make_shared<MemorySource>();
  Report report;

  explicit World(int count) {
    for (int i = 1; i <= count; ++i) source->add("things", i, Object{{"name", fmt::format("thing {}", i)}});
    Pipeline all = pipeline();
    all.transforms.push_back(transform_with([](Record record, std::vector<Record>& out) {
      if (std::stoll(record.ref.id) % 3 == 0) {
        throw Error(ErrorKind::invalid, "odd", "<script>\"|'& \xE9 \x1B[31m\n" + record.ref.id)
            .with_advice("Mend <it>.");
      }
      record.warnings.push_back(Warning{"shortened", "name", ""});
      out.push_back(std::move(record));
    }));
    RunOptions options;
    options.max_failures = 0;
    report = run_blocking(all, options);
  }
  Pipeline pipeline() {
    Pipeline pipeline;
    pipeline.name = "world";
    pipeline.source = source;
    pipeline.services = faults.services();
    pipeline.sink = std::make_shared<MemoryTables>(database, std::vector<std::string>{"things"}, pipeline.services);
    pipeline.store = store;
    return pipeline;
  }
  std::vector<std::filesystem::path> write(ReportFiles files = ReportFiles()) { return write(pipeline(), files); }
  std::vector<std::filesystem::path> write(Pipeline pipeline, ReportFiles files) {
    files.directory = folder.path;
    files.arguments = shell_word("my file.yaml");
    std::vector<std::filesystem::path> written;
    std::exception_ptr failure;
    boost::asio::io_context context;
    boost::asio::co_spawn(context, write_reports(report, std::move(pipeline), std::move(files)),
                          [&](std::exception_ptr error, std::vector<std::filesystem::path> result) {
                            failure = error;
                            written = std::move(result);
                          });
    context.run();
    if (failure) std::rethrow_exception(failure);
    return written;
  }
  std::string content(const std::string& name) const {
    std::ifstream in(folder.path / name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
};

std::size_t count_of(const std::string& text, const std::string& words) {
  std::size_t count = 0;
  for (std::size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) ++count;
  return count;
}

/// A database that cannot be reached any more.
class GoneTables final : public TableSink {
 public:
  [[noreturn]] static void gone() { throw Error(ErrorKind::transient, "the target is gone"); }
  std::vector<std::string> types() const override { return {"things"}; }
  std::vector<std::string> key_columns(const std::string&) const override { gone(); }
  awaitable<std::vector<Check>> check() override { gone(); }
  awaitable<std::optional<Value>> receipt(std::string) override { gone(); }
  awaitable<std::unique_ptr<TableTransaction>> begin(std::string) override { gone(); }
  awaitable<std::vector<Value>> find(std::string, std::vector<std::string>) override { gone(); }
  awaitable<std::vector<TargetRow>> list(std::string, std::string, std::size_t, bool) override { gone(); }
  awaitable<std::vector<std::string>> keys(std::string, KeyRange) override { gone(); }
  awaitable<std::uint64_t> count(std::string) override { gone(); }
  awaitable<std::vector<std::string>> chunks(std::string) override { gone(); }
  awaitable<UndoResult> undo(std::string) override { gone(); }
};

}  // namespace

TEST_CASE("the final report: every failure, causes, warnings, counters") {
  World world(9);
  world.write();
  const Value report = boost::json::parse(world.content("final-migration-report.json"));
  CHECK(report.at("status") == "done_with_failures");
  CHECK(report.at("types").at("things").at("read") == 9);
  CHECK(report.at("types").at("things").at("written") == 6);
  CHECK(report.at("types").at("things").at("failed") == 3);
  CHECK(report.at("warnings").at("things").at("shortened") == 6);
  REQUIRE(report.at("failures").as_array().size() == 3);
  const Value& failure = report.at("failures").at(1);
  CHECK(failure.at("type") == "things");
  CHECK(failure.at("id") == "6");
  CHECK(failure.at("cause") == "odd");
  // What is no UTF-8 in the data must not make the report unreadable.
  CHECK(failure.at("message").as_string().find("\xEF\xBF\xBD") != std::string::npos);
  CHECK(report.at("left_out").as_array().empty());
  const Value& cause = report.at("causes").at(0);
  CHECK(cause.at("count") == 3);
  CHECK(cause.at("advice") == "Mend <it>.");
  CHECK(cause.at("retry") == "migrate retry 'my file.yaml' --cause odd");
}

TEST_CASE("warnings of a rehearsal are of what would arrive") {
  World world(6);
  CHECK(report_as_text(world.report).find("Warnings (arrived,") != std::string::npos);
  world.report.mode = to_string(Mode::dry_run);
  CHECK(report_as_text(world.report).find("Warnings (would arrive,") != std::string::npos);
}

TEST_CASE("mappings and the workbook hold what arrived") {
  World world(9);
  const auto files = world.write();
  CHECK(files.size() == 5);
  const Object mappings = boost::json::parse(world.content("mappings/things.json")).as_object();
  CHECK(mappings.size() == 6);
  CHECK(mappings.contains("4"));
  CHECK_FALSE(mappings.contains("3"));
  CHECK(world.content("migration-report.xlsx").substr(0, 2) == "PK");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(world.folder.path))
    CHECK(entry.path().extension() != ".tmp");
}

TEST_CASE("after a rollback nothing is listed as being on the target; the former list lies aside") {
  World world(9);
  world.write();
  const std::string before = world.content("mappings/things.json");
  RunOptions options;
  options.mode = Mode::rollback;
  world.report = run_blocking(world.pipeline(), options);
  REQUIRE(world.report.rollback->removed == 6);
  world.write();
  CHECK(world.content("mappings/things.json").empty());
  CHECK(world.content("mappings/former/things.json") == before);
  CHECK(world.content("migration-executive-summary.md").find("# world: Taken back\n") == 0);
  CHECK(world.content("migration-executive-summary.md").find("from the beginning: `migrate run") != std::string::npos);
  world.report.rollback->kept.resize(2);
  CHECK(report_as_text(world.report).find("world: Taken back, 2 kept\n") == 0);
}

TEST_CASE("what a person has left out, what failed earlier and what was not there have not arrived") {
  Report report;
  report.migration = "world";
  report.types["things"].read = 10;
  report.types["things"].written = 6;
  report.types["things"].skipped = 4;
  CHECK(report_as_text(report).find("world: Done: everything arrived\n") == 0);
  report.causes["things"]["skipped_by_person"].count = 3;
  CHECK(report_as_text(report).find("world: Done; 3 left out by a person\n") == 0);
  CHECK(report_as_text(report).find("Did not arrive, by cause") == std::string::npos);
  World world(1);
  Pipeline no_store = world.pipeline();
  no_store.store = nullptr;
  world.report = report;
  world.write(no_store, ReportFiles());
  CHECK(world.content("migration-executive-summary.md").find("7 of 10 records arrived (70.0 %)") != std::string::npos);
  CHECK(world.content("migration-report.html").find("<b>70.0 %</b>arrived") != std::string::npos);
  report.causes["things"]["odd"].count = 2;
  CHECK(report_as_text(report).find("world: Done, but 2 records of earlier runs have not arrived\n") == 0);
  Report nothing;
  nothing.migration = "world";
  CHECK(report_as_text(nothing).find("everything arrived") == std::string::npos);
}

TEST_CASE("foreign text stays text on the page and on the terminal") {
  World world(9);
  world.write();
  const std::string page = world.content("migration-report.html");
  CHECK(page.find("<script") == std::string::npos);
  CHECK(page.find("&lt;script&gt;") != std::string::npos);
  CHECK(count_of(page, "http") == count_of(page, "http-equiv"));
  CHECK(count_of(page, "<svg") == 3);
  CHECK(page.find("prefers-color-scheme: dark") != std::string::npos);
  CHECK(world.content("migration-executive-summary.md").find("<script>") == std::string::npos);
  const std::string text = report_as_text(world.report, "a.yaml --set x=1");
  CHECK(text.find('\x1B') == std::string::npos);
  CHECK(text.find("3 things: odd") != std::string::npos);
  CHECK(text.find("migrate retry a.yaml --set x=1 --cause odd") != std::string::npos);
}

TEST_CASE("long lists are capped with a note; the final report is whole") {
  World world(300);
  ReportFiles files;
  files.max_listed = 10;
  files.max_rows = 20;
  world.write(files);
  const std::string page = world.content("migration-report.html");
  CHECK(page.find("Only the first 10 of 100") != std::string::npos);
  CHECK(count_of(page, "<td>odd</td>") == 10 + 1);  // and its row in the table of causes
  CHECK(boost::json::parse(world.content("final-migration-report.json")).at("failures").as_array().size() == 100);
}

TEST_CASE("a target that is gone costs the lists of what arrived and nothing else") {
  World world(9);
  world.write();
  const std::string before = world.content("mappings/things.json");
  Pipeline broken = world.pipeline();
  broken.sink = std::make_shared<GoneTables>();
  std::filesystem::remove(world.folder.path / "final-migration-report.json");
  world.write(broken, ReportFiles());
  CHECK(world.content("mappings/things.json") == before);
  CHECK(boost::json::parse(world.content("final-migration-report.json")).at("failures").as_array().size() == 3);
}

TEST_CASE("a full disk is told, and the previous report stays whole") {
  if (!std::filesystem::exists("/dev/full")) return;
  World world(9);
  world.write();
  const std::string before = world.content("final-migration-report.json");
  ReportFiles files;
  files.formats = {ReportFormat::json};
  std::filesystem::create_symlink("/dev/full", world.folder.path / "final-migration-report.json.tmp");
  try {
    world.write(files);
    FAIL("nobody noticed");
  } catch (const Error& error) {
    CHECK(error.cause == "file");
    CHECK(std::string(error.what()).find("final-migration-report.json") != std::string::npos);
  }
  CHECK(world.content("final-migration-report.json") == before);
}

TEST_CASE("a share that is not all of it is never shown as 100 %") {
  Report report;
  report.migration = "world";
  report.types["things"].read = 1'000'000;
  report.types["things"].written = 999'999;
  report.types["things"].failed = 1;
  TemporaryFolder folder;
  ReportFiles files;
  files.directory = folder.path;
  files.formats = {ReportFormat::markdown};
  boost::asio::io_context context;
  boost::asio::co_spawn(context, write_reports(report, Pipeline(), files),
                        [](std::exception_ptr error, std::vector<std::filesystem::path>) { CHECK_FALSE(error); });
  context.run();
  std::ifstream in(folder.path / "migration-executive-summary.md");
  const std::string text(std::istreambuf_iterator<char>(in), {});
  CHECK(text.find("99.9 %") != std::string::npos);
  CHECK(text.find("100 %") == std::string::npos);
}

TEST_CASE("every report says how many orphans were cleaned up, and how many files arrived") {
  Report report;
  report.migration = "world";
  report.types["tickets"].read = report.types["tickets"].written = 7;
  report.types["tickets"].files = 8;
  report.types["tickets"].files_written = 6;
  report.orphans_cleaned = 1'003;
  report.orphans_removed = 12;
  TemporaryFolder folder;
  ReportFiles files;
  files.directory = folder.path;
  boost::asio::io_context context;
  boost::asio::co_spawn(context, write_reports(report, Pipeline(), files),
                        [](std::exception_ptr error, std::vector<std::filesystem::path>) { CHECK_FALSE(error); });
  context.run();
  const auto content = [&](const char* name) {
    std::ifstream in(folder.path / name);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const std::string orphans = "1,003 cleaned up by the run, 12 removed";
  for (const std::string& text :
       {report_as_text(report), content("migration-executive-summary.md"), content("migration-report.html")}) {
    CHECK(text.find(orphans) != std::string::npos);
    CHECK(text.find("6 of 8") != std::string::npos);
    CHECK(text.find("75.0 %") != std::string::npos);
  }
  const Value json = boost::json::parse(content("final-migration-report.json"));
  CHECK(json.at("orphans_cleaned") == 1'003);
  CHECK(json.at("orphans_removed") == 12);
  CHECK(json.at("totals").at("files_written") == 6);
  report.types["tickets"].files = report.orphans_cleaned = report.orphans_removed = 0;
  CHECK(report_as_text(report).find("orphan") == std::string::npos);
}

TEST_CASE("after a rollback no report says that attachments are there") {
  Report report;
  report.migration = "world";
  report.status = Status::differences;
  report.types["tickets"].read = report.types["tickets"].written = 7;
  report.types["tickets"].files = 8;
  report.types["tickets"].files_written = 6;
  report.rollback = UndoResult();
  World world(1);
  world.report = report;
  Pipeline no_store = world.pipeline();
  no_store.store = nullptr;
  world.write(no_store, ReportFiles());
  const std::string page = world.content("migration-report.html");
  for (const std::string& text : {report_as_text(report), world.content("migration-executive-summary.md"), page}) {
    CHECK(text.find("6 of 8 had arrived, before the migration was taken back") != std::string::npos);
    CHECK(text.find("75.0 %") == std::string::npos);
  }
  CHECK(page.find("attachments arrived") == std::string::npos);
  const Value json = boost::json::parse(world.content("final-migration-report.json"));
  CHECK(json.at("totals").at("files_written") == 6);
}

TEST_CASE("the summary of a run of chosen records says how the others come") {
  Report report;
  report.migration = "world";
  report.types["things"].read = report.types["things"].written = 5;
  Check chosen;
  chosen.name = "run: chosen records";
  chosen.passed = true;
  chosen.message = "things whose name is <b>";
  report.checks.push_back(chosen);
  World world(1);
  world.report = report;
  Pipeline no_store = world.pipeline();
  no_store.store = nullptr;
  const auto next = [&] {
    world.write(no_store, ReportFiles());
    const std::string text = world.content("migration-executive-summary.md");
    return text.substr(text.find("## Next"));
  };
  CHECK(next().find("brought by a run without that choice: `migrate run 'my file.yaml'`") != std::string::npos);
  CHECK(world.content("migration-report.html").find("whose name is &lt;b&gt;") != std::string::npos);
  world.report.verification = Report::Verification();
  CHECK(next().find("Nothing is left to do") == std::string::npos);
  CHECK(next().find("brought by a run without that choice") != std::string::npos);
  world.report.checks.clear();
  CHECK(next().find("Nothing is left to do") != std::string::npos);
}

TEST_CASE("reports from the state leave the fuller list of a verification where it is") {
  World world(3);
  Report::Verification verification;
  verification.level = "standard";
  verification.differences = 98;
  for (int i = 0; i < 98; ++i) {
    Finding finding;
    finding.record = RecordRef{"things", std::to_string(i)};
    verification.examples.push_back(std::move(finding));
  }
  world.report.verification = verification;
  const auto listed = [&] {
    world.write();
    const std::string text = world.content("verification-results/standard.json");
    return boost::json::parse(text).at("examples").as_array().size();
  };
  CHECK(listed() == 98);
  world.report.verification->examples.resize(20);
  CHECK(listed() == 98);
  CHECK(world.content("migration-report.html").find("Only the first 20 of 98 are listed here") != std::string::npos);
  // That of another run says nothing of this one, and neither does one that has found something else.
  world.report.verification->examples.front().record.id = "else";
  CHECK(listed() == 20);
  world.report.verification = verification;
  CHECK(listed() == 98);
  ++world.report.run;
  world.report.verification->examples.resize(20);
  CHECK(listed() == 20);
}

TEST_CASE("words of a shell") {
  CHECK(shell_word("a/b-c_1.yaml") == "a/b-c_1.yaml");
  CHECK(shell_word("") == "''");
  CHECK(shell_word("a b") == "'a b'");
  CHECK(shell_word("it's; $(x)") == "'it'\\''s; $(x)'");
}

TEST_CASE("names of phases, formats and sums") {
  for (const char* name : {"pre_validation", "extraction", "transformation", "import", "linking", "verification",
                           "post_migration", "rollback"}) {
    REQUIRE(phase_from(name));
    CHECK(to_string(*phase_from(name)) == name);
  }
  CHECK_FALSE(phase_from("imports"));
  CHECK(report_format_from("md") == ReportFormat::markdown);
  CHECK(report_format_from("xlsx") == ReportFormat::xlsx);
  CHECK_FALSE(report_format_from("pdf"));
  Counters sum;
  Counters one;
  one.read = 4;
  one.written = one.skipped = one.dropped = one.failed = 1;
  sum += one;
  sum += one;
  CHECK(sum.read == 8);
  CHECK(sum.balanced());
  ++sum.read;
  CHECK_FALSE(sum.balanced());
}
