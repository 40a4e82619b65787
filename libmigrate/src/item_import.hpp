// The import stage for services without transactions: every remote call is a journalled step of its record.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine.hpp"
#include "steps.hpp"

MIGRATE_BEGIN

class ItemImport final : public Stage {
 public:
  ItemImport(Engine& engine, ItemSink& sink)
      : engine_(engine),
        sink_(sink),
        sequence_(engine.journal()),
        places_(engine.executor(),
                std::min(engine.options().items_in_flight, std::max<std::size_t>(1, sink.traits().max_in_flight))) {}
  awaitable<void> prepare(Batch& batch, Batch& before) override;
  awaitable<void> apply(StreamState& stream, Batch& batch) override;

 private:
  /// One record of the batch and how far it has come.
  struct Item {
    enum class State { waiting, settled, failed };
    Record* record = nullptr;
    std::size_t unit = 0;
    State state = State::waiting;
    bool skipped = false, update = false;
    bool uncounted = false;              ///< settled by an attempt at this run that ended before it was counted
    bool earlier = false;                ///< settled by an earlier run, and what it left to be linked is booked
    bool imported = false, ours = true;  ///< as in its Outcome
    std::uint64_t made = 0;
    std::string target_id;
    std::uint64_t files_left = 0;
    /// Rows to be erased with the next outcome: links of an earlier version that waited; its steps, when it was deleted.
    std::vector<Entry> forgotten;
    int attempts = 1;
  };

  /// A batch's records on their way, from the moment when the first of them may be written.
  struct Work final : Prepared {
    Work(Batch& of, boost::asio::any_io_executor executor) : batch(of), begun(std::move(executor)) {}
    Batch& batch;
    std::vector<Item> items;
    std::unordered_set<const Record*> superseded;  ///< a later version of the same record is in the batch too
    Answers answers;
    OperationContext context{};
    Tally arrived;            ///< what the engine has been told of it so far
    std::size_t unbegun = 0;  ///< records of the present wave that wait for a place
    Event begun;              ///< none is left, so that places are free for the next batch
  };
  using Places = std::unordered_map<RecordRef, std::size_t, RefHash>;  ///< in Work::items

  std::unique_ptr<Work> open(Batch& batch);
  static std::optional<Error> find_rival(const Work& work, const Places& places, std::size_t unit);
  static Error rivals(const RecordRef& first, const RecordRef& second, const RecordRef& item);
  static void add(Work& work, Places& places, std::size_t unit, Record& record);
  awaitable<void> review(Batch& batch);
  std::vector<Operation> proposed(Work& work, std::size_t unit);
  awaitable<void> skip_settled(Work& work);
  awaitable<std::vector<Item*>> find_links(Work& work);
  awaitable<void> run_waves(Work& work);
  awaitable<void> run(Work& work, std::vector<Item*> wave, bool early);
  awaitable<void> write_in_turn(Work& work, Item& item, bool early);
  awaitable<void> write_alone(Work& work, Item& item);
  void heed(Work& work, const Value& row, Item& item) const;
  using Units = std::unordered_map<RecordRef, std::size_t, RefHash>;
  Units revocable(const Work& work) const;
  bool is_made_here(const Item& item) const;
  bool ready(const Work& work, const Units& revocable, const Item& item) const;
  void tell_arrival(Work& work, const Item& item);
  void tell_arrivals(Work& work);
  static bool is_counted_before(const Work& work, const Item& item);
  static void count_arrival(Work& work, const Item& item);
  awaitable<void> write(Work& work, Item& item);
  awaitable<std::optional<Error>> write_once(Work& work, Item& item);
  awaitable<std::vector<Entry>> waiting_links(RecordRef record);
  awaitable<void> fail(Work& work, Item& item, Error error);
  awaitable<void> fail_unit_mates(Work& work);
  static void count(const Work& work, const Item& item, Tally& tally);
  void book(Work& work, StreamState& next, std::vector<Entry>& entries, std::vector<Failure>& failures);
  void book_links(const Work& work, const Item& item, std::vector<Entry>& entries) const;
  void book_outcome(const Work& work, const Item& item, std::vector<Entry>& entries) const;

  /// Records that are being written; the event when somebody waits for the end.
  using UnderWay = std::unordered_map<RecordRef, std::shared_ptr<Event>, RefHash>;

  Engine& engine_;
  ItemSink& sink_;
  Sequence sequence_;
  UnderWay under_way_;
  Semaphore places_;  ///< operations in flight, whichever batch they are of
  std::exception_ptr fatal_;  ///< what ended the run: nothing begins any more
};

MIGRATE_END
