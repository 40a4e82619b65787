#include "sink.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>

#include "line.hpp"
#include "migrate/json.hpp"

namespace migrate::jsonl {

namespace fs = std::filesystem;
using sqlite::Statement;
using sqlite::Use;

namespace {

Record parsed(const std::string& line) {
  Record record;
  read_line(line, boost::json::storage_ptr(), "a staged record", "", "id", record);
  return record;
}

std::string after_prefix(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xFF') prefix.pop_back();
  if (!prefix.empty()) ++prefix.back();
  return prefix;
}

}  // namespace

class JsonlTransaction final : public TableTransaction {
 public:
  JsonlTransaction(JsonlSink& sink, Staging& staging, std::string chunk)
      : sink_(sink), staging_(staging), chunk_(std::move(chunk)) {
    staging_.begin();
    change_ = staging_.db().prepare("INSERT INTO changes VALUES(?,?,?,?,?)");
  }
  ~JsonlTransaction() override {
    change_ = Statement();
    if (open_) staging_.roll_back();
  }

  awaitable<void> identify(std::span<Operation> operations) override {
    auto work = [&] {
      std::scoped_lock guard(sink_.mutex_);
      for (Operation& operation : operations) identify(operation);
    };
    co_await on_pool(sink_.services_, work);
  }
  awaitable<WriteResult> write(std::span<Operation> operations) override {
    auto work = [&] {
      std::scoped_lock guard(sink_.mutex_);
      return write_now(operations);
    };
    co_return co_await on_pool(sink_.services_, work);
  }
  awaitable<void> commit(Value receipt) override {
    auto work = [&] {
      std::scoped_lock guard(sink_.mutex_);
      commit_now(receipt);
    };
    co_await on_pool(sink_.services_, work);
  }

 private:
  void identify(Operation& operation) {
    const Record& record = operation.record();
    const bool there = staging_.find(record.ref.type, record.ref.id).has_value();
    if (record.deleted)
      operation.set_action(Action::remove);
    else if (record.intent == Intent::patch)
      operation.set_action(Action::patch);
    else
      operation.set_action(there ? Action::update : Action::create);
    const bool named = there || operation.action() == Action::create;
    operation.set_target_id(named ? Value(record.ref.id) : Value());
  }

  WriteResult write_now(std::span<Operation> operations) {
    sink_.services_.reach("jsonl.write before");
    WriteResult result;
    for (Operation& operation : operations) {
      result.effects.push_back(Effect::unchanged);
      try {
        result.effects.back() = apply(operation);
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::invalid && error.kind() != ErrorKind::not_found) throw;
        result.failures.push_back(UnitFailure{operation.unit(), error});
      }
    }
    sink_.services_.reach("jsonl.write after");
    return result;
  }

  Effect apply(Operation& operation) {
    const Record& record = operation.record();
    const std::optional<Position> there = staging_.find(record.ref.type, record.ref.id);
    std::optional<std::string> former;
    if (there) former = staging_.read(record.ref.type, *there);
    if (operation.action() == Action::remove) {
      if (!former) return Effect::absent;
      note(record.ref, former);
      staging_.erase(record.ref.type, record.ref.id);
      return Effect::removed;
    }
    std::string line;
    if (operation.action() == Action::patch) {
      if (!former)
        throw Error(ErrorKind::not_found, "missing_record",
                    fmt::format("{} {} is to be changed and is not there", record.ref.type, record.ref.id));
      Record merged = parsed(*former);
      for (const auto& field : operation.data()) merged.data.get_object()[field.key()] = detached(field.value());
      for (const Link& link : record.links) {
        std::erase_if(merged.links, [&](const Link& each) { return each.relation == link.relation; });
        merged.links.push_back(link);
      }
      line = line_of(merged);
    } else {
      line = line_of(record);
    }
    if (former && *former == line) return Effect::unchanged;
    note(record.ref, former);
    staging_.set(record.ref.type, record.ref.id, staging_.append(record.ref.type, line));
    return former ? Effect::updated : Effect::created;
  }

