// Systems in memory for tests of the engine: a source, a database with transactions, a service without.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "migrate/migrate.hpp"

namespace testing_systems {

using namespace migrate;

/// Counts fault points and dies at one of them; from then on the process is dead, whatever else it tries.
struct Faults {
  int at = 0;  ///< 1-based; 0: never
  int passed = 0;
  bool dead = false;
  std::vector<std::string> points;
  Services services() {
    Services services;
    services.clock = Clock::simulated(std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000)));
    services.fault_point = [this](std::string_view point) {
      if (dead) throw SimulatedCrash{std::string(point)};
      points.emplace_back(point);
      if (++passed == at) {
        dead = true;
        throw SimulatedCrash{std::string(point)};
      }
    };
    return services;
  }
};

/// Records in key order; each type is a partition, in the given order of ranks.
class MemorySource final : public Source {
 public:
  struct Kind {
    std::string type;
    int rank;
    std::map<std::int64_t, Record> records;
  };
  std::vector<Kind> kinds;
  std::vector<std::string> reads;  ///< "<partition>@<cursor>" of each read
  bool fetches = true;
  std::vector<std::string> fetched;  ///< ids, as they were asked for
  std::function<void()> before_read;
  std::function<void(RecordBatch&)> after_read;

  Record& add(const std::string& type, std::int64_t id, Object data = {}) {
    for (Kind& kind : kinds)
      if (kind.type == type) {
        Record& record = kind.records[id];
        record.ref = RecordRef{type, std::to_string(id)};
        record.data = std::move(data);
        return record;
      }
    kinds.push_back(Kind{type, static_cast<int>(kinds.size()), {}});
    return add(type, id, std::move(data));
  }
  std::map<std::int64_t, Record>& records(const std::string& type) {
    for (Kind& kind : kinds)
      if (kind.type == type) return kind.records;
    throw std::logic_error("no such type");
  }

  SourceTraits traits() const override {
    SourceTraits traits;
    traits.fetches = fetches;
    return traits;
  }
  awaitable<std::vector<Check>> check() override {
    std::vector<Check> checks;
    co_return checks;
  }
  awaitable<std::vector<Partition>> partitions() override {
    std::vector<Partition> result;
    for (const Kind& kind : kinds) {
      Partition partition;
      partition.name = kind.type;
      partition.type = kind.type;
      partition.rank = kind.rank;
      partition.size = kind.records.size();
      result.push_back(std::move(partition));
    }
    co_return result;
  }
  awaitable<RecordBatch> read(const Partition& partition, Cursor from, std::size_t limit) override {
    if (before_read) before_read();
    reads.push_back(partition.name + "@" + serialize(from));
    RecordBatch batch;
    const auto& all = records(partition.type);
    auto next = from.is_int64() ? all.upper_bound(from.get_int64()) : all.begin();
    for (; next != all.end() && batch.records.size() < limit; ++next) batch.records.push_back(next->second);
    batch.last = next == all.end();
    KeyRange range;
    if (from.is_int64()) range.after = from.get_int64();
    batch.next = from;
    if (!batch.records.empty()) batch.next = std::stoll(batch.records.back().ref.id);
    if (!batch.last) range.through = batch.next.get_int64();
    batch.covers = range;
    if (after_read) after_read(batch);
    co_return batch;
  }
  awaitable<RecordBatch> fetch(std::vector<RecordRef> refs) override {
    RecordBatch batch;
    for (const RecordRef& ref : refs) {
      fetched.push_back(ref.id);
      const auto& all = records(ref.type);
      const auto found = all.find(std::stoll(ref.id));
      if (found != all.end()) batch.records.push_back(found->second);
    }
    co_return batch;
  }

 private:
  static std::string serialize(const Value& value) {
    return value.is_int64() ? std::to_string(value.get_int64()) : std::string("start");
  }
};

/// What survives the death of the process on the database's side.
struct MemoryDatabase {
  struct Row {
    std::int64_t id;
    std::string content;
    bool operator==(const Row&) const = default;
  };
  struct Image {
    std::string type, key;
    std::optional<Row> before;
  };
  struct Chunk {
    std::string name;
    Value receipt;
    std::vector<Image> images;
  };
  std::map<std::string, std::map<std::string, Row>> tables;
  std::vector<Chunk> journal;
};

/// A TableSink over a MemoryDatabase. A record with `refuse: true` is refused by the "database".
class MemoryTables final : public TableSink {
 public:
  MemoryTables(MemoryDatabase& database, std::vector<std::string> types, Services services)
      : database_(database), types_(std::move(types)), services_(std::move(services)) {}

