#include "store.hpp"

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <chrono>
#include <exception>
#include <map>
#include <mutex>
#include <unordered_map>

#include "connection.hpp"
#include "migrate/json.hpp"

namespace migrate::postgres {

namespace {

// A run that has ended, or was killed, still holds its lock until the server has noticed: its session ends on its own,
// and a restart comes sooner than that.
constexpr std::chrono::milliseconds release_grace{2000};

class PostgresStore final : public CheckpointStore {
 public:
  PostgresStore(StoreConfig config, const Services& services)
      : config_(std::move(config)),
        services_(services),
        table_(quote_name(config_.schema) + "._migrate_state"),
        db_(config_.dsn, services) {}

  awaitable<void> commit(std::vector<Entry> entries) override {
    // Taken on the run's strand, so commits keep the order in which they were asked for.
    auto mine = std::make_shared<Waiting>();
    mine->entries = std::move(entries);
    {
      const std::scoped_lock lock(queue_mutex_);
      queue_.push_back(mine);
    }
    auto work = [&] { commit_queue(*mine); };
    co_await on_pool(services_, work);
  }

  awaitable<std::optional<Value>> get(Table table, std::string key) override {
    std::vector<std::string> keys{std::move(key)};
    std::vector<Value> found = co_await get_many(table, std::move(keys));
    std::optional<Value> result;
    if (!found[0].is_null()) result = std::move(found[0]);
    co_return result;
  }

  awaitable<std::vector<Value>> get_many(Table table, std::vector<std::string> keys) override {
    auto work = [&] { return read(table, keys); };
    co_return co_await on_pool(services_, work);
  }

  awaitable<std::vector<Entry>> scan(Table table, std::string prefix, std::string after, std::size_t limit) override {
    auto work = [&] { return page(table, prefix, after, limit); };
    co_return co_await on_pool(services_, work);
  }

 private:
  struct Waiting {
    std::vector<Entry> entries;
    bool done = false;
    std::exception_ptr failure;
  };

  // With mutex_ held. A lost connection has lost the lock with it: it is taken again, or somebody else has it.
  Connection& connected() {
    if (db_.usable()) return db_;
    db_.open();
    try {
      lock_state();
    } catch (...) {
      db_.close();
      throw;
    }
    return db_;
  }

  // False: somebody has it, and keeps it.
  bool lock_within_grace(const std::string& id) {
    if (db_.run(fmt::format("SELECT pg_try_advisory_lock({})", id)).truth(0, 0)) return true;
    db_.run(fmt::format("SET lock_timeout = {}", release_grace.count()));
    bool taken = true;
    try {
      db_.run(fmt::format("SELECT pg_advisory_lock({})", id));
    } catch (const ServerError& error) {
      if (error.sqlstate != "55P03") throw;  // lock_not_available
      taken = false;
    }
    db_.run("RESET lock_timeout");
    return taken;
  }

  void lock_state() {
    const std::string id = fmt::format("hashtextextended({}, 0)", "'migrate state ' || " + literal(config_.schema));
    if (!lock_within_grace(id)) {
      const Result holder = db_.run(fmt::format(
          "SELECT a.pid, coalesce(a.application_name, ''), coalesce(a.client_addr::text, 'local'), a.usename "
          "FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid WHERE l.locktype = 'advisory' AND l.granted "
          "AND ((l.classid::bigint << 32) | l.objid::bigint) = {} AND l.database = (SELECT oid FROM pg_database "
          "WHERE datname = current_database())",
          id));
      const std::string who = holder.rows() == 0 ? "another session"
                                                 : fmt::format("session {} ({}, from {}, as {})", holder.text(0, 0),
                                                               holder.text(0, 1), holder.text(0, 2), holder.text(0, 3));
      throw Error(ErrorKind::conflict, "state_in_use",
                  fmt::format("The state in schema \"{}\" of {} is in use by {}", config_.schema, db_.describe(), who))
          .with_advice("Wait until that run has ended, or end its session with pg_terminate_backend().");
    }
    const std::string schema = quote_name(config_.schema);
    if (db_.run("SELECT 1 FROM pg_namespace WHERE nspname = " + literal(config_.schema)).rows() == 0) {
      db_.run("CREATE SCHEMA IF NOT EXISTS " + schema);
    }
    db_.run(
        fmt::format("CREATE TABLE IF NOT EXISTS {} (kind smallint, key text COLLATE \"C\", value text NOT NULL, "
                    "PRIMARY KEY (kind, key))",
                    table_));
  }