  void note(const RecordRef& ref, const std::optional<std::string>& former) {
    Use use(change_);
    change_.bind(1, std::string_view(chunk_));
    change_.bind(2, changes_++);
    change_.bind(3, std::string_view(ref.type));
    change_.bind(4, std::string_view(ref.id));
    if (former) change_.bind(5, std::string_view(*former));
    staging_.db().step(change_);
  }

  void commit_now(const Value& receipt) {
    sink_.services_.reach("jsonl.commit before");
    sqlite::Database& db = staging_.db();
    const std::string text = boost::json::serialize(receipt);
    const std::string stream = chunk_.substr(0, chunk_.rfind('/') + 1), end = after_prefix(stream);
    {
      Statement clear =
          db.prepare("UPDATE chunks SET receipt=NULL WHERE chunk>=?1 AND (?2='' OR chunk<?2) AND receipt IS NOT NULL");
      clear.bind(1, std::string_view(stream));
      clear.bind(2, std::string_view(end));
      db.step(clear);
      Statement insert = db.prepare("INSERT INTO chunks SELECT ?1, coalesce(max(seq), 0) + 1, ?2 FROM chunks");
      insert.bind(1, std::string_view(chunk_));
      insert.bind(2, std::string_view(text));
      db.step(insert);
    }
    staging_.commit();
    open_ = false;
    sink_.services_.reach("jsonl.commit after");
  }

  JsonlSink& sink_;
  Staging& staging_;
  std::string chunk_;
  Statement change_;
  std::int64_t changes_ = 0;
  bool open_ = true;
};

SinkTraits JsonlSink::traits() const {
  SinkTraits traits;
  traits.preferred_batch = 5'000;
  traits.undoes = traits.verifies = traits.links = traits.keeps_links = true;
  return traits;
}

Staging* JsonlSink::staging(bool create) {
  if (!staging_ && (create || Staging::is_one(config_.path))) staging_ = std::make_unique<Staging>(config_.path, true);
  return staging_.get();
}

awaitable<std::vector<Check>> JsonlSink::check() {
  const std::string path = config_.path.string();
  std::vector<Check> checks;
  Check folder{"target folder", true, fmt::format("{} will be created", path), ""};
  fs::path above = fs::absolute(config_.path);
  while (!fs::exists(above) && above != above.parent_path()) above = above.parent_path();
  if (fs::exists(config_.path) && !fs::is_directory(config_.path)) {
    folder = Check{"target folder", false, fmt::format("{} is a file, not a folder", path), "Name a folder in `path`."};
  } else if (::access(above.c_str(), W_OK) != 0) {
    folder = Check{"target folder", false, fmt::format("{} cannot be written", above.string()),
                   "Give this user the right to write there."};
  } else if (fs::exists(config_.path)) {
    folder.message = fmt::format("{} can be written", path);
  }
  checks.push_back(std::move(folder));
  co_return checks;
}

awaitable<TargetIdentity> JsonlSink::identity() {
  co_return TargetIdentity::of_path("jsonl", "folder", config_.path);
}

awaitable<void> JsonlSink::prepare(std::vector<TableSchema> schemas) {
  schemas_ = std::move(schemas);
  auto work = [&] {
    std::scoped_lock guard(mutex_);
    staging(true);
  };
  co_await on_pool(services_, work);
}

awaitable<void> JsonlSink::finish() {
  auto work = [&] {
    std::scoped_lock guard(mutex_);
    services_.reach("jsonl.compact before");
    if (staging_) staging_->compact();
    services_.reach("jsonl.compact after");
  };
  co_await on_pool(services_, work);
}

std::vector<std::string> JsonlSink::types() const {
  std::vector<std::string> types;
  for (const TableSchema& schema : schemas_) types.push_back(schema.type);
  return types;
}

std::vector<std::string> JsonlSink::key_columns(const std::string& type) const {
  for (const TableSchema& schema : schemas_)
    if (schema.type == type) return schema.key;
  return {};
}