  std::size_t batch = 3;
  std::string name;  ///< what the target calls itself; empty: it cannot tell

  awaitable<TargetIdentity> identity() override { co_return TargetIdentity{name, "the database " + name}; }
  SinkTraits traits() const override {
    SinkTraits traits;
    traits.preferred_batch = batch;
    traits.undoes = traits.verifies = traits.links = true;
    return traits;
  }
  awaitable<std::vector<Check>> check() override {
    std::vector<Check> checks;
    co_return checks;
  }
  std::vector<std::string> types() const override { return types_; }
  std::vector<std::string> key_columns(const std::string&) const override { return {"legacy_id"}; }
  awaitable<std::optional<Value>> receipt(std::string chunk) override {
    for (const auto& row : database_.journal)
      if (row.name == chunk) co_return row.receipt;
    co_return std::nullopt;
  }
  awaitable<std::unique_ptr<TableTransaction>> begin(std::string chunk) override {
    co_return std::make_unique<Transaction>(*this, std::move(chunk));
  }
  awaitable<std::vector<Value>> find(std::string type, std::vector<std::string> keys) override {
    std::vector<Value> ids;
    for (const std::string& key : keys) {
      const auto& rows = database_.tables[type];
      const auto found = rows.find(key);
      ids.push_back(found == rows.end() ? Value() : Value(found->second.id));
    }
    co_return ids;
  }
  awaitable<std::vector<TargetRow>> list(std::string type, std::string after, std::size_t limit, bool) override {
    std::vector<TargetRow> rows;
    for (const auto& [key, row] : database_.tables[type])
      if (key > after && rows.size() < limit) rows.push_back(TargetRow{key, row.id, Value(row.content)});
    co_return rows;
  }
  awaitable<std::vector<std::string>> keys(std::string type, KeyRange range) override {
    std::vector<std::string> result;
    for (const auto& [key, row] : database_.tables[type]) {
      const std::int64_t number = std::stoll(key);
      if (range.after && number <= *range.after) continue;
      if (range.through && number > *range.through) continue;
      result.push_back(key);
    }
    co_return result;
  }
  awaitable<std::uint64_t> count(std::string type) override { co_return database_.tables[type].size(); }
  awaitable<std::vector<Finding>> verify(std::span<Operation> operations) override {
    std::vector<Finding> findings;
    for (const Operation& operation : operations) {
      const auto& rows = database_.tables[operation.record().ref.type];
      const auto found = rows.find(operation.record().ref.id);
      if (found != rows.end() && found->second.content == content(operation)) continue;
      Finding finding;
      finding.record = operation.record().ref;
      finding.expected = content(operation);
      finding.found = found == rows.end() ? "nothing" : found->second.content;
      findings.push_back(std::move(finding));
    }
    co_return findings;
  }
  awaitable<std::vector<std::string>> chunks(std::string prefix) override {
    std::vector<std::string> names;
    for (auto row = database_.journal.rbegin(); row != database_.journal.rend(); ++row)
      if (row->name.starts_with(prefix)) names.push_back(row->name);
    co_return names;
  }
  awaitable<UndoResult> undo(std::string chunk) override {
    UndoResult result;
    services_.reach("db.undo before");
    for (auto row = database_.journal.begin(); row != database_.journal.end(); ++row) {
      if (row->name != chunk) continue;
      for (auto image = row->images.rbegin(); image != row->images.rend(); ++image) {
        if (image->before) {
          database_.tables[image->type][image->key] = *image->before;
          ++result.restored;
        } else {
          database_.tables[image->type].erase(image->key);
          ++result.removed;
        }
      }
      database_.journal.erase(row);
      break;
    }
    services_.reach("db.undo after");
    co_return result;
  }

  static std::string content(const Operation& operation) {
    std::map<std::string, std::string> sorted;
    for (const auto& field : operation.data())
      sorted[std::string(field.key())] = boost::json::serialize(field.value());
    std::string text;
    for (const auto& [name, value] : sorted) text += name + "=" + value + ";";
    return text;
  }

