// What the tutorials move: a list of notes, and a board as a stand-in for a service. Each call of the board is an
// effect of its own, as with any web service; it can search for the marker that a card was created with.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "migrate/migrate.hpp"

namespace tutorial {

using namespace migrate;

/// Ten notes, "1" to "10".
class NoteSource final : public Source {
 public:
  awaitable<std::vector<Check>> check() override { co_return std::vector<Check>(); }

  awaitable<std::vector<Partition>> partitions() override {
    std::vector<Partition> all(1);
    all[0].name = "all";
    all[0].type = "notes";
    co_return all;
  }

  /// The cursor is the number of notes behind us, so any call can be repeated.
  awaitable<RecordBatch> read(const Partition& partition, Cursor from, std::size_t limit) override {
    std::int64_t next = from.is_null() ? 0 : from.as_int64();
    RecordBatch batch;
    for (; next < 10 && batch.records.size() < limit; ++next) {
      Record record;
      record.ref.type = partition.type;
      record.ref.id = std::to_string(next + 1);
      record.version = "1";
      Object data;
      data["title"] = "Note " + record.ref.id;
      record.data = std::move(data);
      batch.records.push_back(std::move(record));
    }
    batch.next = next;
    batch.last = next == 10;
    co_return batch;
  }
};

/// The service: survives any number of runs, as a real one does.
struct Board {
  struct Card {
    std::string title, marker;
  };
  std::map<std::string, Card> cards;
  int next_id = 100;
};

class BoardSink final : public ItemSink {
 public:
  explicit BoardSink(Board& board) : board_(board) {}

  SinkTraits traits() const override {
    SinkTraits traits;
    traits.preferred_batch = 4;
    traits.undoes = true;
    traits.verifies = true;
    return traits;
  }
  awaitable<std::vector<Check>> check() override { co_return std::vector<Check>(); }

  /// One step: the intent is durable before the card is made, the receipt before write() returns.
  awaitable<std::string> write(Operation& operation) override {
    Step create = co_await operation.begin("create");
    if (!create.done()) {
      std::string id;
      if (create.uncertain()) id = find(create.key());
      if (id.empty()) {
        id = std::to_string(board_.next_id++);
        board_.cards[id].marker = create.key();
        board_.cards[id].title = title(operation);
      }
      co_await create.finish(id);
    }
    co_return create.target_id();
  }

  awaitable<void> undo(Receipt receipt) override {
    board_.cards.erase(receipt.target_id);
    co_return;
  }

  awaitable<std::vector<Finding>> verify(std::span<Operation> operations) override {
    std::vector<Finding> findings;
    for (const Operation& operation : operations) {
      Finding finding;
      finding.record = operation.record().ref;
      const Value& id = operation.target_id();
      auto card = id.is_string() ? board_.cards.find(std::string(id.as_string())) : board_.cards.end();
      if (card == board_.cards.end()) {
        finding.message = "is not on the board";
        findings.push_back(std::move(finding));
      } else if (card->second.title != title(operation)) {
        finding.field = "title";
        finding.expected = title(operation);
        finding.found = card->second.title;
        findings.push_back(std::move(finding));
      }
    }
    co_return findings;
  }

 private:
  static std::string title(const Operation& operation) { return std::string(operation.data().at("title").as_string()); }
  std::string find(const std::string& marker) const {
    for (const auto& [id, card] : board_.cards) {
      if (card.marker == marker) return id;
    }
    return {};
  }

  Board& board_;
};

/// The same migration for each tutorial; `store` is what remembers.
inline Pipeline notes_to_board(Board& board, std::shared_ptr<CheckpointStore> store) {
  Pipeline pipeline;
  pipeline.name = "notes-to-board";
  pipeline.source = std::make_shared<NoteSource>();
  pipeline.sink = std::make_shared<BoardSink>(board);
  pipeline.store = std::move(store);
  return pipeline;
}

}  // namespace tutorial