awaitable<std::optional<Value>> JsonlSink::receipt(std::string chunk) {
  auto work = [&]() -> std::optional<Value> {
    std::scoped_lock guard(mutex_);
    Staging* there = staging(false);
    if (!there) return std::nullopt;
    Statement select = there->db().prepare("SELECT receipt FROM chunks WHERE chunk=?");
    select.bind(1, std::string_view(chunk));
    if (!there->db().step(select)) return std::nullopt;
    boost::json::parse_options options;
    options.allow_invalid_utf8 = true;
    options.max_depth = 1024;
    if (select.type(0) == SQLITE_NULL) return Value(nullptr);
    return parse_json(select.text(0), boost::json::storage_ptr(), options);
  };
  co_return co_await on_pool(services_, work);
}

awaitable<std::unique_ptr<TableTransaction>> JsonlSink::begin(std::string chunk) {
  auto work = [&]() -> std::unique_ptr<TableTransaction> {
    std::scoped_lock guard(mutex_);
    return std::make_unique<JsonlTransaction>(*this, *staging(true), chunk);
  };
  co_return co_await on_pool(services_, work);
}

awaitable<std::vector<Value>> JsonlSink::find(std::string type, std::vector<std::string> keys) {
  auto work = [&] {
    std::scoped_lock guard(mutex_);
    std::vector<Value> ids(keys.size());
    if (Staging* there = staging(false))
      for (std::size_t i = 0; i < keys.size(); ++i)
        if (there->find(type, keys[i])) ids[i] = keys[i];
    return ids;
  };
  co_return co_await on_pool(services_, work);
}

awaitable<std::vector<TargetRow>> JsonlSink::list(std::string type, std::string after, std::size_t limit,
                                                  bool with_data) {
  auto work = [&] {
    std::scoped_lock guard(mutex_);
    std::vector<TargetRow> rows;
    Staging* there = staging(false);
    if (!there) return rows;
    Statement select =
        there->db().prepare("SELECT id, offset, length FROM records WHERE type=? AND id>? ORDER BY id LIMIT ?");
    select.bind(1, std::string_view(type));
    select.bind(2, std::string_view(after));
    select.bind(3, static_cast<std::int64_t>(limit));
    while (there->db().step(select)) {
      TargetRow row;
      row.key = std::string(select.text(0));
      row.id = row.key;
      if (with_data) row.data = parsed(there->read(type, Position{select.integer(1), select.integer(2)})).data;
      rows.push_back(std::move(row));
    }
    return rows;
  };
  co_return co_await on_pool(services_, work);
}

awaitable<std::vector<std::string>> JsonlSink::keys(std::string type, KeyRange range) {
  auto work = [&] {
    std::scoped_lock guard(mutex_);
    std::vector<std::string> keys;
    Staging* there = staging(false);
    if (!there) return keys;
    std::string sql = "SELECT id FROM records WHERE type=? AND number IS NOT NULL";
    if (range.after) sql += fmt::format(" AND number>{}", *range.after);
    if (range.through) sql += fmt::format(" AND number<={}", *range.through);
    Statement select = there->db().prepare(sql + " ORDER BY number");
    select.bind(1, std::string_view(type));
    while (there->db().step(select)) keys.emplace_back(select.text(0));
    return keys;
  };
  co_return co_await on_pool(services_, work);
}

awaitable<std::uint64_t> JsonlSink::count(std::string type) {
  auto work = [&]() -> std::uint64_t {
    std::scoped_lock guard(mutex_);
    Staging* there = staging(false);
    if (!there) return 0;
    Statement select = there->db().prepare("SELECT count(*) FROM records WHERE type=?");
    select.bind(1, std::string_view(type));
    there->db().step(select);
    return static_cast<std::uint64_t>(select.integer(0));
  };
  co_return co_await on_pool(services_, work);
}

awaitable<std::vector<std::string>> JsonlSink::chunks(std::string prefix) {
  auto work = [&] {
    std::scoped_lock guard(mutex_);
    std::vector<std::string> found;
    Staging* there = staging(false);
    if (!there) return found;
    const std::string end = after_prefix(prefix);
    Statement select =
        there->db().prepare("SELECT chunk FROM chunks WHERE chunk>=?1 AND (?2='' OR chunk<?2) ORDER BY seq DESC");
    select.bind(1, std::string_view(prefix));
    select.bind(2, std::string_view(end));
    while (there->db().step(select)) found.emplace_back(select.text(0));
    return found;
  };
  co_return co_await on_pool(services_, work);
}

