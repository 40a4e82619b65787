#include <algorithm>
#include <array>
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>
#include <deque>
#include <iterator>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "migrate/checkpoint_store.hpp"
#include "migrate/json.hpp"
#include "sqlite_state_file.hpp"

MIGRATE_BEGIN

namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using state_file::Connection;
using state_file::Statement;

/// An entry as it is written: what crosses to the thread that writes owns its bytes.
struct Row {
  Table table;
  std::string key;
  std::optional<std::string> value;
};

struct Pending {
  std::vector<Row> rows;
  asio::any_io_executor home;
  asio::any_completion_handler<void(std::exception_ptr)> done;  ///< empty: nobody waits
};

bool is_unheard(const Pending& pending) { return !pending.done; }

/// Outlives the store as long as a strand still holds a departure that has not begun.
struct Queue {
  std::mutex mutex;
  std::deque<Pending> waiting, under_way;
  bool scheduled = false, closed = false;
  std::exception_ptr failure;  ///< of a commit that nobody waited for
};

/// What waits on the strand for its turn. When the strand ends before it, the next commit has to find another way.
template <class Function>
class Departure {
 public:
  Departure(std::shared_ptr<Queue> queue, Function depart) : queue_(std::move(queue)), depart_(std::move(depart)) {}
  Departure(Departure&&) noexcept = default;
  Departure(const Departure&) = delete;
  ~Departure() {
    if (!queue_) return;
    std::scoped_lock guard(queue_->mutex);
    queue_->scheduled = false;
  }
  void operator()() {
    queue_ = nullptr;
    depart_();
  }

 private:
  std::shared_ptr<Queue> queue_;
  Function depart_;
};

void bind_text(sqlite3_stmt* statement, int index, std::string_view text) {
  sqlite3_bind_text64(statement, index, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

std::string_view column_text(sqlite3_stmt* statement, int index) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, index));
  return std::string_view(text, static_cast<std::size_t>(sqlite3_column_bytes(statement, index)));
}

/// Leaves a statement ready for its next use, however the present one ends.
struct Reset {
  sqlite3_stmt* statement;
  ~Reset() {
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
  }
};

Value parse(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = 1024;
  options.allow_invalid_utf8 = true;  // a key or value of the source is kept as it was met
  return parse_json(text, boost::json::storage_ptr(), options);
}

/// One connection and the statements of every table. Not for two threads at once.
class Database {
 public:
  Database(const fs::path& file, bool read_only) : file_(file), db_(state_file::connect(file, read_only)) {
    state_file::execute(db_.get(), "PRAGMA synchronous=FULL", file_);
    state_file::execute(db_.get(), "PRAGMA journal_size_limit=67108864", file_);
    begin_ = state_file::prepare(db_.get(), "BEGIN IMMEDIATE", file_);
    begin_read_ = state_file::prepare(db_.get(), "BEGIN", file_);
    commit_ = state_file::prepare(db_.get(), "COMMIT", file_);
  }

  void begin() { run(begin_.get()); }
  void commit() { run(commit_.get()); }

  void write(const Row& row) {
    sqlite3_stmt* put = row.value ? statement(put_, row.table, "INSERT OR REPLACE INTO \"{}\" VALUES(?,?)")
                                  : statement(erase_, row.table, "DELETE FROM \"{}\" WHERE key=?");
    bind_text(put, 1, row.key);
    if (row.value) bind_text(put, 2, *row.value);
    run(put);
  }

