// A run that dies in the middle, and its resumption. The program's death is simulated at the worst instant: the card is
// made, and nobody has heard of it.
#include <iostream>

#include "board.hpp"

namespace {

/// Dies right after its seventh card.
class DyingSink final : public migrate::ItemSink {
 public:
  explicit DyingSink(tutorial::Board& board) : board_(board), real_(board) {}
  migrate::SinkTraits traits() const override { return real_.traits(); }
  migrate::awaitable<std::vector<migrate::Check>> check() override { return real_.check(); }

  migrate::awaitable<std::string> write(migrate::Operation& operation) override {
    if (operation.record().ref.id != "7") co_return co_await real_.write(operation);
    migrate::Step create = co_await operation.begin("create");
    board_.cards["107"].marker = create.key();
    board_.cards["107"].title = "Note 7";
    board_.next_id = 108;
    throw migrate::SimulatedCrash{"after the card"};
  }

 private:
  tutorial::Board& board_;
  tutorial::BoardSink real_;
};

}  // namespace

int main() {
  tutorial::Board board;
  auto store = migrate::make_memory_store();  // in a real program: open_sqlite_store(file)

  migrate::Pipeline dying = tutorial::notes_to_board(board, store);
  dying.sink = std::make_shared<DyingSink>(board);
  try {
    migrate::run_blocking(dying, migrate::RunOptions());
  } catch (const migrate::SimulatedCrash& crash) {
    std::cout << "died " << crash.point << " with " << board.cards.size() << " cards on the board\n";
  }

  // The same migration again. The seventh card's step is uncertain: it is looked up by its key and adopted.
  migrate::Report report = migrate::run_blocking(tutorial::notes_to_board(board, store), migrate::RunOptions());
  std::cout << "then finished: " << board.cards.size() << " cards, none twice\n";
  return report.status == migrate::Status::done && board.cards.size() == 10 ? 0 : 1;
}
