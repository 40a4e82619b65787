// A source and a sink of one's own: board.hpp has both. The board ends up with every note, once.
#include <iostream>

#include "board.hpp"

int main() {
  tutorial::Board board;
  migrate::Report report =
      migrate::run_blocking(tutorial::notes_to_board(board, migrate::make_memory_store()), migrate::RunOptions());
  std::cout << board.cards.size() << " cards, the first is \"" << board.cards.begin()->second.title << "\"\n";
  return report.status == migrate::Status::done && board.cards.size() == 10 ? 0 : 1;
}