  void roll_back() noexcept {
    if (sqlite3_get_autocommit(db_.get()) == 0) sqlite3_exec(db_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  }

  std::optional<Value> get(Table table, std::string_view key) {
    sqlite3_stmt* select = statement(get_, table, "SELECT value FROM \"{}\" WHERE key=?");
    Reset reset{select};
    bind_text(select, 1, key);
    std::optional<Value> value;
    if (step(select)) value.emplace(read_value(select, 0, table, key));
    return value;
  }

  /// In one transaction: each statement of its own would lock the file and let it go again.
  std::vector<Value> get_many(Table table, const std::vector<std::string>& keys) {
    std::vector<Value> values;
    values.reserve(keys.size());
    run(begin_read_.get());
    try {
      for (const std::string& key : keys) {
        std::optional<Value> value = get(table, key);
        values.push_back(value ? std::move(*value) : Value(nullptr));
      }
    } catch (...) {
      roll_back();
      throw;
    }
    run(commit_.get());
    return values;
  }

  std::vector<Entry> scan(Table table, const std::string& prefix, const std::string& after, std::size_t limit) {
    // Keys before the prefix are none of ours, so that the index answers from one place on.
    const bool from_start = after < prefix || after.empty();
    sqlite3_stmt* select =
        from_start ? statement(first_, table, "SELECT key, value FROM \"{}\" WHERE key>=? ORDER BY key LIMIT ?")
                   : statement(next_, table, "SELECT key, value FROM \"{}\" WHERE key>? ORDER BY key LIMIT ?");
    Reset reset{select};
    bind_text(select, 1, from_start ? prefix : after);
    sqlite3_bind_int64(select, 2, static_cast<sqlite3_int64>(limit));
    std::vector<Entry> entries;
    while (step(select)) {
      std::string_view key = column_text(select, 0);
      if (!key.starts_with(prefix)) break;
      entries.push_back(Entry{table, std::string(key), read_value(select, 1, table, key)});
    }
    return entries;
  }

 private:
  using Statements = std::array<Statement, table_count>;

  sqlite3_stmt* statement(Statements& kind, Table table, const char* sql) {
    Statement& found = kind[static_cast<std::size_t>(table)];
    if (!found) found = state_file::prepare(db_.get(), fmt::format(fmt::runtime(sql), to_string(table)), file_);
    return found.get();
  }

  /// A statement that gives no rows.
  void run(sqlite3_stmt* statement) {
    Reset reset{statement};
    const int code = sqlite3_step(statement);
    if (code != SQLITE_DONE) throw state_file::describe(db_.get(), code, file_, "written");
  }

  bool step(sqlite3_stmt* select) {
    const int code = sqlite3_step(select);
    if (code != SQLITE_ROW && code != SQLITE_DONE) throw state_file::describe(db_.get(), code, file_, "read");
    return code == SQLITE_ROW;
  }

  Value read_value(sqlite3_stmt* select, int index, Table table, std::string_view key) {
    try {
      return parse(column_text(select, index));
    } catch (const std::exception& trouble) {
      throw Error(ErrorKind::internal, "corrupt_state",
                  fmt::format("the state {} is damaged: {} {} is not JSON: {}", file_.string(), to_string(table), key,
                              trouble.what()))
          .with_advice("Put the file back from a backup, or move it away to begin with an empty state.");
    }
  }

  fs::path file_;
  Connection db_;
  Statement begin_, begin_read_, commit_;
  Statements put_, erase_, get_, first_, next_;
};

class SqliteStore final : public CheckpointStore {
 public:
  SqliteStore(const fs::path& file, const Services& services, state_file::Damaged damaged)
      : services_(services),
        read_only_(damaged == state_file::Damaged::stays && state_file::is_read_only(file)),
        lock_(file, read_only_) {
    state_file::make_sound(file, services, damaged, read_only_);
    writer_.emplace(file, read_only_);
    reader_.emplace(file, read_only_);
    if (services_.pool) thread_.emplace(1);
  }

  ~SqliteStore() override {
    {
      std::scoped_lock guard(queue_->mutex);
      queue_->closed = true;  // whatever departs from now on finds no thread
    }
    if (thread_) thread_->join();
    std::scoped_lock guard(queue_->mutex);
    const bool promised = std::any_of(queue_->waiting.begin(), queue_->waiting.end(), is_unheard);
    if (promised && !queue_->failure) write(queue_->waiting);
  }

  awaitable<void> commit(std::vector<Entry> entries) override {
    std::vector<Row> rows = rows_of(entries);
    if (!services_.pool) {
      write_here(std::move(rows));
      co_return;
    }
    asio::any_io_executor home = co_await asio::this_coro::executor;
    home = asio::prefer(home, asio::execution::outstanding_work.tracked);
    auto enqueue = [&](auto handler) { queue(Pending{std::move(rows), std::move(home), std::move(handler)}); };
    // Not on_pool(): the commit that is under way carries all that came meanwhile. Once queued it cannot be cancelled.
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void(std::exception_ptr)>(enqueue,
                                                                                           asio::use_awaitable);
  }

  awaitable<void> commit_soon(std::vector<Entry> entries) override {
    std::vector<Row> rows = rows_of(entries);
    if (!services_.pool) {
      write_here(std::move(rows));
      co_return;
    }
    asio::any_io_executor home = co_await asio::this_coro::executor;
    queue(Pending{std::move(rows), std::move(home), {}});
  }

  awaitable<std::optional<Value>> get(Table table, std::string key) override {
    std::optional<Value> soon = queued(table, key);
    if (soon && soon->is_null()) co_return std::nullopt;
    if (soon) co_return soon;
    // In place: a look-up by key costs less than changing threads.
    std::scoped_lock guard(reader_mutex_);
    co_return reader_->get(table, key);
  }

  awaitable<std::vector<Value>> get_many(Table table, std::vector<std::string> keys) override {
    co_await settle();
    auto work = [&] {
      std::scoped_lock guard(reader_mutex_);
      return reader_->get_many(table, keys);
    };
    co_return co_await on_pool(services_, work);
  }

  awaitable<std::vector<Entry>> scan(Table table, std::string prefix, std::string after, std::size_t limit) override {
    co_await settle();
    auto work = [&] {
      std::scoped_lock guard(reader_mutex_);
      return reader_->scan(table, prefix, after, limit);
    };
    co_return co_await on_pool(services_, work);
  }