 private:
  class Transaction final : public TableTransaction {
   public:
    Transaction(MemoryTables& sink, std::string chunk) : sink_(sink), copy_(sink.database_), chunk_(std::move(chunk)) {}
    awaitable<void> identify(std::span<Operation> operations) override {
      for (Operation& operation : operations) {
        const Record& record = operation.record();
        const auto& rows = copy_.tables[record.ref.type];
        const auto found = rows.find(record.ref.id);
        if (found != rows.end()) {
          operation.set_target_id(found->second.id);
          operation.set_action(record.deleted                    ? Action::remove
                               : record.intent == Intent::patch ? Action::patch
                                                                : Action::update);
        } else {
          std::int64_t next = reserved_[record.ref.type];
          for (const auto& [key, row] : rows) next = std::max(next, row.id);
          operation.set_target_id(++next);
          reserved_[record.ref.type] = next;
          operation.set_action(record.deleted ? Action::remove : Action::create);
        }
      }
      co_return;
    }
    awaitable<WriteResult> write(std::span<Operation> operations) override {
      sink_.services_.reach("db.write before");
      WriteResult result;
      for (const Operation& operation : operations)
        if (operation.data().if_contains("refuse"))
          result.failures.push_back(
              UnitFailure{operation.unit(), Error(ErrorKind::invalid, "refused", "the database refuses it")});
      if (!result.failures.empty()) co_return result;
      for (const Operation& operation : operations) result.effects.push_back(write_one(operation));
      sink_.services_.reach("db.write after");
      co_return result;
    }
    awaitable<void> commit(Value receipt) override {
      sink_.services_.reach("db.commit before");
      copy_.journal.push_back(MemoryDatabase::Chunk{chunk_, std::move(receipt), std::move(images_)});
      sink_.database_ = std::move(copy_);
      sink_.services_.reach("db.commit after");
      co_return;
    }

   private:
    Effect write_one(const Operation& operation) {
      const RecordRef& ref = operation.record().ref;
      auto& rows = copy_.tables[ref.type];
      const auto found = rows.find(ref.id);
      MemoryDatabase::Image image{ref.type, ref.id, std::nullopt};
      if (found != rows.end()) image.before = found->second;
      if (operation.action() == Action::remove) {
        if (found == rows.end()) return Effect::absent;
        images_.push_back(image);
        rows.erase(found);
        return Effect::removed;
      }
      std::string text = content(operation);
      if (operation.action() == Action::patch && found != rows.end()) {
        // Patches in these tests set links, which are fields of the row.
        std::map<std::string, std::string> fields;
        for (std::string rest = found->second.content; !rest.empty();) {
          const std::size_t end = rest.find(';');
          const std::size_t equals = rest.find('=');
          fields[rest.substr(0, equals)] = rest.substr(equals + 1, end - equals - 1);
          rest = rest.substr(end + 1);
        }
        for (const auto& field : operation.data())
          fields[std::string(field.key())] = boost::json::serialize(field.value());
        text.clear();
        for (const auto& [field, value] : fields) text += field + "=" + value + ";";
      }
      if (found != rows.end() && found->second.content == text) return Effect::unchanged;
      images_.push_back(image);
      rows[ref.id] = MemoryDatabase::Row{operation.target_id().as_int64(), text};
      return image.before ? Effect::updated : Effect::created;
    }
    MemoryTables& sink_;
    MemoryDatabase copy_;
    std::string chunk_;
    std::map<std::string, std::int64_t> reserved_;
    std::vector<MemoryDatabase::Image> images_;
  };

  MemoryDatabase& database_;
  std::vector<std::string> types_;
  Services services_;
};

/// A service without transactions and without idempotency of its own: what is created twice is there twice.
struct MemoryService {
  struct Item {
    std::string marker, title;
    std::vector<std::string> comments;  ///< "<marker>|<text>"
    std::vector<std::string> links;
    bool touched = false;
    std::string state{};  ///< of the mark
    bool operator==(const Item&) const = default;
  };
  std::map<int, Item> items;
  std::map<int, Item> still_listed;  ///< gone, and for_each_marked() does not know yet
  int next = 1;
  int exchanges = 0;
  /// Called for each exchange that changes something; may say that the answer is lost after it was applied.
  std::function<bool(int exchange)> lose_reply, refuse;

  /// The items without their numbers, which a lost and compensated creation may shift.
  std::multiset<std::string> content() const {
    std::multiset<std::string> all;
    for (const auto& [id, item] : items) {
      std::string text = item.marker + ":" + item.title;
      for (const std::string& comment : item.comments) text += "[" + comment + "]";
      all.insert(text);
    }
    return all;
  }
};

/// Creates an item, then its comments; `poison` in a comment is refused for good.
class MemoryItems final : public ItemSink {
 public:
  MemoryItems(MemoryService& service, Services services, std::size_t in_flight = 1)
      : service_(service), services_(std::move(services)), in_flight_(in_flight) {}