awaitable<UndoResult> JsonlSink::undo(std::string chunk) {
  auto work = [&] {
    std::scoped_lock guard(mutex_);
    Staging* there = staging(false);
    if (!there) return UndoResult();
    services_.reach("jsonl.undo before");
    there->begin();
    UndoResult result;
    try {
      result = undo_now(*there, chunk);
      there->commit();
    } catch (...) {
      there->roll_back();
      throw;
    }
    services_.reach("jsonl.undo after");
    // The files are to show what is there when all has been taken back.
    if (there->db().number("SELECT EXISTS(SELECT 1 FROM chunks)") == 0) there->compact();
    return result;
  };
  co_return co_await on_pool(services_, work);
}

UndoResult JsonlSink::undo_now(Staging& staging, const std::string& chunk) {
  UndoResult result;
  sqlite::Database& db = staging.db();
  struct Change {
    std::string type, id;
    std::optional<std::string> former;
  };
  std::vector<Change> changes;
  {
    Statement select = db.prepare("SELECT type, id, former FROM changes WHERE chunk=? ORDER BY seq DESC");
    select.bind(1, std::string_view(chunk));
    while (db.step(select)) {
      Change change{std::string(select.text(0)), std::string(select.text(1)), std::nullopt};
      if (select.type(2) != SQLITE_NULL) change.former = std::string(select.text(2));
      changes.push_back(std::move(change));
    }
  }
  for (const Change& change : changes) {
    if (change.former) {
      staging.set(change.type, change.id, staging.append(change.type, *change.former));
      ++result.restored;
    } else {
      staging.erase(change.type, change.id);
      ++result.removed;
    }
  }
  for (const char* table : {"changes", "chunks"}) {
    Statement drop = db.prepare(fmt::format("DELETE FROM {} WHERE chunk=?", table));
    drop.bind(1, std::string_view(chunk));
    db.step(drop);
  }
  return result;
}

awaitable<std::vector<Finding>> JsonlSink::preview(std::span<Operation> operations) {
  std::vector<Finding> findings;
  for (const Operation& operation : operations) {
    try {
      if (!operation.record().deleted) line_of(operation.record());
    } catch (const Error& error) {
      findings.push_back(Finding{operation.record().ref, "", "", "", error.what(), error});
    }
  }
  co_return findings;
}

awaitable<std::vector<Finding>> JsonlSink::verify(std::span<Operation> operations) {
  auto work = [&] {
    std::scoped_lock guard(mutex_);
    return verify_now(operations);
  };
  co_return co_await on_pool(services_, work);
}

std::vector<Finding> JsonlSink::verify_now(std::span<Operation> operations) {
  std::vector<Finding> findings;
  Staging* there = staging(false);
  for (const Operation& operation : operations) {
    const Record& record = operation.record();
    const std::optional<Position> position = there ? there->find(record.ref.type, record.ref.id) : std::nullopt;
    if (record.deleted) {
      if (position) findings.push_back(Finding{record.ref, "", "", "a record", "it should have been removed"});
      continue;
    }
    if (!position) {
      findings.push_back(Finding{record.ref, "", "a record", "", "it is not on the target"});
      continue;
    }
    const Record staged = parsed(there->read(record.ref.type, *position));
    if (staged.data.is_object() && record.data.is_object()) {
      for (const auto& field : record.data.get_object()) {
        const Value* found = staged.data.get_object().if_contains(field.key());
        if (found && *found == field.value()) continue;
        findings.push_back(Finding{record.ref, std::string(field.key()), boost::json::serialize(field.value()),
                                   found ? boost::json::serialize(*found) : std::string(), "it differs"});
      }
    } else if (staged.data != record.data) {
      findings.push_back(Finding{record.ref, "", "", "", "its data differs"});
    }
    if (record.intent != Intent::patch && staged.links.size() != record.links.size())
      findings.push_back(Finding{record.ref, "links", std::to_string(record.links.size()),
                                 std::to_string(staged.links.size()), "it differs"});
  }
  return findings;
}

std::shared_ptr<Sink> make_sink(SinkConfig config, const Services& services) {
  return std::make_shared<JsonlSink>(std::move(config), services);
}

}  // namespace migrate::jsonl