 private:
  static std::vector<Row> rows_of(std::vector<Entry>& entries) {
    std::vector<Row> rows;
    rows.reserve(entries.size());
    for (Entry& entry : entries) {
      rows.push_back(Row{entry.table, std::move(entry.key), std::nullopt});
      if (!entry.value.is_null()) rows.back().value = boost::json::serialize(entry.value);
    }
    return rows;
  }

  void write_here(std::vector<Row> rows) {
    std::deque<Pending> group(1);
    group.front().rows = std::move(rows);
    if (std::exception_ptr failure = write(group)) std::rethrow_exception(failure);
  }

  /// What commit_soon() was given for the key and is not written yet; null where it erases it.
  std::optional<Value> queued(Table table, std::string_view key) {
    std::scoped_lock guard(queue_->mutex);
    for (const std::deque<Pending>* group : {&queue_->waiting, &queue_->under_way})
      for (auto pending = group->rbegin(); pending != group->rend(); ++pending)
        for (auto row = pending->rows.rbegin(); is_unheard(*pending) && row != pending->rows.rend(); ++row)
          if (row->table == table && row->key == key) return row->value ? parse(*row->value) : Value();
    return std::nullopt;
  }

  /// Waits for what commit_soon() was given.
  awaitable<void> settle() {
    bool unheard = false;
    {
      std::scoped_lock guard(queue_->mutex);
      for (const std::deque<Pending>* group : {&queue_->waiting, &queue_->under_way})
        unheard = unheard || std::any_of(group->begin(), group->end(), is_unheard);
    }
    std::vector<Entry> nothing;
    if (unheard) co_await commit(std::move(nothing));
  }

  /// One transaction, so one sync, for the whole group.
  std::exception_ptr write(const std::deque<Pending>& group) noexcept {
    try {
      services_.reach("store.commit before");
      writer_->begin();
      for (const Pending& pending : group)
        for (const Row& row : pending.rows) writer_->write(row);
      writer_->commit();
      services_.reach("store.commit after");
      return nullptr;
    } catch (...) {
      writer_->roll_back();
      return std::current_exception();
    }
  }

  /// The commit leaves when everything that is ready on the strand has had its say: what twenty items want to be made
  /// durable at the same moment takes one sync, not several.
  void queue(Pending pending) {
    asio::any_io_executor home = pending.home;
    {
      std::scoped_lock guard(queue_->mutex);
      queue_->waiting.push_back(std::move(pending));
      if (queue_->scheduled) return;
      queue_->scheduled = true;
    }
    // The lock keeps the store where it is until the job is posted; from then on the destructor waits for the job.
    auto depart = [this, queue = queue_] {
      std::scoped_lock guard(queue->mutex);
      if (!queue->closed) asio::post(*thread_, [this] { work(); });
    };
    asio::post(home, Departure<decltype(depart)>(queue_, std::move(depart)));
  }

  void work() {
    std::deque<Pending>& group = queue_->under_way;  // changed by this thread alone, under the lock
    for (;;) {
      {
        std::scoped_lock guard(queue_->mutex);
        if (queue_->waiting.empty()) {
          queue_->scheduled = false;
          return;
        }
        group.swap(queue_->waiting);
      }
      const std::exception_ptr failure = queue_->failure ? queue_->failure : write(group);
      std::scoped_lock guard(queue_->mutex);
      if (failure) {
        // What was queued behind a commit that failed must not become durable before it.
        std::move(queue_->waiting.begin(), queue_->waiting.end(), std::back_inserter(group));
        queue_->waiting.clear();
        if (std::any_of(group.begin(), group.end(), is_unheard)) queue_->failure = failure;
      }
      for (Pending& pending : group)
        if (pending.done)
          asio::post(pending.home, [done = std::move(pending.done), failure]() mutable { std::move(done)(failure); });
      group.clear();
    }
  }

  Services services_;
  bool read_only_;         ///< for who only looks, and has no right to write there: a commit is refused
  state_file::Lock lock_;  // before the connections: they are closed first
  std::optional<Database> writer_, reader_;
  std::mutex reader_mutex_;
  std::shared_ptr<Queue> queue_ = std::make_shared<Queue>();
  /// There where there is a pool, and beside it: what is queued there would delay a commit, and a commit it.
  std::optional<asio::thread_pool> thread_;
};

}  // namespace

std::shared_ptr<CheckpointStore> open_sqlite_store(const fs::path& file, const Services& services) {
  return std::make_shared<SqliteStore>(file, services, state_file::Damaged::goes_aside);
}

std::shared_ptr<CheckpointStore> open_sqlite_store_to_look(const fs::path& file, const Services& services) {
  return std::make_shared<SqliteStore>(file, services, state_file::Damaged::stays);
}

MIGRATE_END