  std::string name;  ///< what the target calls itself; empty: it cannot tell

  awaitable<TargetIdentity> identity() override { co_return TargetIdentity{name, "the service " + name}; }
  SinkTraits traits() const override {
    SinkTraits traits;
    traits.preferred_batch = 3;
    traits.max_in_flight = in_flight_;
    traits.undoes = traits.links = traits.verifies = true;
    return traits;
  }
  awaitable<std::vector<Check>> check() override {
    std::vector<Check> checks;
    co_return checks;
  }
  std::function<void(const Operation&)> on_write;
  std::function<std::chrono::milliseconds(const Operation&)> duration;
  std::chrono::milliseconds latency{0};  ///< of the call that makes an item
  std::function<void(std::chrono::system_clock::time_point last_write)> on_look;

  awaitable<std::string> write(Operation& operation) override {
    const Record& record = operation.record();
    if (on_write) on_write(operation);
    if (duration) co_await services_.clock->sleep(duration(operation));
    if (operation.action() == Action::remove) {
      const int gone = std::stoi(std::string(operation.target_id().as_string()));
      exchange([&] { return static_cast<int>(service_.items.erase(gone)); });
      co_return std::string();
    }
    int id = 0;
    bool fresh = false;
    if (operation.action() == Action::update) {
      id = std::stoi(std::string(operation.target_id().as_string()));
      if (!service_.items.count(id)) throw Error(ErrorKind::not_found, "gone", fmt::format("there is no item {}", id));
    } else {
      Step create = co_await operation.begin("create");
      if (!create.done()) {
        id = create.uncertain() ? find(create.key(), create.state()) : 0;
        if (!id && latency.count() > 0) co_await services_.clock->sleep(latency);
        fresh = !id;
        if (!id) id = exchange([&] { return insert(create, record); });
        Value undo(id);
        co_await create.finish(std::to_string(id), undo);
      }
      id = std::stoi(create.target_id());
      fresh = fresh || is_of(create, record);
    }
    // Without a look at the service: a title is written as often as one likes.
    if (!fresh) set_title(id, record);
    if (const Value* comments = operation.data().if_contains("comments")) {
      for (std::size_t i = 0; i < comments->as_array().size(); ++i) {
        const std::string text(comments->as_array()[i].as_string());
        Step step = co_await operation.begin("comment:" + std::to_string(i));
        if (step.done() && is_of(step, record)) continue;
        if (text == "poison") {
          if (!step.done()) co_await step.refused();
          throw Error(ErrorKind::invalid, "poisoned", "the service refuses the comment");
        }
        set_comment(id, step, text);
        if (step.done()) continue;
        Value undo(id);
        co_await step.finish(std::to_string(i), undo);
      }
    }
    co_return std::to_string(id);
  }
  awaitable<std::vector<Finding>> verify(std::span<Operation> operations) override {
    std::vector<Finding> findings;
    for (const Operation& operation : operations) {
      Finding finding;
      finding.record = operation.record().ref;
      const Value& id = operation.target_id();
      const auto item = service_.items.find(id.is_string() ? std::stoi(std::string(id.get_string())) : 0);
      if (item == service_.items.end())
        finding.message = "not there";
      else if (item->second.title != operation.data().at("title").as_string())
        finding.field = "title";
      else if (texts_of(item->second) != texts_of(operation.data()))
        finding.field = "comments";
      if (!finding.message.empty() || !finding.field.empty()) findings.push_back(std::move(finding));
    }
    co_return findings;
  }
  awaitable<void> link(Operation& operation) override {
    const int id = std::stoi(std::string(operation.target_id().as_string()));
    for (const Link& link : operation.record().links) {
      const std::optional<Value> target = operation.linked(link.target);
      const std::string text = link.relation + "->" + std::string(target->as_string());
      auto& links = service_.items[id].links;
      // Links are a set: read, compare, write.
      if (std::find(links.begin(), links.end(), text) == links.end())
        exchange([&] {
          links.push_back(text);
          return 0;
        });
    }
    co_return;
  }
  awaitable<void> undo(Receipt receipt) override {
    const std::string step = receipt.step;
    if (step == "create") {
      int id = receipt.uncertain ? find(receipt.key, receipt.state) : std::stoi(receipt.target_id);
      if (!id || !service_.items.count(id)) co_return;
      if (service_.items[id].touched)
        throw Error(ErrorKind::conflict, "touched", fmt::format("item {} has been changed by a person", id));
      exchange([&] {
        // What leads to it goes with it, as in the services that there are.
        const std::string arrow = "->" + std::to_string(id);
        for (auto& [other, item] : service_.items)
          std::erase_if(item.links, [&](const std::string& link) { return link.ends_with(arrow); });
        return static_cast<int>(service_.items.erase(id));
      });
    } else {
      for (auto& [id, item] : service_.items)
        if (item.state == receipt.state)
          std::erase_if(item.comments,
                        [&](const std::string& comment) { return comment.starts_with(receipt.key + "|"); });
    }
    co_return;
  }

