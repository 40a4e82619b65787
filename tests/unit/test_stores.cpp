// Both embedded checkpoint stores: the contract, the lock, damage, and commits that share a sync.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <filesystem>
#include <fstream>
#include <future>
#include <limits>
#include <utility>

#include "migrate/checkpoint_store.hpp"

namespace fs = std::filesystem;
using namespace migrate;

namespace {

struct TempFolder {
  fs::path path;
  TempFolder() {
    std::string pattern = (fs::temp_directory_path() / "migrate-store-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~TempFolder() { fs::remove_all(path); }
  fs::path file() const { return path / "migration.db"; }
};

template <class T>
T wait_for(awaitable<T> work) {
  boost::asio::io_context context;
  std::optional<T> result;
  std::exception_ptr failure;
  boost::asio::co_spawn(context, std::move(work), [&](std::exception_ptr trouble, T value) {
    failure = trouble;
    result.emplace(std::move(value));
  });
  context.run();
  if (failure) std::rethrow_exception(failure);
  return std::move(*result);
}

void wait_for(awaitable<void> work) {
  boost::asio::io_context context;
  std::exception_ptr failure;
  boost::asio::co_spawn(context, std::move(work), [&](std::exception_ptr trouble) { failure = trouble; });
  context.run();
  if (failure) std::rethrow_exception(failure);
}

void put(CheckpointStore& store, std::string key, Value value, Table table = Table::step) {
  std::vector<Entry> entries;
  entries.push_back(Entry{table, std::move(key), std::move(value)});
  wait_for(store.commit(std::move(entries)));
}

std::vector<std::string> keys(CheckpointStore& store, std::string prefix, std::string after, std::size_t limit) {
  std::vector<std::string> found;
  for (Entry& entry : wait_for(store.scan(Table::step, prefix, after, limit))) found.push_back(entry.key);
  return found;
}

using Names = std::vector<std::string>;

void check_contract(CheckpointStore& store) {
  CHECK_FALSE(wait_for(store.get(Table::run, "absent")).has_value());
  std::vector<Entry> entries;
  entries.push_back(Entry{Table::step, "a/1", Value(1)});
  entries.push_back(Entry{Table::step, "a/2", Value{{"nested", {1, 2, nullptr}}}});
  entries.push_back(Entry{Table::step, "b/1", Value("x")});
  entries.push_back(Entry{Table::outcome, "a/1", Value("of another table")});
  entries.push_back(Entry{Table::step, "a/1", Value("the last one wins")});
  wait_for(store.commit(std::move(entries)));

  CHECK(wait_for(store.get(Table::step, "a/1")) == Value("the last one wins"));
  CHECK(wait_for(store.get(Table::outcome, "a/1")) == Value("of another table"));
  CHECK(keys(store, "a/", "", 10) == Names{"a/1", "a/2"});
  CHECK(keys(store, "a/", "a/1", 10) == Names{"a/2"});
  CHECK(keys(store, "", "", 2) == Names{"a/1", "a/2"});
  CHECK(keys(store, "", "a/2", 2) == Names{"b/1"});
  CHECK(keys(store, "b", "a/1", 2) == Names{"b/1"});
  CHECK(keys(store, "c", "", 2).empty());

  std::vector<std::string> wanted{"b/1", "none", "a/2"};
  std::vector<Value> several = wait_for(store.get_many(Table::step, wanted));
  REQUIRE(several.size() == 3);
  CHECK(several[0] == Value("x"));
  CHECK(several[1].is_null());
  CHECK(several[2] == Value{{"nested", {1, 2, nullptr}}});

  put(store, "a/1", nullptr);
  CHECK_FALSE(wait_for(store.get(Table::step, "a/1")).has_value());
  put(store, "never there", nullptr);
}

void check_values(CheckpointStore& store) {
  const std::string nul("a\0b", 3);
  const std::string foreign("\xC7\xE1\xFF key");
  Value deep(1);
  for (int i = 0; i < 200; ++i) {
    Array outer;
    outer.push_back(std::move(deep));
    deep = std::move(outer);
  }
  const std::vector<Value> values{Value(std::numeric_limits<std::int64_t>::min()),
                                  Value(std::numeric_limits<std::int64_t>::max()),
                                  Value(std::numeric_limits<std::uint64_t>::max()),
                                  Value(0.1),
                                  Value(-0.0),
                                  Value(5e-324),
                                  Value(1.0),
                                  Value(""),
                                  Value(nul),
                                  Value(foreign),
                                  Value("\xF0\x9F\x9A\x9A \xD8\xB3"),
                                  Value(std::string(1 << 20, 'x')),
                                  Value(Object()),
                                  Value(Array()),
                                  Value(false),
                                  std::move(deep)};
  for (std::size_t i = 0; i < values.size(); ++i) {
    CAPTURE(i);
    for (const std::string& key : {std::to_string(i), nul + std::to_string(i), foreign + std::to_string(i)}) {
      put(store, key, values[i]);
      std::optional<Value> found = wait_for(store.get(Table::step, key));
      REQUIRE(found.has_value());
      CHECK((*found == values[i]));
      CHECK((found->kind() == values[i].kind()));
    }
  }
  CHECK(keys(store, nul, "", 100).size() == values.size());
  CHECK(keys(store, foreign, "", 100).size() == values.size());
}

std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

Error refusal(const fs::path& file) {
  try {
    open_sqlite_store(file);
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorKind::internal, "none", "opened without complaint");
}

void check_put_aside(const TempFolder& folder, int n) {
  const std::string before = content(folder.file());
  Error error = refusal(folder.file());
  const std::string message = error.what();
  CAPTURE(message);
  CHECK(error.kind() == ErrorKind::internal);
  CHECK(error.cause == "corrupt_state");
  const fs::path aside = folder.path / ("migration.db.corrupt-" + std::to_string(n));
  CHECK(message.find(folder.file().string()) != std::string::npos);
  CHECK(message.find(aside.string()) != std::string::npos);
  CHECK_FALSE(error.advice.empty());
  CHECK_FALSE(fs::exists(folder.file()));
  CHECK((content(aside) == before));
  std::shared_ptr<CheckpointStore> store = open_sqlite_store(folder.file());
  CHECK(keys(*store, "", "", 1).empty());
}

/// Runs `work` in a process that then dies without closing anything.
template <class Work>
void in_killed_process(Work work) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    work();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(status == 0);
}

void edit(const fs::path& file, const char* sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
  CHECK(sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(db);
}

}  // namespace

TEST_CASE("memory store: contract") {
  check_contract(*make_memory_store());
  check_values(*make_memory_store());
}

TEST_CASE("sqlite store: contract, in place and on a pool") {
  TempFolder folder;
  {
    std::shared_ptr<CheckpointStore> store = open_sqlite_store(folder.file());
    check_contract(*store);
  }
  Services services;
  services.pool = std::make_shared<boost::asio::thread_pool>(2);
  std::shared_ptr<CheckpointStore> store = open_sqlite_store(folder.path / "other.db", services);
  check_contract(*store);
  check_values(*store);
}

TEST_CASE("sqlite store: what was committed is there at the next opening") {
  TempFolder folder;
  {
    std::shared_ptr<CheckpointStore> store = open_sqlite_store(folder.file());
    check_values(*store);
  }
  std::shared_ptr<CheckpointStore> store = open_sqlite_store(folder.file());
  CHECK(wait_for(store->get(Table::step, "0")) == Value(std::numeric_limits<std::int64_t>::min()));
  put(*store, "0", "changed");
  CHECK(wait_for(store->get(Table::step, "0")) == Value("changed"));
}

TEST_CASE("memory store: values outlive the batch that they came from") {
  std::shared_ptr<CheckpointStore> store = make_memory_store();
  const std::string text = "a text that is too long to live inside of the value itself";
  {
    Value value(boost::json::make_shared_resource<boost::json::monotonic_resource>());
    value = text;
    put(*store, "k", std::move(value));
  }
  std::optional<Value> found = wait_for(store->get(Table::step, "k"));
  REQUIRE(found.has_value());
  CHECK(*found == Value(text));
  CHECK_FALSE(found->storage().is_shared());
}

TEST_CASE("stores: a crash before a commit leaves nothing, one after it leaves all") {
  TempFolder folder;
  std::string crash_at;
  Services services;
  services.fault_point = [&](std::string_view point) {
    if (point == crash_at) throw SimulatedCrash{std::string(point)};
  };
  std::vector<std::shared_ptr<CheckpointStore>> stores{make_memory_store(services),
                                                       open_sqlite_store(folder.file(), services)};
  services.pool = std::make_shared<boost::asio::thread_pool>(1);
  stores.push_back(open_sqlite_store(folder.path / "pool.db", services));
  for (const std::shared_ptr<CheckpointStore>& store : stores) {
    crash_at = "store.commit before";
    CHECK_THROWS_AS(put(*store, "k", 1), SimulatedCrash);
    CHECK_FALSE(wait_for(store->get(Table::step, "k")).has_value());
    crash_at = "store.commit after";
    CHECK_THROWS_AS(put(*store, "k", 2), SimulatedCrash);
    crash_at.clear();
    CHECK(wait_for(store->get(Table::step, "k")) == Value(2));
    put(*store, "k", 3);
    CHECK(wait_for(store->get(Table::step, "k")) == Value(3));
  }
}

TEST_CASE("sqlite store: concurrent commits share transactions and keep their order") {
  TempFolder folder;
  Services services;
  services.pool = std::make_shared<boost::asio::thread_pool>(2);
  int transactions = 0;
  services.fault_point = [&](std::string_view point) { transactions += point == "store.commit before"; };
  std::shared_ptr<CheckpointStore> store = open_sqlite_store(folder.file(), services);
  boost::asio::io_context context;
  std::vector<int> order;
  constexpr int commits = 500;
  auto one = [&](int n) -> awaitable<void> {
    std::vector<Entry> entries;
    entries.push_back(Entry{Table::step, "last", Value(n)});
    entries.push_back(Entry{Table::step, "n/" + std::to_string(n), Value(n)});
    co_await store->commit(std::move(entries));
    std::string key = "n/" + std::to_string(n);
    std::optional<Value> mine = co_await store->get(Table::step, std::move(key));
    CHECK((mine && *mine == Value(n)));
    order.push_back(n);
  };
  // lint-allow: detached because the number of those that came to their end is checked below
  for (int i = 0; i < commits; ++i) boost::asio::co_spawn(context, one(i), boost::asio::detached);
  context.run();
  REQUIRE(order.size() == commits);
  CHECK(std::is_sorted(order.begin(), order.end()));
  CHECK(wait_for(store->get(Table::step, "last")) == Value(commits - 1));
  CHECK(transactions < commits / 2);
}

TEST_CASE("sqlite store: what nobody waits for is read at once and durable before what comes later") {
  TempFolder folder;
  Services services;
  services.pool = std::make_shared<boost::asio::thread_pool>(2);
  {
    auto store = open_sqlite_store(folder.file(), services);
    put(*store, "record/old", 1);
    auto work = [&]() -> awaitable<std::size_t> {
      std::size_t wrong = 0;
      for (int number = 0; number < 50; ++number) {
        const std::string key = fmt::format("record/{:02}", number);
        for (int value = 0; value < 2; ++value) {
          std::vector<Entry> entries;
          entries.push_back(Entry{Table::step, key, value});
          entries.push_back(Entry{Table::step, "record/old", value == 0 ? Value() : Value(number)});
          co_await store->commit_soon(std::move(entries));
          const std::optional<Value> read = co_await store->get(Table::step, key);
          const std::optional<Value> old = co_await store->get(Table::step, "record/old");
          if (!read || *read != Value(value) || old.has_value() != (value == 1)) ++wrong;
        }
        if (number % 2 == 0) {
          const std::vector<Entry> rows = co_await store->scan(Table::step, "record/", "", 100);
          if (rows.size() != static_cast<std::size_t>(number) + 2) ++wrong;
          continue;
        }
        std::vector<std::string> both{key, "record/old"};
        const std::vector<Value> many = co_await store->get_many(Table::step, std::move(both));
        if (many[0] != Value(1) || many[1] != Value(number)) ++wrong;
      }
      co_return wrong;
    };
    CHECK(wait_for(work()) == 0);
  }
  std::promise<void> free;
  services.pool = std::make_shared<boost::asio::thread_pool>(1);
  boost::asio::post(*services.pool, [hold = free.get_future().share()] { hold.wait(); });
  {
    auto store = open_sqlite_store(folder.file(), services);
    std::vector<Entry> last;
    last.push_back(Entry{Table::step, "record/last", true});
    wait_for(store->commit_soon(std::move(last)));
  }  // it arrives although the store goes before a thread has had time for it
  free.set_value();
  services.pool->join();
  auto store = open_sqlite_store(folder.file());
  CHECK(keys(*store, "record/", "", 100).size() == 52);
  CHECK(wait_for(store->get(Table::step, "record/last")) == Value(true));
}

TEST_CASE("sqlite store: a strand that ends before a commit has left does not hold up the next one") {
  TempFolder folder;
  Services services;
  services.pool = std::make_shared<boost::asio::thread_pool>(1);
  std::shared_ptr<CheckpointStore> store = open_sqlite_store(folder.file(), services);
  {
    boost::asio::io_context context;
    std::vector<Entry> entries;
    entries.push_back(Entry{Table::step, "first", Value(1)});
    // lint-allow: detached because it is abandoned on purpose
    boost::asio::co_spawn(context, store->commit_soon(std::move(entries)), boost::asio::detached);
    context.run_one();  // what sends it off is still in the queue
  }
  put(*store, "second", Value(2));
  CHECK(wait_for(store->get(Table::step, "first")) == Value(1));
  CHECK(wait_for(store->get(Table::step, "second")) == Value(2));
  store.reset();
  store = open_sqlite_store(folder.file(), services);
  CHECK(keys(*store, "", "", 10) == Names{"first", "second"});
}

TEST_CASE("stores: where a commit that nobody waits for fails, every later one tells") {
  TempFolder folder;
  for (const bool pool : {false, true}) {
    CAPTURE(pool);
    Services services;
    if (pool) services.pool = std::make_shared<boost::asio::thread_pool>(1);
    bool broken = false;
    services.fault_point = [&](std::string_view point) {
      if (std::exchange(broken, false)) throw SimulatedCrash{std::string(point)};
    };
    auto store = open_sqlite_store(folder.path / (pool ? "pool.db" : "here.db"), services);
    broken = true;
    const auto soon = [&] {
      std::vector<Entry> entries;
      entries.push_back(Entry{Table::step, "lost", 1});
      wait_for(store->commit_soon(std::move(entries)));
    };
    if (!pool) {
      CHECK_THROWS_AS(soon(), SimulatedCrash);
      continue;
    }
    soon();
    CHECK_THROWS_AS(put(*store, "behind", 2), SimulatedCrash);
    CHECK_THROWS_AS(put(*store, "further behind", 3), SimulatedCrash);
    store.reset();
    store = open_sqlite_store(folder.path / "pool.db");
    CHECK(keys(*store, "", "", 10).empty());
  }
}

TEST_CASE("sqlite store: a second opener is refused and told who has it") {
  TempFolder folder;
  {
    std::shared_ptr<CheckpointStore> store = open_sqlite_store(folder.file());
    Error error = refusal(folder.file());
    CHECK(error.kind() == ErrorKind::conflict);
    CHECK(error.cause == "in_use");
    CHECK(std::string(error.what()).find(std::to_string(::getpid())) != std::string::npos);
    CHECK(std::string(error.what()).find(folder.file().string()) != std::string::npos);
  }
  CHECK_NOTHROW(open_sqlite_store(folder.file()));
}

TEST_CASE("sqlite store: a killed process leaves its commits and no lock") {
  TempFolder folder;
  in_killed_process([&] {
    auto store = std::make_unique<std::shared_ptr<CheckpointStore>>(open_sqlite_store(folder.file()));
    put(**store, "k", "committed");
    store.release();
  });
  REQUIRE(fs::exists(folder.path / "migration.db-wal"));
  std::shared_ptr<CheckpointStore> store = open_sqlite_store(folder.file());
  CHECK(wait_for(store->get(Table::step, "k")) == Value("committed"));
}

TEST_CASE("sqlite store: unsound files are put aside unchanged, and the next opening starts empty") {
  TempFolder folder;
  auto write = [&](std::string_view bytes) {
    fs::remove(folder.file());
    std::ofstream(folder.file(), std::ios::binary) << bytes;
  };
  {
    std::shared_ptr<CheckpointStore> store = open_sqlite_store(folder.file());
    for (int i = 0; i < 300; ++i) put(*store, std::to_string(i), Value(std::string(200, 'x')));
  }
  const std::string sound = content(folder.file());
  REQUIRE(sound.size() > 40000);
  int n = 1;
  SUBCASE("not a database") { write("this is not a database, but a text of some length that says so"); }
  SUBCASE("empty") { write(""); }
  SUBCASE("shorter than a header") { write("SQLite form"); }
  SUBCASE("truncated") { write(std::string_view(sound).substr(0, sound.size() / 2)); }
  SUBCASE("truncated within a page") { write(std::string_view(sound).substr(0, 5000)); }
  SUBCASE("overwritten in the middle") {
    std::string damaged = sound;
    for (std::size_t at = 40000; at < 60000; ++at) damaged[at] = static_cast<char>(at * 7);
    write(damaged);
  }
  SUBCASE("a database of another program") {
    fs::remove(folder.file());
    edit(folder.file(), "CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  }
  SUBCASE("a table is missing") { edit(folder.file(), "DROP TABLE cursor"); }
  SUBCASE("names of earlier ones are not reused") {
    std::ofstream(folder.path / "migration.db.corrupt-1") << "earlier";
    write("garbage");
    n = 2;
  }
  check_put_aside(folder, n);
  if (n == 2) CHECK(content(folder.path / "migration.db.corrupt-1") == "earlier");
}

TEST_CASE("sqlite store: the log of a damaged state goes aside with it") {
  TempFolder folder;
  in_killed_process([&] {
    auto store = std::make_unique<std::shared_ptr<CheckpointStore>>(open_sqlite_store(folder.file()));
    put(**store, "k", "committed");
    store.release();
  });
  const std::string log = content(folder.path / "migration.db-wal");
  SUBCASE("database damaged") {
    std::ofstream(folder.file(), std::ios::binary) << std::string(4096, 'g');
    check_put_aside(folder, 1);
  }
  SUBCASE("database gone") {
    fs::remove(folder.file());
    std::shared_ptr<CheckpointStore> store = open_sqlite_store(folder.file());
    CHECK(keys(*store, "", "", 1).empty());
  }
  CHECK((content(folder.path / "migration.db.corrupt-1-wal") == log));
}

TEST_CASE("sqlite store: a state of a newer version is refused and left alone") {
  TempFolder folder;
  open_sqlite_store(folder.file());
  edit(folder.file(), "PRAGMA user_version=99");
  Error error = refusal(folder.file());
  CHECK(error.kind() == ErrorKind::unsupported);
  CHECK(fs::exists(folder.file()));
}

TEST_CASE("sqlite store: places where no state can be say so") {
  TempFolder folder;
  Error missing = refusal(folder.path / "absent" / "migration.db");
  CHECK(missing.cause == "state_unusable");
  CHECK(std::string(missing.what()).find("does not exist") != std::string::npos);

  fs::create_directory(folder.path / "folder");
  Error directory = refusal(folder.path / "folder");
  CHECK(directory.cause == "state_unusable");
  CHECK(fs::is_directory(folder.path / "folder"));

  if (::geteuid() != 0) {
    fs::create_directory(folder.path / "read-only");
    fs::permissions(folder.path / "read-only", fs::perms::owner_read | fs::perms::owner_exec);
    Error denied = refusal(folder.path / "read-only" / "migration.db");
    CHECK(denied.cause == "state_unusable");
    CHECK_FALSE(denied.advice.empty());
  }
}

TEST_CASE("sqlite store: a full disk is said so, and the state stays usable") {
  TempFolder folder;
  {
    std::shared_ptr<CheckpointStore> store = open_sqlite_store(folder.file());
    put(*store, "k", 1);
  }
  // SQLite's own limit stands for the disk's: the result code is the same.
  sqlite3_auto_extension(reinterpret_cast<void (*)()>(+[](sqlite3* db, char**, const void*) {
    return sqlite3_exec(db, "PRAGMA max_page_count=20", nullptr, nullptr, nullptr);
  }));
  Error error;
  {
    std::shared_ptr<CheckpointStore> store = open_sqlite_store(folder.file());
    try {
      put(*store, "big", Value(std::string(1 << 20, 'x')));
    } catch (const Error& trouble) {
      error = trouble;
    }
    CHECK(wait_for(store->get(Table::step, "k")) == Value(1));
    put(*store, "small", 2);
    CHECK_FALSE(wait_for(store->get(Table::step, "big")).has_value());
  }
  sqlite3_reset_auto_extension();
  CHECK(error.cause == "disk_full");
  CHECK(error.kind() == ErrorKind::internal);
  CHECK(std::string(error.what()).find(folder.file().string()) != std::string::npos);
  CHECK_FALSE(error.advice.empty());
}