  // One transaction for all that wait: the first to come here commits for those behind it.
  void commit_queue(Waiting& mine) {
    const std::scoped_lock lock(mutex_);
    if (!mine.done) {
      std::vector<std::shared_ptr<Waiting>> batch;
      {
        const std::scoped_lock queue_lock(queue_mutex_);
        batch.swap(queue_);
      }
      std::exception_ptr failure;
      try {
        write(batch);
      } catch (...) {
        failure = std::current_exception();
      }
      for (const auto& waiting : batch) {
        waiting->done = true;
        waiting->failure = failure;
      }
    }
    if (mine.failure) std::rethrow_exception(mine.failure);
  }

  void write(const std::vector<std::shared_ptr<Waiting>>& batch) {
    std::map<std::pair<int, std::string_view>, const Value*> last;
    for (const auto& waiting : batch) {
      for (const Entry& entry : waiting->entries) last[{static_cast<int>(entry.table), entry.key}] = &entry.value;
    }
    std::string kinds = "{", gone_kinds = "{";
    std::vector<std::string> keys, values, gone;
    for (const auto& [id, value] : last) {
      std::string& list = value->is_null() ? gone_kinds : kinds;
      list += (list.size() > 1 ? "," : "") + std::to_string(id.first);
      (value->is_null() ? gone : keys).emplace_back(id.second);
      if (!value->is_null()) values.push_back(boost::json::serialize(*value));
    }
    const Parameters all{kinds + "}", text_array(keys), text_array(values), gone_kinds + "}", text_array(gone)};
    // One statement, so one transaction and one round trip.
    connected().change(
        "state",
        fmt::format("WITH gone AS (DELETE FROM {0} s USING unnest($4::smallint[], $5::text[]) g(kind, key) "
                    "WHERE s.kind = g.kind AND s.key = g.key) "
                    "INSERT INTO {0} (kind, key, value) SELECT * FROM unnest($1::smallint[], $2::text[], $3::text[]) "
                    "ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value",
                    table_),
        all);
  }

  std::vector<Value> read(Table table, const std::vector<std::string>& keys) {
    std::unordered_multimap<std::string_view, std::size_t> places;
    for (std::size_t i = 0; i < keys.size(); ++i) places.emplace(keys[i], i);
    std::vector<Value> values(keys.size());
    const Parameters which{static_cast<int>(table), text_array(keys)};
    const std::scoped_lock lock(mutex_);
    const Result rows = connected().run(
        fmt::format("SELECT key, value FROM {} WHERE kind = $1 AND key = ANY($2::text[])", table_), which);
    for (int row = 0; row < rows.rows(); ++row) {
      const auto [first, end] = places.equal_range(rows.text(row, 0));
      for (auto place = first; place != end; ++place) values[place->second] = parse_json(rows.text(row, 1));
    }
    return values;
  }

  std::vector<Entry> page(Table table, const std::string& prefix, const std::string& after, std::size_t limit) {
    const Parameters which{static_cast<int>(table), prefix, after, limit};
    const std::scoped_lock lock(mutex_);
    const Result rows = connected().run(
        fmt::format("SELECT key, value FROM {} WHERE kind = $1 AND key >= $2 AND key > $3 AND starts_with(key, $2) "
                    "ORDER BY key LIMIT $4::bigint",
                    table_),
        which);
    std::vector<Entry> entries;
    for (int row = 0; row < rows.rows(); ++row) {
      entries.push_back({table, rows.str(row, 0), parse_json(rows.text(row, 1))});
    }
    return entries;
  }

  StoreConfig config_;
  Services services_;
  std::string table_;
  std::mutex mutex_;  ///< of the connection
  Connection db_;
  std::mutex queue_mutex_;
  std::vector<std::shared_ptr<Waiting>> queue_;
};

}  // namespace

std::shared_ptr<CheckpointStore> make_store(StoreConfig config, const Services& services) {
  return std::make_shared<PostgresStore>(std::move(config), services);
}

}  // namespace migrate::postgres