  awaitable<void> for_each_marked(std::string migration, std::chrono::system_clock::time_point last_write,
                                  std::function<void(const Marked&)> each) override {
    if (on_look) on_look(last_write);
    for (const auto* items : {&service_.items, &service_.still_listed})
      for (const auto& [id, item] : *items)
        if (item.marker.starts_with(migration + "/"))
          each(Marked{item.marker, std::to_string(id), item.title, "", item.state});
    co_return;
  }
  awaitable<std::vector<bool>> exist(std::vector<std::string> target_ids) override {
    std::vector<bool> result;
    for (const std::string& id : target_ids) result.push_back(service_.items.count(std::stoi(id)) != 0);
    co_return result;
  }

 private:
  template <class F>
  int exchange(F&& apply) {
    const int number = ++service_.exchanges;
    services_.reach("service before");
    if (service_.refuse && service_.refuse(number)) throw Error(ErrorKind::transient, "busy", "503");
    const int result = apply();
    services_.reach("service after");
    if (service_.lose_reply && service_.lose_reply(number)) throw Error(ErrorKind::transient, "lost", "reply lost");
    return result;
  }
  int insert(const Step& step, const Record& record) {
    MemoryService::Item item;
    item.marker = step.key();
    item.state = step.state();
    item.title = std::string(record.data.at("title").as_string());
    service_.items[service_.next] = std::move(item);
    return service_.next++;
  }
  int find(const std::string& marker, const std::string& state) const {
    for (const auto& [id, item] : service_.items)
      if (item.marker == marker && item.state == state) return id;
    return 0;
  }
  /// The service keeps no mark of versions, so the step's own is asked.
  static bool is_of(const Step& step, const Record& record) {
    return !step.version().empty() && step.version() == record.version;
  }
  void set_title(int id, const Record& record) {
    const std::string title(record.data.at("title").as_string());
    if (service_.items[id].title == title) return;
    exchange([&] {
      service_.items[id].title = title;
      return 0;
    });
  }
  /// One that is not known to be new is looked for.
  void set_comment(int id, const Step& step, const std::string& text) {
    std::vector<std::string>& comments = service_.items[id].comments;
    const std::string whole = step.key() + "|" + text;
    auto there = comments.end();
    if (step.done() || step.uncertain())
      there = std::find_if(comments.begin(), comments.end(),
                           [&](const std::string& comment) { return comment.starts_with(step.key() + "|"); });
    if (there != comments.end() && *there == whole) return;
    // Somebody has removed it since.
    if (there == comments.end() && step.done()) return;
    exchange([&] {
      if (there == comments.end())
        comments.push_back(whole);
      else
        *there = whole;
      return 0;
    });
  }
  static std::vector<std::string> texts_of(const MemoryService::Item& item) {
    std::vector<std::string> texts;
    for (const std::string& comment : item.comments) texts.push_back(comment.substr(comment.find('|') + 1));
    return texts;
  }
  static std::vector<std::string> texts_of(const Object& data) {
    std::vector<std::string> texts;
    if (const Value* comments = data.if_contains("comments"))
      for (const Value& comment : comments->as_array()) texts.emplace_back(comment.as_string());
    return texts;
  }
  MemoryService& service_;
  Services services_;
  std::size_t in_flight_;
};

/// Runs one coroutine to its end.
template <class T>
T wait_for(awaitable<T> work) {
  boost::asio::io_context context;
  std::optional<T> result;
  std::exception_ptr failure;
  boost::asio::co_spawn(context, std::move(work), [&](std::exception_ptr error, T value) {
    failure = error;
    if (!error) result.emplace(std::move(value));
  });
  context.run();
  if (failure) std::rethrow_exception(failure);
  return std::move(*result);
}

inline Link link_to(std::string relation, std::string type, std::string id, Missing missing, std::string cause) {
  Link link;
  link.relation = std::move(relation);
  link.target = RecordRef{std::move(type), std::move(id)};
  link.missing = missing;
  link.cause = std::move(cause);
  return link;
}

}  // namespace testing_systems
